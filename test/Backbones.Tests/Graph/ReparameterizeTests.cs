using Backbones.Graphs;
using Backbones.Graphs.Passes;
using Backbones.Models;

namespace Backbones.Tests.Graphs;

/// <summary>Parallel branches become one convolution that computes the same.</summary>
[TestClass]
public sealed class ReparameterizeTests
{
    /// <summary>Numbers of parameters are timm's, before and after its own <c>reparameterize_model</c>, whose convolutions have a bias each.</summary>
    [TestMethod]
    [DataRow("mobileone_s0", 5293272, 2078504)]
    [DataRow("mobileone_s1", 4825192, 4764840)]
    [DataRow("repvgg_a0", 9108968, 8309384)]
    public void ModelsOfBranchesBecomeAsSmallAsTimms(string model, int parametersBefore, int parametersAfter)
    {
        Graph graph = ModelCatalog.Find(model).Build(new BuildOptions { ImageSize = 64 }).Graph;
        Assert.AreEqual(parametersBefore, graph.ParameterCount);
        Graph merged = Reparameterize.Run(RemoveIdentities.Run(graph));

        Assert.IsFalse(merged.Nodes.Any(n => n.IsBatched && n.Operator is BatchNormOp or BinaryOp { Kind: BinaryKind.Add }), "a branch is left");
        Assert.AreEqual(parametersAfter, merged.Nodes.Where(n => n.IsBatched).SelectMany(n => n.Inputs).Where(i => !i.IsBatched).Sum(i => i.Shape.Length));
        Assert.IsLessThan(1e-5, TestGraphs.Distance(TestGraphs.Run(graph)[0], TestGraphs.Run(merged)[0]));
    }

    [TestMethod]
    [DataRow("repvgg_b1g4")]
    [DataRow("mobileone_s2")]
    [DataRow("resnet18")]
    [DataRow("convnext_atto")]
    [DataRow("test_byobnet")]
    public void ModelsKeepTheirValues(string model)
    {
        Graph graph = ModelCatalog.Find(model).Build(new BuildOptions { ImageSize = 32 }).Graph;
        Assert.IsLessThan(1e-5, TestGraphs.Distance(TestGraphs.Run(graph, batch: 1)[0], TestGraphs.Run(Reparameterize.Run(RemoveIdentities.Run(graph)), batch: 1)[0]));
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(6)]
    public void AKernelTakesInSmallerOnesTheInputAndItsNormAddedOrSubtracted(int groups)
    {
        var b = new GraphBuilder([6, 9, 8]);
        Node x = b.Input;
        Node large = b.BatchNorm("bn7", b.Conv2d("conv7", x, 6, (7, 5), padding: (3, 2), groups: groups));
        Node sum = b.Subtract(b.Conv2d("conv3", x, 6, 3, padding: 1, groups: groups, bias: true), large);
        sum = b.Subtract(b.Add(b.Conv2d("conv1", x, 6, 1, groups: groups), sum), b.BatchNorm("identity", x));
        sum = b.Add(x, b.Multiply(sum, b.Reshape(b.Parameter("gamma", [6]), [6, 1, 1])));
        AssertOneConvolution(b.Build(b.BatchNorm("bn", sum)));
    }

    [TestMethod]
    public void BranchesWithAStrideMergeWithoutTheInput()
    {
        var b = new GraphBuilder([4, 9, 9]);
        AssertOneConvolution(b.Build(b.Add(b.Conv2d("small", b.Input, 8, 1, stride: 2), b.Conv2d("large", b.Input, 8, 3, stride: 2, padding: 1))));
    }

    [TestMethod]
    public void ADilatedKernelTakesInWhatLiesOnItsGrid()
    {
        var b = new GraphBuilder([4, 9, 9]);
        AssertOneConvolution(b.Build(b.Add(b.Input, b.Conv2d("large", b.Input, 4, 3, padding: 2, dilation: 2, groups: 4))));
    }

    [TestMethod]
    public void BranchesThatDoNotFitStay()
    {
        AssertStays(b => b.Add(b.Conv2d("grouped", b.Input, 4, 3, padding: 1, groups: 2), b.Conv2d("dense", b.Input, 4, 1)));
        AssertStays(b => b.Add(b.Conv2d("wide", b.Input, 4, (1, 3), padding: (0, 1)), b.Conv2d("high", b.Input, 4, (3, 1), padding: (1, 0))));
        AssertStays(b => b.Add(b.Conv2d("dilated", b.Input, 4, 3, padding: 2, dilation: 2), b.Conv2d("dense", b.Input, 4, 3, padding: 1)));
        AssertStays(b => b.Add(b.Conv2d("first", b.Input, 4, 3, padding: 1), b.Conv2d("second", b.Act("act", b.Input, UnaryKind.Relu), 4, 1)));
        AssertStays(b =>
        {
            Node conv = b.Conv2d("conv", b.Input, 4, 3, padding: 1);
            return b.Multiply(b.Act("act", conv, UnaryKind.Sigmoid), b.Add(conv, b.Conv2d("small", b.Input, 4, 1)));
        });
        AssertStays(b =>
        {
            Node x = b.Conv2d("stem", b.Input, 4, 1);
            return b.Add(b.Conv2d("conv", x, 4, 3, padding: 1), b.BatchNorm("of columns", x, axis: -1));
        });

        static void AssertStays(Func<GraphBuilder, Node> build)
        {
            var b = new GraphBuilder([4, 8, 8]);
            Graph graph = b.Build(build(b)), merged = Reparameterize.Run(graph);
            Assert.HasCount(2, merged.Nodes.Where(n => n.IsBatched && n.Operator is Conv2dOp));
            CollectionAssert.AreEqual(TestGraphs.Run(graph)[0], TestGraphs.Run(merged)[0]);
        }
    }

    private static void AssertOneConvolution(Graph graph)
    {
        Graph merged = Reparameterize.Run(RemoveIdentities.Run(graph));
        Node[] computed = [.. merged.Nodes.Where(n => n.IsBatched && n.Operator is not InputOp)];
        Assert.HasCount(1, computed, string.Join(", ", computed.Select(n => $"{n.Name}: {n.Operator.GetType().Name}")));
        Assert.IsInstanceOfType<Conv2dOp>(computed[0].Operator);
        Assert.IsLessThan(1e-5, TestGraphs.Distance(TestGraphs.Run(graph)[0], TestGraphs.Run(merged)[0]));
    }
}
