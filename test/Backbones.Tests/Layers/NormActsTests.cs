using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Tests.Graphs;
using Backbones.Weights;

namespace Backbones.Tests.Layers;

[TestClass]
public sealed class NormActsTests
{
    private const int Channels = 4, GroupSize = 2, Pixels = 6;

    // The paper's EvoNorm-S0: x · sigmoid(v · x) / (standard deviation of the group) · weight + bias.
    [TestMethod]
    public void EvoNormIsThePapersFormula()
    {
        var b = new GraphBuilder([Channels, 2, 3]);
        Graph graph = b.Build(NormActs.EvoNorm2dS0(GroupSize)(b, "norm", b.Input, UnaryKind.Relu));
        CollectionAssert.AreEqual(new[] { "norm.weight", "norm.bias", "norm.v" }, graph.Parameters.Select(p => p.Name).ToArray());

        using ParameterStore store = ParameterStore.FromRecipe(graph.Parameters, 1);
        float[] weight = Read("weight"), bias = Read("bias"), v = Read("v");
        float[] input = TestGraphs.Input(1, graph.Inputs[0].Shape);
        var expected = new float[input.Length];
        for (int i = 0; i < input.Length; i++)
        {
            int channel = i / Pixels, group = channel / GroupSize;
            float[] values = input[(group * GroupSize * Pixels)..((group + 1) * GroupSize * Pixels)];
            double mean = values.Average(x => (double)x), deviation = Math.Sqrt(values.Average(x => (x - mean) * (x - mean)) + 1e-5);
            expected[i] = (float)(input[i] / (1 + Math.Exp(-input[i] * v[channel])) / deviation * weight[channel] + bias[channel]);
        }
        Assert.IsLessThan(1e-6, TestGraphs.Distance(expected, TestGraphs.Run(graph, batch: 1)[0]));

        float[] Read(string name) => store.Read(graph.Parameters.Single(p => p.Name == $"norm.{name}")).ToArray();
    }

    [TestMethod]
    public void WithoutActivationEvoNormIsScaleAndShift()
    {
        var b = new GraphBuilder([Channels, 2, 3]);
        Graph graph = b.Build(NormActs.EvoNorm2dS0(GroupSize)(b, "norm", b.Input, act: null));
        CollectionAssert.AreEqual(new[] { "norm.weight", "norm.bias" }, graph.Parameters.Select(p => p.Name).ToArray());
        CollectionAssert.AreEqual(new[] { "x", "norm.mul", "norm.add" }, graph.NodeNames);
    }

    [TestMethod]
    public void BatchNormWithActivationIsOneModule()
    {
        var b = new GraphBuilder([Channels, 2, 3]);
        Graph graph = b.Build(NormActs.BatchNorm(b, "norm", b.Input, UnaryKind.Relu));
        CollectionAssert.AreEqual(new[] { "x", "norm" }, graph.NodeNames);
        Assert.AreEqual(UnaryKind.Relu, ((UnaryOp)graph.Find("norm").Operator).Kind);
    }
}
