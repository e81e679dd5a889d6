using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Graphs;
using Backbones.Models;
using Backbones.Weights;

namespace Backbones.Tests.Engines;

/// <summary>Weights that are kept as 16-bit floats and computed with as 32-bit ones.</summary>
[TestClass]
public sealed class HalfWeightsTests
{
    [TestMethod]
    public void EveryNumberOfSixteenBitsIsWidenedToItself()
    {
        ushort[] all = [.. Enumerable.Range(0, 65536).Select(i => (ushort)i).Where(i => Half.IsFinite(BitConverter.UInt16BitsToHalf(i)))];
        Check<Float16>(all);
        Check<Float8>(all);
        Check<Float4>(all);
    }

    /// <summary>Products, direct convolutions with and without groups, Winograd's, attention and a gated perceptron.</summary>
    [TestMethod]
    [DataRow("test_resnet", 64)]
    [DataRow("test_vit", 160)]
    [DataRow("test_efficientnet", 64)]
    [DataRow("resnet18", 96)]
    [DataRow("resnext26ts", 96)]
    public void FeaturesHaveTheDirectionOfThoseOfFloats(string name, int size)
    {
        Graph graph = ModelCatalog.Find(name).Build(BuildOptions.Default with { ImageSize = size }).Graph;
        using ParameterStore weights = ParameterStore.FromRecipe(graph.Parameters, 1);
        float[] input = RandomParameters.Values(2 * 3 * size * size, 5);
        foreach (int width in EngineComparison.Widths)
        {
            float[] floats = Run(graph, weights, Precision.Float32, width, input), halves = Run(graph, weights, Precision.Float16Weights, width, input);
            double cosine = Cosine(floats, halves);
            Assert.IsGreaterThanOrEqualTo(0.9999, cosine, $"{name} with {width} lanes");
            Assert.IsFalse(floats.AsSpan().SequenceEqual(halves), "The weights were not rounded.");
        }
    }

    /// <summary>A matrix with a weight beyond 65504 stays as it is.</summary>
    [TestMethod]
    public void WeightsOutOfRangeAreKeptAsFloats()
    {
        var b = new GraphBuilder([40]);
        Graph graph = b.Build(b.Linear("fc", b.Input, 24));
        float[] weight = RandomParameters.Values(40 * 24, 1), input = RandomParameters.Values(2 * 40, 2);
        weight[100] = 70000;
        using ParameterStore weights = ParameterStore.FromArrays([("fc.weight", [24, 40], weight), ("fc.bias", [24], new float[24])]);
        Assert.IsTrue(Run(graph, weights, Precision.Float32, 8, input).AsSpan().SequenceEqual(Run(graph, weights, Precision.Float16Weights, 8, input)));
    }

    private static unsafe void Check<T>(ushort[] all) where T : struct, IVector<T>
    {
        float* lanes = stackalloc float[T.Count];
        for (int i = 0; i < all.Length; i += T.Count)
        {
            fixed (ushort* source = all)
                T.Store(T.LoadHalf(source + i), lanes);
            for (int j = 0; j < T.Count; j++)
                Assert.AreEqual(BitConverter.SingleToInt32Bits((float)BitConverter.UInt16BitsToHalf(all[i + j])), BitConverter.SingleToInt32Bits(lanes[j]));
        }
    }

    private static float[] Run(Graph graph, ParameterStore weights, Precision precision, int width, float[] input)
    {
        using IPlan plan = ManagedEngine.Compile(graph, weights, new EngineOptions { Threads = 2, Precision = precision }, width);
        return EngineComparison.Run(plan, 2, [input])[0];
    }

    private static double Cosine(float[] a, float[] b)
    {
        double product = 0, aa = 0, bb = 0;
        for (int i = 0; i < a.Length; i++)
            (product, aa, bb) = (product + (double)a[i] * b[i], aa + (double)a[i] * a[i], bb + (double)b[i] * b[i]);
        return product / Math.Sqrt(aa * bb);
    }
}
