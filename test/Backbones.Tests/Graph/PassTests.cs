using Backbones.Graphs;
using Backbones.Graphs.Passes;
using Backbones.Models;

namespace Backbones.Tests.Graphs;

/// <summary>Every pass leaves the values as they are: the same graph before and after, on the reference kernels.</summary>
[TestClass]
public class PassTests
{
    private static readonly string[] s_models = ["test_resnet", "resnet10t", "resnet14t", "ecaresnet26t", "resnetblur18", "resnetaa34d", "resnest14d"];

    public static IEnumerable<object[]> Models => s_models.Select(m => new object[] { m });

    [TestMethod]
    [DynamicData(nameof(Models))]
    public void AllPassesKeepTheValues(string model)
    {
        BackboneGraph backbone = ModelCatalog.Find(model).Build(new BuildOptions { ImageSize = 64 });
        Graph graph = backbone.Graph.WithOutputs([backbone.Graph.Outputs[0], .. backbone.Levels.Select(l => l.Node)]);
        Graph optimised = FuseEpilogues.Run(FoldScales.Run(PoolFirst.Run(Reparameterize.Run(Narrow.Run(RemoveIdentities.Run(graph))))));

        Assert.IsFalse(optimised.Nodes.Any(n => n.IsBatched && n.Operator is BatchNormOp or IdentityOp), "a foldable node is left");
        Assert.IsTrue(optimised.Nodes.Any(n => n.Operator is Conv2dOp { Epilogue.AddsResidual: true, Epilogue.Activation: not null }), "no residual was fused");
        float[][] before = TestGraphs.Run(graph), after = TestGraphs.Run(optimised);
        for (int i = 0; i < before.Length; i++)
            Assert.IsLessThan(1e-5, TestGraphs.Distance(before[i], after[i]), $"output {i}");
    }

    [TestMethod]
    public void FoldingKeepsABatchNormWhoseInputIsUsedElsewhere()
    {
        var b = new GraphBuilder([4, 8, 8]);
        Node conv = b.Conv2d("conv", b.Input, 8, 3, padding: 1, bias: true);
        Node bn = b.BatchNorm("bn", conv);
        Graph graph = b.Build(b.Add(conv, bn));
        Graph folded = FoldBatchNorm.Run(graph);
        Assert.IsTrue(folded.Nodes.Any(n => n.Operator is BatchNormOp));
        CollectionAssert.AreEqual(TestGraphs.Run(graph)[0], TestGraphs.Run(folded)[0]);
    }

    [TestMethod]
    public void FoldingIncludesTheBiasOfTheConvolutionAndLinearLayers()
    {
        var b = new GraphBuilder([4, 8, 8]);
        Node x = b.BatchNorm("bn1", b.Conv2d("conv", b.Input, 8, 3, padding: 1, groups: 2, bias: true));
        x = b.Reduce(x, ReduceKind.Mean, [1, 2]);
        Graph graph = b.Build(b.BatchNorm("bn2", b.Linear("fc", x, 5), axis: -1));
        Graph folded = FoldBatchNorm.Run(graph);
        Assert.IsFalse(folded.Nodes.Any(n => n.IsBatched && n.Operator is BatchNormOp));
        Assert.IsLessThan(1e-6, TestGraphs.Distance(TestGraphs.Run(graph)[0], TestGraphs.Run(folded)[0]));
    }

