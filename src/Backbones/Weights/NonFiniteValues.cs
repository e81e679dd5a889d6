using System.Numerics;
using System.Runtime.InteropServices;

namespace Backbones.Weights;

/// <summary>Finds NaN and infinity in stored tensors.</summary>
internal static class NonFiniteValues
{
    /// <summary>A description such as <c>fc.weight: NaN at element 17, 3 of 1000 in all</c>, or null if all values are finite.</summary>
    public static string? Describe(ParameterTensor tensor)
    {
        if (!tensor.DType.IsFloat())
        {
            return null;
        }
        using TensorView view = tensor.Open();
        // Not finite means all exponent bits set; the masks pick the exponent.
        (int first, int count) = tensor.DType switch
        {
            DType.Float32 => Find(view.As<uint>(), 0x7F800000u),
            DType.Float8E5M2 => Find(view.As<byte>(), (byte)0x7C),
            DType.Float8E4M3 => Find(view.As<byte>(), (byte)0x7F), // which is NaN; there is no infinity
            DType.Float16 => Find(view.As<ushort>(), (ushort)0x7C00),
            DType.BFloat16 => Find(view.As<ushort>(), (ushort)0x7F80),
            _ => Find(view.As<ulong>(), 0x7FF0000000000000UL),
        };
        if (count == 0)
        {
            return null;
        }
        int size = tensor.DType.Size();
        Span<float> value = [0];
        FloatConversion.ToFloat(tensor.DType, view.Bytes.Slice(first * size, size), value);
        string what = float.IsNaN(value[0]) ? "NaN" : "infinity";
        return $"{tensor.Name}: {what} at element {first}, {count} of {tensor.Length} not finite";
    }

    private static (int First, int Count) Find<T>(ReadOnlySpan<T> values, T mask) where T : unmanaged, IBinaryInteger<T>
    {
        Vector<T> masks = new(mask);
        ReadOnlySpan<Vector<T>> vectors = MemoryMarshal.Cast<T, Vector<T>>(values);
        bool any = false;
        foreach (Vector<T> vector in vectors)
        {
            any |= Vector.EqualsAny(vector & masks, masks);
        }
        (int first, int count) = (-1, 0);
        for (int i = any ? 0 : vectors.Length * Vector<T>.Count; i < values.Length; i++)
        {
            if ((values[i] & mask) == mask)
            {
                first = count++ == 0 ? i : first;
            }
        }
        return (first, count);
    }
}
