using Backbones.Registry;

namespace Backbones.Tests.Registry;

[TestClass]
public sealed class ModelNameTests
{
    [TestMethod]
    [DataRow("resnet50", ModelNameSource.Registry, "resnet50", "", "")]
    [DataRow("resnet50.a1_in1k", ModelNameSource.Registry, "resnet50", "a1_in1k", "")]
    [DataRow("a.b.c", ModelNameSource.Registry, "a", "b.c", "")]
    [DataRow("torchvision/resnet50", ModelNameSource.Registry, "torchvision/resnet50", "", "")]
    [DataRow("torchvision/resnet50.imagenet1k_v1", ModelNameSource.Registry, "torchvision/resnet50", "imagenet1k_v1", "")]
    [DataRow("hf-hub:timm/resnet50.a1_in1k", ModelNameSource.HfHub, "timm/resnet50.a1_in1k", "", "")]
    [DataRow("hf-hub:timm/resnet50.a1_in1k@main", ModelNameSource.HfHub, "timm/resnet50.a1_in1k", "", "main")]
    [DataRow("HF_hub:gpt2@refs/pr/1", ModelNameSource.HfHub, "gpt2", "", "refs/pr/1")]
    [DataRow("local-dir:/data/my model@home", ModelNameSource.LocalDir, "/data/my model@home", "", "")]
    [DataRow(@"local-dir:C:\models\x", ModelNameSource.LocalDir, @"C:\models\x", "", "")]
    public void NamesAreTakenApart(string name, ModelNameSource source, string id, string tag, string revision)
        => Assert.AreEqual(new ModelName(source, id, tag, revision), ModelName.Parse(name));

    [TestMethod]
    [DataRow("", "empty")]
    [DataRow("timm/resnet50", "'timm/resnet50' looks like a path or a repository")]
    [DataRow("torchvision/a/b", "looks like a path")]
    [DataRow("torchvision/", "'torchvision/' names no model; expected a name such as")]
    [DataRow("torchvision/..", "names no model")]
    [DataRow("..", "names no model")]
    [DataRow("./resnet50", "'local-dir:./resnet50'")]
    [DataRow(@"models\resnet50", "looks like a path")]
    [DataRow(@"C:\models\resnet50", "looks like a path")]
    [DataRow("http://x/resnet50", "Unknown model source 'http' in 'http://x/resnet50'. Known sources: hf-hub:")]
    [DataRow("hf-hub:", "nothing after the prefix; expected a repository")]
    [DataRow("local-dir:", "nothing after the prefix; expected a path")]
    [DataRow("hf-hub:a/b/c", "names no repository")]
    [DataRow("hf-hub:a/b@x@y", "names no repository")]
    [DataRow("hf-hub:a/b@", "names no repository")]
    [DataRow("hf-hub:../b", "names no repository")]
    [DataRow("hf-hub:a/..", "names no repository")]
    [DataRow("hf-hub:a/b?c", "names no repository")]
    [DataRow("hf-hub:/b", "names no repository")]
    public void OtherNamesAreRefused(string name, string problem)
        => StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => ModelName.Parse(name)).Message, problem);
}