    /// <summary>Averages go in front of a 1×1 convolution, with a bias and with groups; not where windows reach over the border, where the convolution is another, or where somebody needs its values.</summary>
    [TestMethod]
    public void AveragesGoInFrontOfPointwiseConvolutions()
    {
        var b = new GraphBuilder([8, 9, 12]);
        Node used = b.Conv2d("used", b.Input, 6, 1);
        Node[] moved = [b.AvgPool2d("pool1", b.Conv2d("conv1", b.Input, 6, 1), 2), b.AvgPool2d("pool2", b.Conv2d("conv2", b.Input, 4, 1, groups: 2), 3, 2)];
        Node[] kept =
        [
            b.AvgPool2d("pool3", b.Conv2d("conv3", b.Input, 6, 1), 3, 2, 1), b.AvgPool2d("pool4", b.Conv2d("conv4", b.Input, 6, 1), 2, ceilMode: true), b.AvgPool2d("pool5", b.Conv2d("conv5", b.Input, 6, 3, padding: 1), 2),
            b.AvgPool2d("pool6", b.Conv2d("conv6", b.Input, 6, 1, 2), 2), b.AvgPool2d("pool7", b.Conv2d("conv7", b.Input, 6, 1, padding: 1), 2), b.AvgPool2d("pool8", used, 2),
            b.AvgPool2d("pool9", b.Act("act", b.Conv2d("conv9", b.Input, 6, 1), UnaryKind.Relu), 2), b.AvgPool2d("pool10", b.Conv2d("conv10", b.Input, 6, 1), 1),
        ];
        Graph graph = b.Build([.. moved, .. kept, used]), pooled = PoolFirst.Run(graph);
        for (int i = 0; i < graph.Outputs.Length; i++)
        {
            Assert.AreEqual(i < moved.Length, pooled.Outputs[i].Operator is Conv2dOp && graph.Outputs[i].Operator is AvgPool2dOp, graph.Outputs[i].Name);
            Assert.AreEqual(graph.Outputs[i].Shape, pooled.Outputs[i].Shape);
            Assert.IsLessThan(1e-6, TestGraphs.Distance(TestGraphs.Run(graph)[i], TestGraphs.Run(pooled)[i]), graph.Outputs[i].Name);
        }
    }

    /// <summary>A transformer whose features are its class token computes the last block's perceptron for that alone; where all tokens are wanted too, for all.</summary>
    [TestMethod]
    [DataRow("test_vit", true)]
    [DataRow("test_vit2", false, DisplayName = "the mean of all tokens")]
    public void OnlyTheTokenThatIsTakenIsComputed(string model, bool narrows)
    {
        BackboneGraph backbone = ModelCatalog.Find(model).Build(BuildOptions.Default);
        Graph narrow = Narrow.Run(RemoveIdentities.Run(backbone.Graph)), all = Narrow.Run(RemoveIdentities.Run(backbone.Graph.WithOutputs([backbone.Graph.Outputs[0], backbone.Levels[^1].Node])));
        int tokens = Perceptron(backbone.Graph).Shape[0];
        Assert.IsGreaterThan(1, tokens);
        Assert.AreEqual(narrows ? 1 : tokens, Perceptron(narrow).Shape[0]);
        Assert.AreEqual(tokens, Perceptron(all).Shape[0]);
        Assert.IsLessThan(1e-5, TestGraphs.Distance(TestGraphs.Run(backbone.Graph)[0], TestGraphs.Run(narrow)[0]));

        static Node Perceptron(Graph graph) => graph.Nodes.Last(n => n.Name.EndsWith("mlp.fc1", StringComparison.Ordinal));
    }

