using System.Text;
using System.Text.Json;
using Backbones.Graphs;

namespace Backbones.Conformance;

/// <summary>A reference tensor: its shape, and values at pseudo-random flat indices.</summary>
internal static class Sample
{
    private static readonly ulong s_seed = Fnv1a64("sample");

    /// <summary>Compares the shape of a tensor <c>[batch, shape…]</c>, or without batch, with the sample's.</summary>
    /// <exception cref="MismatchException">The shape differs.</exception>
    public static void CheckShape(JsonElement sample, int? batch, Shape shape)
    {
        int[] expected = [.. sample.GetProperty("shape").EnumerateArray().Select(d => d.GetInt32())];
        int[] actual = batch is { } n ? [n, .. shape.Dimensions] : [.. shape.Dimensions];
        if (!expected.SequenceEqual(actual))
            throw new MismatchException($"shape expected [{string.Join(", ", expected)}], got [{string.Join(", ", actual)}]");
    }

    /// <summary>Relative L2 error of a tensor of the sample's shape over the sample's values.</summary>
    /// <param name="sample">The sample.</param>
    /// <param name="values">The tensor's elements.</param>
    /// <param name="isWholeInOrder">Whether a tensor of no more elements than a sample's is there as it is.</param>
    public static double Error(JsonElement sample, ReadOnlySpan<float> values, bool isWholeInOrder = false)
    {
        bool inOrder = isWholeInOrder && values.Length == sample.GetProperty("values").GetArrayLength();
        double difference = 0, norm = 0;
        ulong k = 0;
        foreach (JsonElement element in sample.GetProperty("values").EnumerateArray())
        {
            double expected = element.ValueKind == JsonValueKind.Number ? element.GetDouble() : double.NaN, actual = values[inOrder ? (int)k : (int)(Mix(s_seed + k) % (ulong)values.Length)];
            k++;
            if (double.IsNaN(expected) && double.IsNaN(actual))
                continue;
            difference += (expected - actual) * (expected - actual);
            norm += expected * expected;
        }
        return Math.Sqrt(difference / Math.Max(norm, 1e-30));
    }

    private static ulong Fnv1a64(string name)
    {
        ulong h = 0xcbf29ce484222325;
        foreach (byte b in Encoding.UTF8.GetBytes(name))
            h = (h ^ b) * 0x100000001b3;
        return h;
    }

    private static ulong Mix(ulong s)
    {
        s += 0x9E3779B97F4A7C15;
        s = (s ^ s >> 30) * 0xBF58476D1CE4E5B9;
        s = (s ^ s >> 27) * 0x94D049BB133111EB;
        return s ^ s >> 31;
    }
}

/// <summary>A value differs from the reference.</summary>
internal sealed class MismatchException(string message) : Exception(message);
