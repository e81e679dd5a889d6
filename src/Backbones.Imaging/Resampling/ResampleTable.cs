using System.Collections.Concurrent;

namespace Backbones.Imaging.Resampling;

/// <summary>
/// One direction of a resize as numbers: target pixel i is the sum over t of weight[i, t] × source pixel [start[i] + t],
/// weights in fixed point with <see cref="WeightBits"/> fractional bits, exactly those of Pillow.
/// </summary>
/// <remarks>
/// Every target pixel has the same number of taps and, where the source is long enough, all of them lie inside it: kernels need no
/// bounds. Nearest neighbour and an unchanged size are tables too, with a single weight of one, so there is no other way to scale.
/// </remarks>
internal sealed class ResampleTable
{
    /// <summary>Fractional bits of a weight: 32, less 8 of the pixel, less 2 for sums outside 0 to 1.</summary>
    public const int WeightBits = 22;

    // A hundred times those of the largest square picture; extreme shapes would take gigabytes and half a minute.
    private const long MaxWeights = 1 << 24;

    // Tables of the sizes seen last; a folder of pictures has a handful of sizes, one of 10,000 different sizes must not fill the memory.
    private const long MaxCachedBytes = 16 << 20;
    private static readonly ConcurrentDictionary<Key, ResampleTable> Cache = new();
    private static long _cachedBytes;

    private ResampleTable(int[] starts, int[] weights, int taps)
    {
        Starts = starts;
        Weights = weights;
        Taps = taps;
    }

    /// <summary>First source pixel of each target pixel, never falling.</summary>
    public int[] Starts { get; }

    /// <summary>Weights, <see cref="Taps"/> for each target pixel.</summary>
    public int[] Weights { get; }

    /// <summary>Source pixels that each target pixel is made of.</summary>
    public int Taps { get; }

    /// <summary>Number of target pixels.</summary>
    public int Count => Starts.Length;

    /// <summary>The table for some target pixels of a resize, made once.</summary>
    /// <param name="source">Source length in pixels.</param>
    /// <param name="target">Target length in pixels.</param>
    /// <param name="first">First target pixel wanted.</param>
    /// <param name="count">Number of target pixels wanted.</param>
    /// <param name="interpolation">The filter.</param>
    /// <param name="tapMultiple">Taps are rounded up to a multiple of this with weights of zero.</param>
    /// <exception cref="ArgumentException">The table would have an unreasonable number of weights: the source is too long.</exception>
    public static ResampleTable Get(int source, int target, int first, int count, Interpolation interpolation, int tapMultiple)
    {
        double taps = interpolation == Interpolation.Nearest ? 1 : 2 * Math.Ceiling(ResampleFilter.Support(interpolation) * Math.Max((double)source / target, 1)) + 1;
        if (Math.Min(taps, source) * count > MaxWeights)
        {
            throw new ArgumentException($"Scaling {source} pixels to {target} takes {Math.Min(taps, source) * count:F0} weights; at most {MaxWeights} are allowed. The picture's shape is too extreme.");
        }

        var key = new Key(source, target, first, count, interpolation, tapMultiple);
        if (Cache.TryGetValue(key, out var table))
        {
            return table;
        }

        table = Build(key);
        long bytes = (long)sizeof(int) * (table.Starts.Length + table.Weights.Length);
        if (bytes > MaxCachedBytes)
        {
            return table;
        }

        if (Interlocked.Add(ref _cachedBytes, bytes) > MaxCachedBytes)
        {
            Cache.Clear();
            Interlocked.Exchange(ref _cachedBytes, bytes);
        }
        return Cache.GetOrAdd(key, table);
    }

    private static ResampleTable Build(Key key)
    {
        var windows = key.Interpolation == Interpolation.Nearest ? Nearest(key) : Filtered(key);

        // Kernels go through the source once, so no target pixel may start before the one to its left.
        var starts = new int[key.Count];
        int taps = 1;
        for (int i = key.Count - 1, next = key.Source - 1; i >= 0; i--)
        {
            starts[i] = next = Math.Min(windows.Starts[i], next);
            taps = Math.Max(taps, windows.Starts[i] - next + windows.Lengths[i]);
        }

        taps = (taps + key.TapMultiple - 1) / key.TapMultiple * key.TapMultiple;
        var weights = new int[checked(key.Count * taps)];
        for (int i = 0; i < starts.Length; i++)
        {
            starts[i] = Math.Min(starts[i], Math.Max(0, key.Source - taps));
            windows.Weights.AsSpan(i * windows.Stride, windows.Lengths[i]).CopyTo(weights.AsSpan(i * taps + (windows.Starts[i] - starts[i])));
        }

        return new ResampleTable(starts, weights, taps);
    }

    // Pillow's ImagingScaleAffine adds up positions in double; the sum, not the product, decides on ties.
    private static Windows Nearest(Key key)
    {
        var windows = new Windows(key.Count, 1);
        double step = (double)(float)key.Source / key.Target;
        double position = step * 0.5;
        for (int i = 0; i < key.First; i++)
        {
            position += step;
        }

        for (int i = 0; i < key.Count; i++, position += step)
        {
            int pixel = (int)position;
            windows.Starts[i] = Math.Min(pixel, key.Source - 1);
            windows.Lengths[i] = 1;
            // A sum that drifts past the last pixel leaves Pillow's target black.
            windows.Weights[i] = pixel < key.Source ? 1 << WeightBits : 0;
        }

        return windows;
    }

    // Pillow's precompute_coeffs and normalize_coeffs_8bpc.
    private static Windows Filtered(Key key)
    {
        double scale = (double)(float)key.Source / key.Target;
        double filterScale = Math.Max(scale, 1.0);
        double support = ResampleFilter.Support(key.Interpolation) * filterScale;
        double inverseScale = 1.0 / filterScale;
        var window = new double[(int)Math.Ceiling(support) * 2 + 1];
        var windows = new Windows(key.Count, window.Length);

        for (int i = 0; i < key.Count; i++)
        {
            double center = (key.First + i + 0.5) * scale;
            int begin = Math.Max((int)(center - support + 0.5), 0);
            int length = Math.Min((int)(center + support + 0.5), key.Source) - begin;
            double sum = 0.0;
            for (int t = 0; t < length; t++)
            {
                sum += window[t] = ResampleFilter.Weight(key.Interpolation, (t + begin - center + 0.5) * inverseScale);
            }

            // Weights of zero at the ends change nothing: without them an unchanged size has one tap.
            int used = 0;
            for (int t = 0; t < length; t++)
            {
                double exact = (sum != 0.0 ? window[t] / sum : window[t]) * (1 << WeightBits);
                int weight = (int)(exact < 0 ? exact - 0.5 : exact + 0.5);
                if (used == 0)
                {
                    windows.Starts[i] = begin + t;
                }

                if (used > 0 || weight != 0)
                {
                    windows.Weights[i * windows.Stride + used++] = weight;
                    windows.Lengths[i] = weight != 0 ? used : windows.Lengths[i];
                }
            }
        }

        return windows;
    }

    /// <summary>Weights as the filters give them: each target pixel has its own number of them.</summary>
    private readonly struct Windows(int count, int stride)
    {
        public int[] Starts { get; } = new int[count];

        public int[] Lengths { get; } = new int[count];

        public int[] Weights { get; } = new int[checked(count * stride)];

        public int Stride { get; } = stride;
    }

    private readonly record struct Key(int Source, int Target, int First, int Count, Interpolation Interpolation, int TapMultiple);
}
