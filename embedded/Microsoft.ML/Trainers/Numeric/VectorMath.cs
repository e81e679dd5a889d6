using System.Numerics;
using System.Runtime.InteropServices;

namespace Microsoft.ML.Numeric;

/// <summary>The few vector operations that the trainers spend their time in, on dense float spans of equal length.</summary>
internal static class VectorMath
{
    /// <summary>Σ aᵢ·bᵢ.</summary>
    public static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        CheckLength(a.Length, b.Length);
        ref float ra = ref MemoryMarshal.GetReference(a);
        ref float rb = ref MemoryMarshal.GetReference(b);
        int width = Vector<float>.Count;
        // Four independent sums hide the latency of the multiply-add.
        Vector<float> s0 = default, s1 = default, s2 = default, s3 = default;
        int i = 0;
        for (; i <= a.Length - 4 * width; i += 4 * width)
        {
            s0 = Vector.FusedMultiplyAdd(Load(ref ra, i), Load(ref rb, i), s0);
            s1 = Vector.FusedMultiplyAdd(Load(ref ra, i + width), Load(ref rb, i + width), s1);
            s2 = Vector.FusedMultiplyAdd(Load(ref ra, i + 2 * width), Load(ref rb, i + 2 * width), s2);
            s3 = Vector.FusedMultiplyAdd(Load(ref ra, i + 3 * width), Load(ref rb, i + 3 * width), s3);
        }
        for (; i <= a.Length - width; i += width)
            s0 = Vector.FusedMultiplyAdd(Load(ref ra, i), Load(ref rb, i), s0);
        float sum = Vector.Sum(s0 + s1 + (s2 + s3));
        for (; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }

    /// <summary>Σ aᵢ·bᵢ over the slots at which b is not zero.</summary>
    public static float DotSparse(ReadOnlySpan<float> a, ReadOnlySpan<int> slots, ReadOnlySpan<float> values)
    {
        float sum = 0;
        for (int i = 0; i < slots.Length; i++)
            sum += a[slots[i]] * values[i];
        return sum;
    }

    /// <summary>The products of <paramref name="a"/> with four rows at once: <paramref name="a"/> is read from memory once instead of four times.</summary>
    public static Vector4 Dot4(ReadOnlySpan<float> a, ReadOnlySpan<float> x0, ReadOnlySpan<float> x1, ReadOnlySpan<float> x2, ReadOnlySpan<float> x3)
    {
        CheckLength(a.Length, x0.Length, x1.Length, x2.Length, x3.Length);
        ref float ra = ref MemoryMarshal.GetReference(a);
        ref float r0 = ref MemoryMarshal.GetReference(x0);
        ref float r1 = ref MemoryMarshal.GetReference(x1);
        ref float r2 = ref MemoryMarshal.GetReference(x2);
        ref float r3 = ref MemoryMarshal.GetReference(x3);
        int width = Vector<float>.Count;
        Vector<float> s0 = default, s1 = default, s2 = default, s3 = default;
        int i = 0;
        for (; i <= a.Length - width; i += width)
        {
            Vector<float> va = Load(ref ra, i);
            s0 = Vector.FusedMultiplyAdd(va, Load(ref r0, i), s0);
            s1 = Vector.FusedMultiplyAdd(va, Load(ref r1, i), s1);
            s2 = Vector.FusedMultiplyAdd(va, Load(ref r2, i), s2);
            s3 = Vector.FusedMultiplyAdd(va, Load(ref r3, i), s3);
        }
        var sum = new Vector4(Vector.Sum(s0), Vector.Sum(s1), Vector.Sum(s2), Vector.Sum(s3));
        for (; i < a.Length; i++)
            sum += a[i] * new Vector4(x0[i], x1[i], x2[i], x3[i]);
        return sum;
    }

