using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Engines.Reference;
using Backbones.Graphs;

namespace Backbones.Tests.Engines;

/// <summary>Runs a graph on the managed engine, in every vector width, and on the reference engine, and compares all outputs.</summary>
internal static class EngineComparison
{
    public static readonly int[] Widths = [16, 8, 4];

    /// <summary>Relative L2 error allowed: float32 sums in another order.</summary>
    public const double Tolerance = 3e-6;

    public static void Check(Graph graph, int batch = 2, double tolerance = Tolerance, int threads = 2, string? what = null)
    {
        var parameters = new RandomParameters(7);
        float[][] inputs = [.. graph.Inputs.Select((n, i) => RandomParameters.Values(batch * (int)n.Shape.Length, 100 + i))];
        float[][] expected = Run(new ReferenceEngine().Compile(graph, parameters, EngineOptions.Default), batch, inputs);
        foreach (int width in Widths)
        {
            using IPlan plan = ManagedEngine.Compile(graph, parameters, new EngineOptions { Threads = threads }, width);
            // Twice: the second run finds what the first left in the arena.
            Run(plan, batch, inputs);
            float[][] actual = Run(plan, batch, inputs);
            for (int i = 0; i < expected.Length; i++)
            {
                double error = RelativeError(expected[i], actual[i]);
                Assert.IsTrue(error <= tolerance, $"{what} output {graph.Outputs[i]} with {width} lanes, batch {batch}: relative error {error:e2} is over {tolerance:e1}.");
            }
        }
    }

    public static float[][] Run(IPlan plan, int batch, float[][] inputs)
    {
        float[][] outputs = [.. plan.Graph.Outputs.Select(o => Filled(batch * (int)o.Shape.Length))];
        plan.Run(batch, [.. inputs.Select(a => new ReadOnlyMemory<float>(a))], [.. outputs.Select(a => new Memory<float>(a))]);
        return outputs;
    }

    public static double RelativeError(float[] expected, float[] actual)
    {
        double difference = 0, norm = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            double d = (double)expected[i] - actual[i];
            difference += double.IsFinite(d) ? d * d : double.PositiveInfinity;
            norm += (double)expected[i] * expected[i];
        }
        return Math.Sqrt(difference) / Math.Max(Math.Sqrt(norm), 1e-20);
    }

    private static float[] Filled(int length)
    {
        var values = new float[length];
        Array.Fill(values, float.NaN);
        return values;
    }
}

/// <summary>Parameters that depend on their name alone: uniform in ±1 scaled by fan-in; variances positive.</summary>
internal sealed class RandomParameters(int seed) : IParameterSource
{
    public ReadOnlyMemory<float> Read(ParameterSpec spec)
    {
        int hash = spec.Name.Aggregate(seed, (h, c) => unchecked(h * 31 + c));
        float[] values = Values((int)spec.Shape.Length, hash);
        double fanIn = spec.Shape.Rank > 1 ? spec.Shape.Length / (double)spec.Shape[0] : 1;
        for (int i = 0; i < values.Length; i++)
            values[i] = spec.Name.EndsWith("running_var", StringComparison.Ordinal) ? 1 + 0.5f * values[i] : (float)(values[i] / Math.Sqrt(fanIn));
        return values;
    }

    public static float[] Values(int length, int seed)
    {
        var random = new Random(seed);
        var values = new float[length];
        for (int i = 0; i < length; i++)
            values[i] = random.NextSingle() * 2 - 1;
        return values;
    }
}
