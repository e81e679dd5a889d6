using Backbones.Graphs;

namespace Backbones.Tests.Graphs;

[TestClass]
public sealed class NearestNameTests
{
    private static readonly string[] Models = ["resnet18", "resnet26", "resnet50", "resnet50c", "resnet50d", "resnetv2_50", "vit_tiny_patch16_224", "convnext_tiny"];

    [TestMethod]
    [DataRow("resnet5", "resnet50,resnet50c,resnet50d")]
    [DataRow("resent50", "resnet50,resnet50c,resnet50d")]
    [DataRow("RESNET18", "resnet18,resnet26,resnet50")]
    [DataRow("vit_tiny_patch14_224", "vit_tiny_patch16_224")]
    [DataRow("convnet_tiny", "convnext_tiny")]
    [DataRow("alexnet", "")]
    [DataRow("", "")]
    public void NearestFirstAndUnfinishedNamesBeforeOthers(string name, string expected)
        => Assert.AreEqual(expected, string.Join(",", NearestName.Find(name, Models)));

    [TestMethod]
    public void None_of_the_equally_near_names_is_left_out()
        => Assert.AreEqual(" Did you mean 'layer1', 'layer2', 'layer3', 'layer4'?", NearestName.Suggest("layer5", ["conv1", "layer1", "layer1.0", "layer2", "layer3", "layer3.1", "layer4", "fc"]));

    [TestMethod]
    public void SuggestionIsASentenceOrNothing()
    {
        Assert.AreEqual(" Did you mean 'convnext_tiny'?", NearestName.Suggest("convnext_tin", Models));
        Assert.AreEqual("", NearestName.Suggest("alexnet", Models));
    }

    [TestMethod]
    [DataRow("", "abc", 3)]
    [DataRow("kitten", "sitting", 3)]
    [DataRow("ab", "ba", 1)]
    [DataRow("Layer1", "layer1", 0)]
    public void DistanceCountsKeystrokes(string a, string b, int expected)
    {
        Assert.AreEqual(expected, NearestName.Distance(a, b));
        Assert.AreEqual(expected, NearestName.Distance(b, a));
    }
}