    /// <summary>Slices go back through what works row by row, in all positions of an axis, and stop where it does not, or where somebody needs more.</summary>
    [TestMethod]
    public void SlicesAreTakenAsEarlyAsTheyCanBe()
    {
        var b = new GraphBuilder([6, 4, 5]);
        Node positions = b.Parameter("positions", [4, 5]), mask = b.Parameter("mask", [4, 4]), row = b.Parameter("row", [1, 5]);
        Node x = b.Linear("fc1", b.LayerNorm("norm", b.Add(b.Input, positions)), 7), y = b.Unary(b.Multiply(b.Linear("fc2", x, 5), row), UnaryKind.Gelu, "gelu");
        Node attention = b.Attention(y, y, b.Softmax(b.Add(y, b.Input), -1), mask: mask);
        Node merged = b.Reshape(b.Permute(attention, [1, 0, 2]), [4, 30]), product = b.MatMul(b.Softmax(y, -1), b.Permute(b.Input, [0, 2, 1]));
        Node[] narrowed =
        [
            b.Slice(b.Unary(merged, UnaryKind.Tanh, "tanh"), 0, 1, 2), b.Slice(b.Unary(product, UnaryKind.Silu, "silu"), 1, 3, 1), b.Slice(b.Linear("fc3", b.Unary(x, UnaryKind.Relu, "relu"), 3), 0, 2, 3),
        ];
        Node[] kept =
        [
            b.Slice(b.Linear("fc4", b.Input, 8), 2, 1, 2), b.Slice(b.Softmax(y, 1), 1, 0, 1), b.Slice(b.LayerNorm("norm2", y), 2, 1, 1), b.Slice(b.Unary(y, UnaryKind.Relu, "relu2"), 1, 0, 3),
            b.Slice(b.Concat(1, [y, b.Input]), 1, 2, 3), b.Slice(b.Reshape(y, [2, 60]), 0, 0, 1), b.Slice(b.Unary(y, UnaryKind.Relu, "relu3"), 1, 0, 2, 2),
        ];
        Node both = b.Unary(y, UnaryKind.Sigmoid, "both");
        Graph graph = b.Build([.. narrowed, .. kept, b.Slice(both, 1, 0, 1), b.Slice(both, 1, 1, 1), b.Slice(b.Slice(y, 0, 3, 2), 1, 2, 2)]), narrow = Narrow.Run(graph);
        float[][] before = TestGraphs.Run(graph), after = TestGraphs.Run(narrow);
        for (int i = 0; i < before.Length; i++)
        {
            Assert.AreEqual(graph.Outputs[i].Shape, narrow.Outputs[i].Shape);
            Assert.IsLessThan(1e-6, TestGraphs.Distance(before[i], after[i]), $"output {i}");
            Assert.AreEqual(i < narrowed.Length, narrow.Outputs[i].Operator is not SliceOp, $"output {i}");
        }
        CollectionAssert.AreEqual((int[])[6, 2, 5], narrow.Nodes.Single(n => n.Operator is AttentionOp).Shape.Dimensions.ToArray());
    }

    [TestMethod]
    public void FactorsGoIntoTheLayersAround()
    {
        var b = new GraphBuilder([4, 8, 8]);
        Node x = b.Affine(b.Conv2d("conv1", b.Input, 6, 3, padding: 1), 0.5f, 0.25f);
        Node y = b.Affine(b.Affine(b.Unary(x, UnaryKind.Silu, "silu"), 1.5f), 2);
        x = b.Add(b.Conv2d("conv2", y, 6, 3, padding: 1, bias: true), b.Conv2d("shortcut", y, 6, 1));
        x = b.Affine(b.Multiply(x, b.Reduce(x, ReduceKind.Mean, [1, 2], keepDims: true)), 0.2f);
        x = b.Multiply(b.Linear("fc", x, 5), b.Parameter("gamma", [5]));
        AssertScales(b.Build(x), products: 1, affines: 1);
    }

    [TestMethod]
    public void FactorsThatSomethingElseNeedsStay()
    {
        var b = new GraphBuilder([4, 8, 8]);
        Node conv = b.Conv2d("conv", b.Input, 4, 3, padding: 1), shifted = b.Affine(b.Unary(conv, UnaryKind.Tanh, "tanh"), 2, 1), scaled = b.Affine(b.Input, 3), scaledConv = b.Affine(conv, 3);
        Node rows = b.Multiply(b.Linear("fc", b.Input, 8), b.Parameter("rows", [8, 1]));
        AssertScales(b.Build(b.Conv2d("conv2", shifted, 4, 3, padding: 1), b.Conv2d("conv3", scaled, 4, 1), scaled, scaledConv, rows), products: 1, affines: 3);
    }

