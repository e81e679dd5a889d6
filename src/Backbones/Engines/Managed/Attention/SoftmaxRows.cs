using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>
/// Softmax over the rows of a block of scores, all rows in one loop and a row in two passes: rows of 49 keys are four vectors, so that calls, horizontal sums one after another and elements left over
/// cost more than the exponentials.
/// </summary>
internal static unsafe class SoftmaxRows<T> where T : struct, IVector<T>
{
    private const float Log2E = 1.44269504f;

    /// <summary>scores = e^(scores · scale + mask - the row's maximum); their sums go to <paramref name="sums"/>.</summary>
    /// <param name="scores">Rows padded to whole vectors, in memory that is ours.</param>
    /// <param name="distance">From one row to the next.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="keys">Values of a row.</param>
    /// <param name="scale">Positive factor.</param>
    /// <param name="mask">Added; null for none.</param>
    /// <param name="maskDistance">From one row of the mask to the next.</param>
    /// <param name="sums">One for each row.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Exponentials(float* scores, nint distance, int rows, int keys, float scale, float* mask, nint maskDistance, float* sums)
    {
        nint last = (keys - 1) / T.Count * T.Count, rest = keys - last;
        // Values beyond the keys become the smallest of all.
        float* padding = stackalloc float[T.Count];
        for (nint i = 0; i < T.Count; i++)
            padding[i] = i < rest ? 0 : float.NegativeInfinity;
        T beyond = T.Load(padding);

        float* row = scores;
        T scaled = T.Create(scale);
        for (int r = 0; r < rows; r++, row += distance)
        {
            T max = T.Load(row + last);
            if (mask != null)
            {
                max = T.MultiplyAdd(max, scaled, T.LoadFirst(mask + last, rest));
                for (nint c = 0; c < last; c += T.Count)
                    T.Store(T.MultiplyAdd(T.Load(row + c), scaled, T.Load(mask + c)), row + c);
                mask += maskDistance;
            }
            max += beyond;
            T.Store(max, row + last);
            for (nint c = 0; c < last; c += T.Count)
                max = T.Max(max, T.Load(row + c));
            sums[r] = T.MaxLane(max);
        }

        float exponent = mask == null ? scale * Log2E : Log2E;
        row = scores;
        for (int r = 0; r < rows; r++, row += distance)
        {
            // The difference first: of huge scores the maximum times the factor is rounded by more than powers of two there are.
            T factor = T.Create(exponent), max = T.Create(sums[r]), least = T.Create(-126f), sum = T.Zero;
            for (nint c = 0; c <= last; c += T.Count)
            {
                T value = VectorMath<T>.Exp2(T.Max(least, (T.Load(row + c) - max) * factor));
                sum += value;
                T.Store(value, row + c);
            }
            sums[r] = T.Sum(sum);
        }
    }

    /// <summary>Divides each row by its sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Divide(float* target, nint distance, int rows, int columns, float* sums)
    {
        for (int r = 0; r < rows; r++, target += distance)
        {
            T factor = T.Create(1 / sums[r]);
            nint c = 0;
            for (; c <= columns - T.Count; c += T.Count)
                T.Store(T.Load(target + c) * factor, target + c);
            if (c < columns)
                T.StoreFirst(T.LoadFirst(target + c, columns - c) * factor, target + c, columns - c);
        }
    }
}