    /// <summary>y += c·x.</summary>
    public static void AddScaled(float c, ReadOnlySpan<float> x, Span<float> y)
    {
        CheckLength(x.Length, y.Length);
        ref float rx = ref MemoryMarshal.GetReference(x);
        ref float ry = ref MemoryMarshal.GetReference(y);
        int width = Vector<float>.Count;
        var vc = new Vector<float>(c);
        int i = 0;
        for (; i <= x.Length - width; i += width)
            Vector.FusedMultiplyAdd(vc, Load(ref rx, i), Load(ref ry, i)).StoreUnsafe(ref ry, (nuint)i);
        for (; i < x.Length; i++)
            y[i] += c * x[i];
    }

    /// <summary>y += c₀·x₀ + c₁·x₁ + c₂·x₂ + c₃·x₃, with one pass over <paramref name="y"/>.</summary>
    public static void AddScaled4(Vector4 c, ReadOnlySpan<float> x0, ReadOnlySpan<float> x1, ReadOnlySpan<float> x2, ReadOnlySpan<float> x3, Span<float> y)
    {
        CheckLength(y.Length, x0.Length, x1.Length, x2.Length, x3.Length);
        ref float r0 = ref MemoryMarshal.GetReference(x0);
        ref float r1 = ref MemoryMarshal.GetReference(x1);
        ref float r2 = ref MemoryMarshal.GetReference(x2);
        ref float r3 = ref MemoryMarshal.GetReference(x3);
        ref float ry = ref MemoryMarshal.GetReference(y);
        int width = Vector<float>.Count;
        var (c0, c1, c2, c3) = (new Vector<float>(c.X), new Vector<float>(c.Y), new Vector<float>(c.Z), new Vector<float>(c.W));
        int i = 0;
        for (; i <= y.Length - width; i += width)
        {
            Vector<float> sum = Vector.FusedMultiplyAdd(c0, Load(ref r0, i), Load(ref ry, i));
            sum = Vector.FusedMultiplyAdd(c1, Load(ref r1, i), sum);
            sum = Vector.FusedMultiplyAdd(c2, Load(ref r2, i), sum);
            Vector.FusedMultiplyAdd(c3, Load(ref r3, i), sum).StoreUnsafe(ref ry, (nuint)i);
        }
        for (; i < y.Length; i++)
            y[i] += c.X * x0[i] + c.Y * x1[i] + c.Z * x2[i] + c.W * x3[i];
    }

    /// <summary>x *= c.</summary>
    public static void Scale(Span<float> x, float c)
    {
        for (int i = 0; i < x.Length; i++)
            x[i] *= c;
    }

    /// <summary>Σ xᵢ².</summary>
    public static float NormSquared(ReadOnlySpan<float> x) => Dot(x, x);

    /// <summary>Σ (aᵢ − bᵢ)².</summary>
    public static float DistanceSquared(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        CheckLength(a.Length, b.Length);
        ref float ra = ref MemoryMarshal.GetReference(a);
        ref float rb = ref MemoryMarshal.GetReference(b);
        int width = Vector<float>.Count;
        Vector<float> s0 = default;
        int i = 0;
        for (; i <= a.Length - width; i += width)
        {
            Vector<float> difference = Load(ref ra, i) - Load(ref rb, i);
            s0 = Vector.FusedMultiplyAdd(difference, difference, s0);
        }
        float sum = Vector.Sum(s0);
        for (; i < a.Length; i++)
            sum += (a[i] - b[i]) * (a[i] - b[i]);
        return sum;
    }

    /// <summary>The logarithm of Σ exp(xᵢ), without overflow; negative infinity for an empty span.</summary>
    public static float LogSumExp(ReadOnlySpan<float> x)
    {
        float max = float.NegativeInfinity;
        foreach (float value in x)
            max = Math.Max(max, value);
        if (float.IsNegativeInfinity(max))
            return max;
        double sum = 0;
        foreach (float value in x)
            sum += Math.Exp(value - max);
        return (float)(max + Math.Log(sum));
    }

    private static Vector<float> Load(ref float start, int index) => Vector.LoadUnsafe(ref start, (nuint)index);

    // The loops above read through references, so unequal lengths must not get that far.
    private static void CheckLength(int expected, params ReadOnlySpan<int> lengths)
    {
        foreach (int length in lengths)
        {
            if (length != expected)
                throw new ArgumentException($"Vectors of {expected} and {length} elements don't go together.");
        }
    }
}
