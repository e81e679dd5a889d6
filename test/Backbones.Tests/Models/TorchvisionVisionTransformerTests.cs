using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Models;
using Backbones.Tests.Graphs;
using Backbones.Tests.Weights;
using Backbones.Weights;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class TorchvisionVisionTransformerTests
{
    // num_params of torchvision's weights tables.
    [TestMethod]
    [DataRow("vit_b_16", 224, 86567656)]
    [DataRow("vit_b_16", 384, 86859496)]
    [DataRow("vit_b_32", 224, 88224232)]
    [DataRow("vit_l_16", 224, 304326632)]
    [DataRow("vit_l_16", 512, 305174504)]
    [DataRow("vit_l_32", 224, 306535400)]
    [DataRow("vit_h_14", 224, 632045800)]
    [DataRow("vit_h_14", 518, 633470440)]
    public void ParametersAreAsManyAsTorchvisions(string name, int size, long count)
        => Assert.AreEqual(count, ModelCatalog.Find($"torchvision/{name}").Build(new() { ImageSize = size }).Graph.ParameterCount);

    [TestMethod]
    public void AnImageThatIsNoWholeNumberOfPatchesIsRefused()
        => StringAssert.Contains(
            Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find("torchvision/vit_b_16").Build(new() { ImageSize = (224, 230) })).Message,
            "An image of 224×230 is no whole number of 16×16 patches; choose an image size that 16 divides.");

    // torchvision's interpolate_embeddings aligns the corners: between two rows of 0 and 1 the middle one has a half, whatever the filter.
    [TestMethod]
    public void PositionsAreInterpolatedWithCornersInPlace()
    {
        var b = new GraphBuilder([1]);
        Node source = b.Constant([1, 5, 1], [9, 0, 1, 2, 3]);
        Node adapted = ParameterAdapters.PositionEmbedding(1, 2, 3, alignCorners: true)(b, source, [1, 10, 1]);
        float[] values = TestGraphs.Run(b.Build(adapted), batch: 1)[0];
        Assert.IsLessThan(1e-6, TestGraphs.Distance([9, 0, 0.5f, 1, 1, 1.5f, 2, 2, 2.5f, 3], values));
    }

    [TestMethod]
    public void BlocksAreIntermediatesAndThePyramid()
    {
        ModelEntry model = ModelCatalog.Find("torchvision/vit_b_32");
        SelectedFeatures blocks = SelectedFeatures.Create(model, FeatureSelection.Intermediates([3, -1], norm: true, returnPrefixTokens: true));
        Assert.AreEqual("3 [768, 7, 7], 3.prefix [1, 768], 11 [768, 7, 7], 11.prefix [1, 768]", string.Join(", ", blocks.Outputs.Select(o => $"{o.Name} {o.Shape}")));
        Assert.AreEqual("768/32 encoder.layers.encoder_layer_9, 768/32 encoder.layers.encoder_layer_10, 768/32 encoder.layers.encoder_layer_11", string.Join(", ",
            SelectedFeatures.Create(model, FeatureSelection.Pyramid()).Outputs.Select(o => $"{o.Level!.Channels}/{o.Level.Reduction} {o.Level.Module}")));
    }

    // Each block's assertion reads its input, so that torchvision's extraction keeps all but the last block; nothing of that is computed here.
    [TestMethod]
    public void WhatAssertionsReadIsKeptAndNotComputed()
    {
        Graph graph = SelectedFeatures.Create(ModelCatalog.Find("torchvision/vit_b_32"), FeatureSelection.Nodes("encoder.layers.encoder_layer_0.ln")).Graph;
        Assert.AreEqual("encoder.layers.encoder_layer_10.mlp.3.bias", graph.Parameters[^1].Name);
        Assert.IsFalse(graph.Nodes.Any(n => n.Name.Contains("encoder_layer_1", StringComparison.Ordinal)));
    }

    // torchvision loads the files from before its MLP module under that module's names.
    [TestMethod]
    public void ThePublishedFilesNamesLoad()
    {
        using TemporaryFolder folder = new();
        using Backbone random = Backbone.Create("torchvision/vit_b_32", new() { RandomWeights = true });
        string file = folder.File("vit_b_32-d86f8d99.safetensors");
        SafetensorsWriter.Write(file, random.Parameters.Tensors.Select(t => new RenamedTensor(t.Name.Replace(".mlp.0.", ".mlp.linear_1.").Replace(".mlp.3.", ".mlp.linear_2."), t.Shape, t)));
        using Backbone published = Backbone.Create("torchvision/vit_b_32", new() { WeightsPath = file });
        Assert.AreEqual(random.Parameters.ContentHash, published.Parameters.ContentHash);

        // For another image size its positions are resized: from 7×7 to 2×2 the corners alone are left.
        using Backbone smaller = Backbone.Create("torchvision/vit_b_32", new() { WeightsPath = file, ImageSize = 64 });
        float[][] own = Positions(published), resized = Positions(smaller);
        Assert.HasCount(50, own);
        Assert.HasCount(5, resized);
        foreach ((int i, int corner) in new[] { 0, 1, 7, 43, 49 }.Index())
            Assert.IsLessThan(1e-6, TestGraphs.Distance(own[corner], resized[i]));
    }

    /// <summary>The position embeddings as torchvision's node has them, token by token.</summary>
    private static float[][] Positions(Backbone backbone)
    {
        using FeatureExtractor extractor = backbone.Extract(FeatureSelection.Nodes("encoder.encoder_pos_embedding"));
        return [.. extractor.Run(1, new float[extractor.InputShape.Length]).Tensors[0][0].ToArray().Chunk(768)];
    }
}
