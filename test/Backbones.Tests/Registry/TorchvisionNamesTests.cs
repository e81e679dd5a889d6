using Backbones.Registry;
using Backbones.Tests.Weights;

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

    // Short side that pictures are resized to, input size and filter: the transforms of torchvision's weights, where they are not the first recipe's.
    private static readonly Dictionary<string, (int Resize, int Crop, string Filter)> s_transforms = new()
    {
        ["convnext_tiny.imagenet1k_v1"] = (236, 224, "bilinear"),
        ["convnext_small.imagenet1k_v1"] = (230, 224, "bilinear"),
        ["convnext_base.imagenet1k_v1"] = (232, 224, "bilinear"),
        ["convnext_large.imagenet1k_v1"] = (232, 224, "bilinear"),
        ["efficientnet_b0.imagenet1k_v1"] = (256, 224, "bicubic"),
        ["efficientnet_b1.imagenet1k_v1"] = (256, 240, "bicubic"),
        ["efficientnet_b1.imagenet1k_v2"] = (255, 240, "bilinear"),
        ["efficientnet_b2.imagenet1k_v1"] = (288, 288, "bicubic"),
        ["efficientnet_b3.imagenet1k_v1"] = (320, 300, "bicubic"),
        ["efficientnet_b4.imagenet1k_v1"] = (384, 380, "bicubic"),
        ["efficientnet_b5.imagenet1k_v1"] = (456, 456, "bicubic"),
        ["efficientnet_b6.imagenet1k_v1"] = (528, 528, "bicubic"),
        ["efficientnet_b7.imagenet1k_v1"] = (600, 600, "bicubic"),
        ["efficientnet_v2_s.imagenet1k_v1"] = (384, 384, "bilinear"),
        ["efficientnet_v2_m.imagenet1k_v1"] = (480, 480, "bilinear"),
        ["efficientnet_v2_l.imagenet1k_v1"] = (480, 480, "bicubic"),
        ["inception_v3.imagenet1k_v1"] = (342, 299, "bilinear"),
        ["maxvit_t.imagenet1k_v1"] = (224, 224, "bicubic"),
        ["mnasnet0_75.imagenet1k_v1"] = (232, 224, "bilinear"),
        ["mnasnet1_3.imagenet1k_v1"] = (232, 224, "bilinear"),
        ["resnext101_64x4d.imagenet1k_v1"] = (232, 224, "bilinear"),
        ["shufflenet_v2_x1_5.imagenet1k_v1"] = (232, 224, "bilinear"),
        ["shufflenet_v2_x2_0.imagenet1k_v1"] = (232, 224, "bilinear"),
        ["swin_t.imagenet1k_v1"] = (232, 224, "bicubic"),
        ["swin_s.imagenet1k_v1"] = (246, 224, "bicubic"),
        ["swin_b.imagenet1k_v1"] = (238, 224, "bicubic"),
        ["swin_v2_t.imagenet1k_v1"] = (260, 256, "bicubic"),
        ["swin_v2_s.imagenet1k_v1"] = (260, 256, "bicubic"),
        ["swin_v2_b.imagenet1k_v1"] = (272, 256, "bicubic"),
        ["vit_b_16.imagenet1k_swag_e2e_v1"] = (384, 384, "bicubic"),
        ["vit_l_16.imagenet1k_v1"] = (242, 224, "bilinear"),
        ["vit_l_16.imagenet1k_swag_e2e_v1"] = (512, 512, "bicubic"),
        ["vit_h_14.imagenet1k_swag_e2e_v1"] = (518, 518, "bicubic"),
    };

    [TestMethod]
    public void ImagesAreResizedAsTorchvisionDoes()
    {
        foreach (string name in ModelNames.List(module: ["torchvision"], includeTags: true))
        {
            PretrainedConfig config = ModelNames.GetConfig(name);
            (int Resize, int Crop, string Filter) expected = s_transforms.GetValueOrDefault(name["torchvision/".Length..], config.Tag switch
            {
                "imagenet1k_v2" => (232, 224, "bilinear"),
                "imagenet1k_swag_e2e_v1" => (384, 384, "bicubic"),
                "imagenet1k_swag_linear_v1" => (224, 224, "bicubic"),
                _ => (256, 224, "bilinear"),
            });
            Assert.AreEqual((expected, "center"), (((int)Math.Floor(config.InputSize[1] / config.CropPct), config.InputSize[1], config.Interpolation), config.CropMode), name);
        }
    }

    // Both libraries publish the same files: where timm has one of torchvision's, its hash must be the one here. Inception's is an older file in timm.
    [TestMethod]
    public void FilesAreThoseThatTimmNames()
    {
        HashSet<string?> ours = [.. ModelNames.List(module: ["torchvision"], includeTags: true).Select(n => ModelNames.GetConfig(n).Url)];
        string[] timm = [.. ModelNames.List(["*.tv_in1k", "*.tv2_in1k"], includeTags: true).Where(n => !n.StartsWith("inception_v3", StringComparison.Ordinal))
            .Select(n => ModelNames.GetConfig(n).Url).OfType<string>()];
        Assert.IsGreaterThan(30, timm.Length);
        Assert.AreEqual("", string.Join(", ", timm.Where(url => !ours.Contains(url))));
        Assert.AreEqual(ModelNames.GetConfig("resnet50.tv2_in1k").Url, ModelNames.GetConfig("torchvision/resnet50.imagenet1k_v2").Url);
    }

    [TestMethod]
    public void TheModelsAreTorchvisions()
        => Assert.AreEqual(
            "alexnet convnext_base convnext_large convnext_small convnext_tiny densenet121 densenet161 densenet169 densenet201 efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 "
            + "efficientnet_b4 efficientnet_b5 efficientnet_b6 efficientnet_b7 efficientnet_v2_l efficientnet_v2_m efficientnet_v2_s googlenet inception_v3 maxvit_t mnasnet0_5 mnasnet0_75 mnasnet1_0 "
            + "mnasnet1_3 mobilenet_v2 mobilenet_v3_large mobilenet_v3_small regnet_x_16gf regnet_x_1_6gf regnet_x_32gf regnet_x_3_2gf regnet_x_400mf regnet_x_800mf regnet_x_8gf regnet_y_128gf "
            + "regnet_y_16gf regnet_y_1_6gf regnet_y_32gf regnet_y_3_2gf regnet_y_400mf regnet_y_800mf regnet_y_8gf resnet101 resnet152 resnet18 resnet34 resnet50 resnext101_32x8d resnext101_64x4d "
            + "resnext50_32x4d shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5 shufflenet_v2_x2_0 squeezenet1_0 squeezenet1_1 swin_b swin_s swin_t swin_v2_b swin_v2_s swin_v2_t vgg11 vgg11_bn "
            + "vgg13 vgg13_bn vgg16 vgg16_bn vgg19 vgg19_bn vit_b_16 vit_b_32 vit_h_14 vit_l_16 vit_l_32 wide_resnet101_2 wide_resnet50_2",
            string.Join(" ", ModelNames.List(module: ["torchvision"]).Select(n => n["torchvision/".Length..]).Order(StringComparer.Ordinal)));

    [TestMethod]
    [DataRow("ResNet50_Weights.IMAGENET1K_V1", "torchvision/resnet50.imagenet1k_v1")]
    [DataRow("ResNet50_Weights.DEFAULT", "torchvision/resnet50.imagenet1k_v2")]
    [DataRow("ResNet50_Weights", "torchvision/resnet50.imagenet1k_v2")]
    [DataRow("torchvision/resnet50.IMAGENET1K_V1", "torchvision/resnet50.imagenet1k_v1")]
    [DataRow("torchvision/resnet50.DEFAULT", "torchvision/resnet50.imagenet1k_v2")]
    [DataRow("torchvision/resnet50.ResNet50_Weights.IMAGENET1K_V1", "torchvision/resnet50.imagenet1k_v1")]
    [DataRow("torchvision/ResNet50_Weights.IMAGENET1K_V1", "torchvision/resnet50.imagenet1k_v1")]
    [DataRow("RegNet_Y_16GF_Weights.IMAGENET1K_SWAG_LINEAR_V1", "torchvision/regnet_y_16gf.imagenet1k_swag_linear_v1")]
    [DataRow("ResNeXt101_32X8D_Weights.IMAGENET1K_V2", "torchvision/resnext101_32x8d.imagenet1k_v2")]
    [DataRow("ViT_B_16_Weights.IMAGENET1K_SWAG_E2E_V1", "torchvision/vit_b_16.imagenet1k_swag_e2e_v1")]
    [DataRow("VGG16_Weights.IMAGENET1K_FEATURES", "torchvision/vgg16.imagenet1k_features")]
    [DataRow("MNASNet1_3_Weights.IMAGENET1K_V1", "torchvision/mnasnet1_3.imagenet1k_v1")]
    [DataRow("GoogLeNet_Weights.IMAGENET1K_V1", "torchvision/googlenet.imagenet1k_v1")]
    public void WeightsHaveTheNamesOfTorchvisionsDocuments(string name, string meant) => Assert.AreEqual(meant, ModelNames.GetConfig(name).Name);

    [TestMethod]
    [DataRow("torchvision/resnet50.ResNet18_Weights.IMAGENET1K_V1", "asks for weights of 'torchvision/resnet18' for another model; write 'torchvision/resnet18' or 'ResNet18_Weights.IMAGENET1K_V1'")]
    [DataRow("resnet50.ResNet50_Weights.IMAGENET1K_V1", "write 'torchvision/resnet50'")]
    public void WeightsOfAnotherModelAreRefused(string name, string problem)
        => StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => ModelNames.GetConfig(name)).Message, problem);

    [TestMethod]
    [DataRow("ResNet50_Weights.IMAGENET1K_V3", "Unknown tag 'imagenet1k_v3' of 'torchvision/resnet50'.")]
    [DataRow("ResNet51_Weights.IMAGENET1K_V1", "Unknown model 'torchvision/resnet51'.")]
    public void UnknownWeightsAreToldOfByTheRegistrysNames(string name, string problem)
        => StringAssert.Contains(Assert.ThrowsExactly<UnknownModelException>(() => ModelNames.GetConfig(name)).Message, problem);

    [TestMethod]
    [DataRow("torchvision/maskrcnn_resnet50_fpn", "'torchvision/maskrcnn_resnet50_fpn' is a detector and no backbone: Detector.Create")]
    [DataRow("fcos_resnet50_fpn", "'fcos_resnet50_fpn' is a detector")]
    [DataRow("torchvision/ssd300_vgg16", "'torchvision/ssd300_vgg16' is a detector")]
    [DataRow("ssdlite320_mobilenet_v3_large", "'ssdlite320_mobilenet_v3_large' is a detector")]
    [DataRow("torchvision/deeplabv3_resnet50", "'torchvision/deeplabv3_resnet50' is a segmentation model and no backbone: SegmentationModel.Create")]
    public void WhatIsNoBackboneIsToldOfAsWhatItIs(string name, string problem)
        => StringAssert.StartsWith(Assert.ThrowsExactly<UnknownModelException>(() => ModelNames.GetConfig(name)).Message, problem);

    // Under the registry's name, under torchvision's, and in torch's cache under the file's.
    [TestMethod]
    public void WeightsAreFoundByTheirNames()
    {
        using TemporaryFolder folder = new();
        DirectoryInfo torchvision = Directory.CreateDirectory(folder.File("torchvision"));
        string first = Path.Combine(torchvision.FullName, "resnet50.imagenet1k_v1.safetensors"), second = folder.File("ResNet50_Weights.IMAGENET1K_V2.safetensors");
        File.WriteAllBytes(first, []);
        File.WriteAllBytes(second, []);
        Assert.AreEqual(first, WeightsLocator.Find("ResNet50_Weights.IMAGENET1K_V1", folders: [folder.Path]).WeightsFile);
        Assert.AreEqual(second, WeightsLocator.Find("ResNet50_Weights.IMAGENET1K_V2", folders: [folder.Path]).WeightsFile);
        Assert.AreEqual("torchvision/resnet50.imagenet1k_v2", WeightsLocator.Find("ResNet50_Weights.IMAGENET1K_V2", folders: [folder.Path]).Config.Name);

        string cached = folder.File("resnet50-11ad3fa6.pth");
        File.WriteAllBytes(cached, []);
        Assert.AreEqual(cached, new DownloadCaches(folder.File("none"), folder.Path).FindWeights(ModelNames.GetConfig("ResNet50_Weights.IMAGENET1K_V2")));
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
