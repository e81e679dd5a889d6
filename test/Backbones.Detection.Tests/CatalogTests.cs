using Backbones.Graphs;
using Backbones.Registry;
using Backbones.Weights;

namespace Backbones.Detection.Tests;

[TestClass]
public sealed class CatalogTests
{
    [TestMethod]
    public void Unknown_names_and_kinds_are_told_of()
    {
        StringAssert.Contains(Assert.ThrowsExactly<UnknownModelException>(() => Detector.Create("torchvision/maskrcnn_resnet50_fpm")).Message, "'torchvision/maskrcnn_resnet50_fpn'");
        StringAssert.Contains(Assert.ThrowsExactly<UnknownModelException>(() => MaskRcnn.Create("torchvision/fcos_resnet50_fpn")).Message, "of this kind");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => Detector.Create("torchvision/fcos_resnet50_fpn", new MaskRcnnOptions())).Message, "fcos");
    }

    [TestMethod]
    [DataRow("torchvision/fcos_resnet50_fpn.coco_v1", "torchvision/fcos_resnet50_fpn")]
    [DataRow("torchvision/fcos_resnet50_fpn.COCO_V1", "torchvision/fcos_resnet50_fpn")]
    [DataRow("MaskRCNN_ResNet50_FPN_V2_Weights.DEFAULT", "torchvision/maskrcnn_resnet50_fpn_v2")]
    [DataRow("FasterRCNN_MobileNet_V3_Large_320_FPN_Weights.COCO_V1", "torchvision/fasterrcnn_mobilenet_v3_large_320_fpn")]
    [DataRow("SSD300_VGG16_Weights.COCO_V1", "torchvision/ssd300_vgg16")]
    [DataRow("SSDLite320_MobileNet_V3_Large_Weights.DEFAULT", "torchvision/ssdlite320_mobilenet_v3_large")]
    public void A_name_may_have_the_tag_of_its_weights_or_be_torchvisions_of_them(string name, string detector)
        => Assert.AreEqual(detector, DetectorCatalog.Find(name).Name);

    [TestMethod]
    public void Weights_that_are_not_here_are_told_of_with_their_address()
    {
        var e = Assert.ThrowsExactly<FileNotFoundException>(() => Detector.Create("torchvision/retinanet_resnet50_fpn", new RetinaNetOptions { Download = Weights.Hub.DownloadMode.Never }));
        StringAssert.Contains(e.Message, "https://download.pytorch.org/models/retinanet_resnet50_fpn_coco-eeacb38b.pth");
    }

    /// <summary>The published files of 2020 and 2021, whose modules were numbered otherwise.</summary>
    [TestMethod]
    public void Keys_of_old_checkpoints_become_todays()
    {
        DetectorEntry entry = DetectorCatalog.Find("torchvision/maskrcnn_resnet50_fpn");
        string[] old = ["backbone.body.conv1.weight", "backbone.fpn.inner_blocks.0.weight", "backbone.fpn.layer_blocks.3.bias", "rpn.head.conv.weight", "rpn.head.cls_logits.bias", "roi_heads.mask_head.mask_fcn4.bias", "roi_heads.mask_predictor.conv5_mask.weight",
            "head.classification_head.conv.0.weight", "head.regression_head.conv.6.bias", "head.regression_head.bbox_reg.bias"];
        string[] today = ["backbone.body.conv1.weight", "backbone.fpn.inner_blocks.0.0.weight", "backbone.fpn.layer_blocks.3.0.bias", "rpn.head.conv.0.0.weight", "rpn.head.cls_logits.bias", "roi_heads.mask_head.3.0.bias", "roi_heads.mask_predictor.conv5_mask.weight",
            "head.classification_head.conv.0.0.weight", "head.regression_head.conv.3.0.bias", "head.regression_head.bbox_reg.bias"];
        ParameterStore store = DetectorWeights.Open(entry, new MaskRcnnOptions { Weights = Store(old) }, out _, out _)!;
        CollectionAssert.AreEqual(today, store.Tensors.Select(t => t.Name).ToArray());
        // FCOS' convolutions and norms are numbered through.
        string[] fcos = ["backbone.fpn.inner_blocks.0.0.weight", "head.classification_head.conv.0.weight", "head.classification_head.conv.4.weight", "head.regression_head.bbox_ctrness.weight"];
        CollectionAssert.AreEqual(fcos, DetectorWeights.Open(entry, new MaskRcnnOptions { Weights = Store(fcos) }, out _, out _)!.Tensors.Select(t => t.Name).ToArray());
    }

    /// <summary>The first models were trained with frozen batch normalisations without eps, which is so for their published weights alone.</summary>
    [TestMethod]
    public void Only_the_published_weights_have_no_eps()
    {
        DetectorEntry entry = DetectorCatalog.Find("torchvision/maskrcnn_resnet50_fpn");
        Assert.AreEqual(0f, entry.PublishedBatchNormEps);
        Assert.IsNull(DetectorCatalog.Find("torchvision/maskrcnn_resnet50_fpn_v2").PublishedBatchNormEps);
        string folder = Directory.CreateTempSubdirectory("detector").FullName;
        foreach ((string file, bool expected) in new[] { ("maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth", true), ("my.safetensors", false) })
        {
            string path = Path.Combine(folder, file);
            SafetensorsWriter.Write(path, Store(["rpn.head.conv.weight"]).Tensors);
            DetectorWeights.Open(entry, new MaskRcnnOptions { WeightsPath = path }, out bool isOwned, out bool isPublished)!.Dispose();
            Assert.AreEqual((true, expected), (isOwned, isPublished));
        }
        Directory.Delete(folder, recursive: true);
        using Backbone backbone = Tiny.Backbone();
        Graph graph = new BodyGraph(backbone.Select(FeatureSelection.Pyramid(3)).Source!.AtSize, BatchNormEps: 0).Build(64).Graph;
        Assert.IsTrue(graph.Nodes.Select(n => n.Operator).OfType<BatchNormOp>().All(n => n.Eps == 0));
        Assert.IsTrue(graph.Parameters.All(p => p.Name.StartsWith("backbone.body.", StringComparison.Ordinal)));
    }

    /// <summary>torchvision publishes the number of parameters of its models; frozen batch normalisations have none.</summary>
    [TestMethod]
    [DataRow("fasterrcnn_resnet50_fpn", 41755286, true)]
    [DataRow("fasterrcnn_resnet50_fpn_v2", 43712278, false)]
    [DataRow("fasterrcnn_mobilenet_v3_large_fpn", 19386354, true)]
    [DataRow("fasterrcnn_mobilenet_v3_large_320_fpn", 19386354, true)]
    [DataRow("maskrcnn_resnet50_fpn", 44401393, true)]
    [DataRow("maskrcnn_resnet50_fpn_v2", 46359409, false)]
    [DataRow("keypointrcnn_resnet50_fpn", 59137258, true)]
    [DataRow("retinanet_resnet50_fpn", 34014999, true)]
    [DataRow("retinanet_resnet50_fpn_v2", 38198935, false)]
    [DataRow("fcos_resnet50_fpn", 32269600, true)]
    [DataRow("ssd300_vgg16", 35641826, false)]
    [DataRow("ssdlite320_mobilenet_v3_large", 3440060, false)]
    public void Models_have_the_published_number_of_parameters(string name, int published, bool isFrozen)
    {
        DetectorOptions options = name.Split('_')[0] switch { "maskrcnn" => new MaskRcnnOptions(), "keypointrcnn" => new KeypointRcnnOptions(), "retinanet" => new RetinaNetOptions(), "fcos" => new FcosOptions(), "ssd300" or "ssdlite320" => new SsdOptions(), _ => new FasterRcnnOptions() };
        using Detector detector = Detector.Create($"torchvision/{name}", options with { RandomWeights = true, CheckFinite = false });
        HashSet<string> norms = [.. detector.ParameterSpecs.Where(p => p.Name.EndsWith(".running_mean", StringComparison.Ordinal) && p.Name.StartsWith("backbone.body.", StringComparison.Ordinal)).Select(p => p.Name[..^".running_mean".Length])];
        Assert.AreEqual(published, detector.ParameterSpecs.Where(p => p.Kind == ParameterKind.Parameter && !(isFrozen && norms.Contains(p.Name[..p.Name.LastIndexOf('.')]))).Sum(p => p.Shape.Length));
    }

    private static ParameterStore Store(string[] names) => ParameterStore.FromTensors(names.Select(n => new MemoryTensor(n, [1], [1f])));
}
