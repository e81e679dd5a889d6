using Backbones.Engines.Managed;
using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Models;
using Backbones.Tests.Graphs;

namespace Backbones.Tests.Layers;

/// <summary>A worked example of extending a selection: pyramid → equal widths → segmentation head, one graph, one run.</summary>
[TestClass]
public sealed class SegmentationHeadTests
{
    [TestMethod]
    public void A_head_on_a_backbones_pyramid_labels_every_pixel()
    {
        BackboneGraph backbone = ModelCatalog.Find("test_resnet").Build(new BuildOptions { ImageSize = 96 });
        var b = GraphBuilder.Extend(backbone.Graph);
        Node[] lateral = [.. backbone.Levels.Skip(1).Select((l, i) => b.Conv2d($"lateral.{i}", l.Node, 16, 1, bias: true))];
        Node scores = SegmentationHead.Build(b, "head", lateral, classes: 5, 96, 96);
        Graph graph = b.Build(scores).WithOutputs(scores);

        Assert.AreEqual(Shape.Create([5, 96, 96]), scores.Shape);
        Assert.Contains("head.classifier.weight", graph.Parameters.Select(p => p.Name));
        Assert.DoesNotContain("fc.weight", graph.Parameters.Select(p => p.Name), "the classifier of the backbone is not needed");
        float[] reference = TestGraphs.Run(graph)[0], managed = TestGraphs.Run(graph, engine: new ManagedEngine())[0];
        Assert.IsLessThan(1e-5, TestGraphs.Distance(reference, managed));
    }

    [TestMethod]
    public void Bilinear_enlargement_keeps_a_linear_ramp_between_pixel_centres()
    {
        var b = new GraphBuilder([1, 1, 4]);
        Graph graph = b.Build(b.Resize(b.Input, 1, 8, ResizeMode.Bilinear));
        using var store = Backbones.Weights.ParameterStore.FromRecipe([], 1);
        using var plan = new Backbones.Engines.Reference.ReferenceEngine().Compile(graph, store, Backbones.Engines.EngineOptions.Default);
        var output = new float[8];
        plan.Run(1, [new float[] { 0, 1, 2, 3 }], [output]);
        CollectionAssert.AreEqual(new[] { 0, 0.25f, 0.75f, 1.25f, 1.75f, 2.25f, 2.75f, 3 }, output);
    }

    [TestMethod]
    public void Levels_of_different_widths_are_refused()
    {
        BackboneGraph backbone = ModelCatalog.Find("test_resnet").Build(new BuildOptions { ImageSize = 96 });
        var b = GraphBuilder.Extend(backbone.Graph);
        Node[] levels = [.. backbone.Levels.Skip(1).Select(l => l.Node)];
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => SegmentationHead.Build(b, "head", levels, 5, 96, 96)).Message, "equal channels");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => SegmentationHead.Build(b, "head", [], 5, 96, 96)).Message, "at least one level");
    }
}
