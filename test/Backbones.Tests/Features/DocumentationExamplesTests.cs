using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Models;
using Backbones.Tests.Graphs;

namespace Backbones.Tests.Features;

/// <summary>
/// The examples of timm's "Feature Extraction", torchvision's "Feature extraction for model inspection" and the article on feature pyramids,
/// with the shapes that they print. Their numbers are the conformance runner's.
/// </summary>
[TestClass]
public sealed class DocumentationExamplesTests
{
    // timm, penultimate features.

    [TestMethod]
    public void Xception41_forward_features_is_unpooled()
    {
        AssertShapes("xception41", FeatureSelection.Logits, [[1000]]);
        AssertShapes("xception41", FeatureSelection.Unpooled, [[2048, 10, 10]]);
    }

    [TestMethod]
    [DataRow("resnet50", 2048, "fc")]
    [DataRow("densenet121", 1024, "classifier")]
    public void Without_classifier_and_pooling_the_map_is_left(string name, int channels, string classifier)
    {
        SelectedFeatures features = AssertShapes(name, FeatureSelection.Pooled(""), [[channels, 7, 7]]);
        Assert.IsFalse(features.Graph.Parameters.Any(p => p.Name == $"{classifier}.weight"), "the classifier's parameters are gone");
    }

    [TestMethod]
    public void Vit_medium_hidden_state_goes_through_the_head()
    {
        BackboneGraph backbone = ModelCatalog.Find("vit_medium_patch16_reg1_gap_256").Build(BuildOptions.Default);
        Assert.AreEqual([257, 512], backbone.Features.Shape);
        Graph head = backbone.Graph.From(backbone.Features);
        Assert.AreEqual([257, 512], head.Inputs[0].Shape);
        Assert.AreEqual([1000], head.Outputs[0].Shape);
    }

    [TestMethod]
    public void Resnet50_without_classifier_is_pooled() => AssertShapes("resnet50", FeatureSelection.Pooled(), [[2048]]);

    [TestMethod]
    public void Ese_vovnet19b_dw_without_classifier_is_pooled_and_runs()
    {
        using Backbone backbone = Backbone.Create("ese_vovnet19b_dw", new BackboneOptions { RandomWeights = true });
        using FeatureExtractor extractor = backbone.Extract(FeatureSelection.Pooled());
        FeatureBatch batch = extractor.Run(2, TestGraphs.Input(2, extractor.InputShape));
        Assert.AreEqual((2, 1024), (batch.Batch, batch[0][0].Length));
        Assert.AreNotEqual(batch[0][0][0], batch[0][1][0], "two images, two results");
    }

    // timm, feature pyramids.

    [TestMethod]
    public void Resnest26d_has_five_levels()
        => AssertShapes("resnest26d", FeatureSelection.Pyramid(), [[64, 112, 112], [256, 56, 56], [512, 28, 28], [1024, 14, 14], [2048, 7, 7]]);

    [TestMethod]
    public void Regnety_032_is_asked_for_its_channels()
    {
        SelectedFeatures features = AssertShapes("regnety_032", FeatureSelection.Pyramid(), [[32, 112, 112], [72, 56, 56], [216, 28, 28], [576, 14, 14], [1512, 7, 7]]);
        CollectionAssert.AreEqual(new[] { 32, 72, 216, 576, 1512 }, features.Outputs.Select(o => o.Level!.Channels).ToArray());
    }

    [TestMethod]
    public void Ecaresnet101d_with_limited_stride_gives_two_levels_of_one_size()
    {
        SelectedFeatures features = AssertShapes("ecaresnet101d", FeatureSelection.Pyramid([2, 4], outputStride: 8), [[512, 40, 40], [2048, 40, 40]], imageSize: 320);
        CollectionAssert.AreEqual(new[] { 512, 2048 }, features.Outputs.Select(o => o.Level!.Channels).ToArray());
        CollectionAssert.AreEqual(new[] { 8, 8 }, features.Outputs.Select(o => o.Level!.Reduction).ToArray());
    }

    // timm, intermediates.

    [TestMethod]
    public void Vit_medium_has_twelve_intermediates()
        => AssertShapes("vit_medium_patch16_reg1_gap_256", FeatureSelection.Intermediates(), [.. Enumerable.Repeat(Shape.Create([512, 16, 16]), 12)]);

    [TestMethod]
    public void Vit_medium_is_pruned_to_its_last_but_one_block()
    {
        SelectedFeatures features = AssertShapes("vit_medium_patch16_reg1_gap_256", FeatureSelection.Intermediates([-2]), [[512, 16, 16]]);
        Assert.AreEqual(38_880_232, features.Backbone.Graph.ParameterCount);
        Assert.AreEqual(35_212_800, features.Graph.ParameterCount);
    }

