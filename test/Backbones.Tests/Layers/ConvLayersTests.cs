using Backbones.Engines;
using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Weights;

namespace Backbones.Tests.Layers;

/// <summary>Weights are standardised as arithmetic over the parameter, once, when a plan is made.</summary>
[TestClass]
public sealed class ConvLayersTests
{
    private const int FilterSize = 3 * 3 * 3;

    [TestMethod]
    public void StandardizedFiltersHaveMeanZeroAndVarianceOne()
    {
        (float[] weight, _) = WeightOf(ConvLayers.Standardized(1e-8f));
        foreach (float[] filter in weight.Chunk(FilterSize))
        {
            Assert.AreEqual(0, filter.Average(), 1e-5);
            Assert.AreEqual(1, filter.Select(w => (double)w * w).Average(), 1e-4);
        }
    }

    [TestMethod]
    public void ScaledFiltersHaveTheVarianceOfTheirGainAndGammaOverTheirSize()
    {
        (float[] weight, float[]? gain) = WeightOf(ConvLayers.ScaledStandardized(gamma: 1.7f, eps: 1e-8f));
        foreach ((int i, float[] filter) in weight.Chunk(FilterSize).Index())
            Assert.AreEqual(Math.Pow(1.7 * gain![i], 2) / FilterSize, filter.Select(w => (double)w * w).Average(), 1e-4);
    }

    private static (float[] Weight, float[]? Gain) WeightOf(ConvLayer layer)
    {
        var b = new GraphBuilder([6, 8, 8]);
        Graph graph = b.Build(layer(b, "conv", b.Input, 4, 3, groups: 2));
        Node weight = graph.Outputs[0].Inputs[1];
        Assert.IsFalse(weight.IsBatched);
        using ParameterStore store = ParameterStore.FromRecipe(graph.Parameters, 1);
        ParameterSpec? gain = graph.Parameters.FirstOrDefault(p => p.Name == "conv.gain");
        return (ParameterArithmetic.Evaluate(graph, store)[weight].Data, gain is null ? null : store.Read(gain).ToArray());
    }
}
