using Backbones.Registry;

namespace Backbones.Tests.Registry;

[TestClass]
public sealed class TorchvisionNamesTests
{
    [TestMethod]
    public void TheDefaultIsTorchvisionsDefault()
    {
        PretrainedConfig config = ModelNames.GetConfig("torchvision/resnet50");
        Assert.AreEqual("torchvision/resnet50.imagenet1k_v2", config.Name);
        Assert.AreEqual("https://download.pytorch.org/models/resnet50-11ad3fa6.pth", config.Url);
        Assert.AreEqual("torchvision", ModelNames.ModuleOf(config.Architecture));
    }

    // torchvision resizes the short side to 256 (first recipe) or 232 (second) and crops 224.
    [TestMethod]
    [DataRow("torchvision/resnet18", 256)]
    [DataRow("torchvision/resnet50.imagenet1k_v1", 256)]
    [DataRow("torchvision/resnet50.imagenet1k_v2", 232)]
    [DataRow("torchvision/resnext101_64x4d", 232)]
    public void ImagesAreResizedAsTorchvisionDoes(string name, int shortSide)
    {
        PretrainedConfig config = ModelNames.GetConfig(name);
        Assert.AreEqual((shortSide, "bilinear", "center"), ((int)(config.InputSize[1] / config.CropPct), config.Interpolation, config.CropMode));
    }

    // Both libraries publish the same files: where timm has one of torchvision's, its hash must be the one here.
    [TestMethod]
    public void FilesAreThoseThatTimmNames()
    {
        foreach (string name in ModelNames.List(module: ["torchvision"], includeTags: true))
        {
            PretrainedConfig config = ModelNames.GetConfig(name);
            string timm = config.Architecture["torchvision/".Length..] + (config.Tag == "imagenet1k_v1" ? ".tv_in1k" : ".tv2_in1k");
            Assert.AreEqual(ModelNames.GetConfig(timm).Url, config.Url, name);
        }
    }

    [TestMethod]
    public void TheyAreListedOnlyAsTheirModule()
    {
        CollectionAssert.AreEqual(
            new[] { "torchvision/resnet18", "torchvision/resnet34", "torchvision/resnet50", "torchvision/resnet101", "torchvision/resnet152" },
            ModelNames.List(["torchvision/resnet*"], ["torchvision"]).ToArray());
        Assert.IsEmpty(ModelNames.List(["torchvision/*"]));
    }

    [TestMethod]
    public void AMistypedNameHasSuggestions()
        => StringAssert.StartsWith(Assert.ThrowsExactly<UnknownModelException>(() => ModelNames.GetConfig("torchvision/resnet5")).Message,
            "Unknown model 'torchvision/resnet5'. Did you mean 'torchvision/resnet50'");
}