    // The article.

    [TestMethod]
    public void Resnet34_gives_the_levels_asked_for()
        => AssertShapes("resnet34", FeatureSelection.Pyramid([0, 2, 4]), [[64, 112, 112], [128, 28, 28], [512, 7, 7]]);

    [TestMethod]
    public void Resnet50_takes_large_images()
        => AssertShapes("resnet50", FeatureSelection.Pyramid([1, 2, 3, 4]), [[256, 200, 200], [512, 100, 100], [1024, 50, 50], [2048, 25, 25]], imageSize: 800);

    [TestMethod]
    public void Convnext_tiny_has_four_levels()
        => AssertShapes("convnext_tiny", FeatureSelection.Pyramid(), [[96, 56, 56], [192, 28, 28], [384, 14, 14], [768, 7, 7]]);

    [TestMethod]
    public void Mobilenetv3_large_100_gives_the_levels_asked_for()
        => AssertShapes("mobilenetv3_large_100", FeatureSelection.Pyramid([1, 2, 3, 4]), [[24, 56, 56], [40, 28, 28], [112, 14, 14], [960, 7, 7]]);

    // The article has it refused; timm has learned it since.
    [TestMethod]
    public void Vit_base_has_a_pyramid_of_three_equal_levels()
        => AssertShapes("vit_base_patch16_224", FeatureSelection.Pyramid(), [[768, 14, 14], [768, 14, 14], [768, 14, 14]]);

    // torchvision.

    [TestMethod]
    public void Torchvision_resnet50_nodes_and_truncated_names_are_the_same_values()
    {
        BackboneGraph backbone = ModelCatalog.Find("torchvision/resnet50").Build(BuildOptions.Default);
        SelectedFeatures nodes = SelectedFeatures.Choose(backbone, FeatureSelection.Nodes(
            [("layer1.2.relu_2", "layer1"), ("layer2.3.relu_2", "layer2"), ("layer3.5.relu_2", "layer3"), ("layer4.2.relu_2", "layer4")]));
        SelectedFeatures truncated = SelectedFeatures.Choose(backbone, FeatureSelection.Nodes("layer1", "layer2", "layer3", "layer4"));
        CollectionAssert.AreEqual(nodes.Graph.Outputs, truncated.Graph.Outputs);
        CollectionAssert.AreEqual(nodes.Outputs, truncated.Outputs);
        CollectionAssert.AreEqual(new Shape[] { [256, 56, 56], [512, 28, 28], [1024, 14, 14], [2048, 7, 7] }, nodes.Outputs.Select(o => o.Shape).ToArray());
        Assert.IsNull(nodes.Graph.Parameters.FirstOrDefault(p => p.Name.StartsWith("fc.", StringComparison.Ordinal)), "what nobody asked for is gone");
    }

    [TestMethod]
    public void Torchvision_resnet50_with_a_pyramid_network()
    {
        SelectedFeatures body = SelectedFeatures.Create(
            ModelCatalog.Find("torchvision/resnet50"), FeatureSelection.Nodes([("layer1", "0"), ("layer2", "1"), ("layer3", "2"), ("layer4", "3")]));
        SelectedFeatures both = body.Extend((b, maps) => FeaturePyramidNetwork.Build(b, "fpn", maps, 256, lastLevelMaxPool: true));
        CollectionAssert.AreEqual(new[] { "0", "1", "2", "3", "pool" }, both.Outputs.Select(o => o.Name).ToArray());
        CollectionAssert.AreEqual(
            new Shape[] { [256, 56, 56], [256, 28, 28], [256, 14, 14], [256, 7, 7], [256, 4, 4] },
            both.Outputs.Select(o => o.Shape).ToArray());
    }

    /// <summary>Selects from a model and compares the shapes of the outputs, batch not counted.</summary>
    private static SelectedFeatures AssertShapes(string name, FeatureSelection selection, Shape[] shapes, int? imageSize = null)
    {
        SelectedFeatures features = SelectedFeatures.Create(ModelCatalog.Find(name), selection, new BuildOptions { ImageSize = imageSize is { } size ? (Size2)size : null });
        CollectionAssert.AreEqual(shapes, features.Outputs.Select(o => o.Shape).ToArray(), name);
        CollectionAssert.AreEqual(shapes, features.Graph.Outputs.Select(o => o.Shape).ToArray(), name);
        return features;
    }
}
