using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Engines.Reference;
using Backbones.Graphs;

namespace Backbones.Tests.Engines;

/// <summary>Graphs from seeds in the managed engine: the reference engine's values, and the same bits for any number of threads and at any place in a batch.</summary>
internal static class RandomGraphs
{
    /// <param name="graphs">How many.</param>
    /// <param name="make">A graph, and what it is in words.</param>
    /// <param name="error">How far values are from those expected.</param>
    /// <param name="tolerance">How far they may be.</param>
    public static void MatchReferenceAndThemselves(int graphs, Func<Random, (Graph Graph, string What)> make, Func<float[], float[], double> error, double tolerance)
    {
        for (int seed = 0; seed < graphs; seed++)
        {
            var random = new Random(seed);
            (Graph graph, string what) = make(random);
            int batch = random.Next(1, 4), length = (int)graph.Inputs[0].Shape.Length;
            var parameters = new RandomParameters(seed);
            float[] input = RandomParameters.Values(batch * length, seed);
            float[][] expected = EngineComparison.Run(new ReferenceEngine().Compile(graph, parameters, EngineOptions.Default), batch, [input]);
            foreach (int width in EngineComparison.Widths)
            {
                using IPlan alone = ManagedEngine.Compile(graph, parameters, new EngineOptions { Threads = 1 }, width);
                using IPlan shared = ManagedEngine.Compile(graph, parameters, new EngineOptions { Threads = random.Next(2, 8) }, width);
                float[][] actual = EngineComparison.Run(alone, batch, [input]), again = EngineComparison.Run(shared, batch, [input]);
                float[][] last = EngineComparison.Run(shared, 1, [input[^length..]]);
                for (int i = 0; i < expected.Length; i++)
                {
                    double distance = error(expected[i], actual[i]);
                    Assert.IsTrue(distance <= tolerance, $"{what}, seed {seed}, output {i} with {width} lanes: relative error {distance:e2} is over {tolerance:e1}.");
                    Assert.IsTrue(actual[i].AsSpan().SequenceEqual(again[i]), $"{what}, seed {seed}, output {i} with {width} lanes depends on the number of threads.");
                    Assert.IsTrue(last[i].AsSpan().SequenceEqual(actual[i].AsSpan()[^last[i].Length..]), $"{what}, seed {seed}, output {i} with {width} lanes depends on the place in the batch.");
                }
            }
        }
    }
}
