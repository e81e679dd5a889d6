using Backbones.Engines;
using Backbones.Engines.Reference;
using Backbones.Graphs;
using Backbones.Weights;

namespace Backbones.Tests.Graphs;

/// <summary>Runs small graphs on the reference kernels with recipe weights and the recipe's input.</summary>
internal static class TestGraphs
{
    public static float[][] Run(Graph graph, int batch = 2, IEngine? engine = null)
    {
        using ParameterStore store = ParameterStore.FromRecipe(graph.Parameters, 1);
        using IPlan plan = (engine ?? new ReferenceEngine()).Compile(graph, store, EngineOptions.Default);
        ReadOnlyMemory<float>[] inputs = [.. graph.Inputs.Select(i => (ReadOnlyMemory<float>)Input(batch, i.Shape))];
        float[][] outputs = [.. graph.Outputs.Select(o => new float[batch * o.Shape.Length])];
        plan.Run(batch, inputs, outputs.Select(o => o.AsMemory()).ToArray());
        return outputs;
    }

    public static float[] Input(int batch, Shape shape)
    {
        var input = new float[batch * shape.Length];
        RecipeWeights.FillInput(input);
        return input;
    }

    /// <summary>Relative L2 distance.</summary>
    public static double Distance(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        Assert.AreEqual(expected.Length, actual.Length);
        double difference = 0, norm = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            difference += Math.Pow((double)expected[i] - actual[i], 2);
            norm += Math.Pow(expected[i], 2);
        }
        return Math.Sqrt(difference / Math.Max(norm, 1e-30));
    }
}