    private static void AssertScales(Graph graph, int products, int affines)
    {
        Graph folded = FoldScales.Run(graph);
        Assert.AreEqual(products, folded.Nodes.Count(n => n.IsBatched && n.Operator is BinaryOp { Kind: BinaryKind.Multiply }));
        Assert.AreEqual(affines, folded.Nodes.Count(n => n.IsBatched && n.Operator is UnaryOp { Kind: UnaryKind.Affine }));
        float[][] before = TestGraphs.Run(graph), after = TestGraphs.Run(folded);
        for (int i = 0; i < before.Length; i++)
            Assert.IsLessThan(1e-5, TestGraphs.Distance(before[i], after[i]), $"output {i}");
    }

    [TestMethod]
    public void AnOutputInTheMiddleIsNotFusedAway()
    {
        var b = new GraphBuilder([4, 8, 8]);
        Node conv = b.Conv2d("conv", b.Input, 4, 3, padding: 1);
        Node sum = b.Add(conv, b.Input);
        Node act = b.Act("act", sum, UnaryKind.Relu);
        Graph graph = b.Build(conv, sum, act);
        Graph fused = FuseEpilogues.Run(graph);
        float[][] before = TestGraphs.Run(graph), after = TestGraphs.Run(fused);
        for (int i = 0; i < 3; i++)
            CollectionAssert.AreEqual(before[i], after[i], $"output {i}");
    }

    [TestMethod]
    public void AddingAConvolutionToItselfIsNotFused()
    {
        var b = new GraphBuilder([4, 8, 8]);
        Node conv = b.Conv2d("conv", b.Input, 4, 3, padding: 1);
        Graph graph = b.Build(b.Add(conv, conv));
        CollectionAssert.AreEqual(TestGraphs.Run(graph)[0], TestGraphs.Run(FuseEpilogues.Run(graph))[0]);
    }

    [TestMethod]
    public void PruningRemovesWhatNobodyNeedsAndItsParameters()
    {
        BackboneGraph backbone = ModelCatalog.Find("resnet18").Build(new BuildOptions { ImageSize = 64 });
        Graph pruned = backbone.Graph.WithOutputs(backbone.Graph.Find("layer3"));
        Assert.AreEqual(2_782_784, pruned.ParameterCount);
        Assert.AreEqual(90, pruned.Parameters.Length);
        Assert.IsFalse(pruned.Nodes.Any(n => n.Name.StartsWith("layer4", StringComparison.Ordinal) || n.Name.StartsWith("fc", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void AHeadCutFromTheHiddenStateGivesTheLogits()
    {
        BackboneGraph backbone = ModelCatalog.Find("test_resnet").Build(new BuildOptions { ImageSize = 64 });
        Graph both = backbone.Graph.WithOutputs(backbone.Features, backbone.Graph.Outputs[0]);
        float[][] values = TestGraphs.Run(both);
        Graph head = backbone.Graph.From(backbone.Features);
        Assert.AreEqual(backbone.Features.Shape, head.Inputs[0].Shape);

        using var store = Backbones.Weights.ParameterStore.FromRecipe(head.Parameters, 1);
        using var plan = new Backbones.Engines.Reference.ReferenceEngine().Compile(head, store, Backbones.Engines.EngineOptions.Default);
        var logits = new float[values[1].Length];
        plan.Run(2, [values[0]], [logits]);
        CollectionAssert.AreEqual(values[1], logits);
    }

    [TestMethod]
    public void ACutThatCanBePassedByIsRefused()
    {
        var b = new GraphBuilder([4, 8, 8]);
        Node conv = b.Conv2d("conv", b.Input, 4, 3, padding: 1);
        Graph graph = b.Build(b.Add(conv, b.Input));
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => graph.From(conv)).Message, "way around 'conv'");
    }
}
