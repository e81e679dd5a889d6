using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>
/// The loop of grouped convolutions three taps wide: a run of output pixels of one vector of output channels, whose lanes may belong to several groups. For each channel k of a group a pixel of the input
/// becomes a vector that has in every lane channel k of the lane's own group (<see cref="IGroupLanes{T}"/>), and serves all taps of a line that need it: P + 2 such vectors for 3 · P multiply-adds. No lane
/// multiplies a zero, whatever the width of the groups, and no weight is loaded twice in a run.
/// </summary>
internal static unsafe class GroupedKernel<T> where T : struct, IVector<T>
{
    /// <summary>Most output pixels of a run: an accumulator each, beside three weights, three pixels and the lanes.</summary>
    public static int MostPixels => T.TileColumns == 4 ? Most : 8;

    private const int Most = 14;

    private static readonly delegate*<GroupedRun*, void>[] s_runs = MakeRuns();

    /// <summary>Convolves 1 to <see cref="MostPixels"/> pixels with a stride of 1 or 2.</summary>
    public static void Run(bool severalGroups, int stride, int pixels, GroupedRun* args) => s_runs[((severalGroups ? 2 : 0) + stride - 1) * Most + pixels - 1](args);

    private static delegate*<GroupedRun*, void>[] MakeRuns()
    {
        var runs = new delegate*<GroupedRun*, void>[4 * Most];
        Add<OneGroup<T>, Count1>(runs, 0);
        Add<OneGroup<T>, Count2>(runs, Most);
        Add<SeveralGroups<T>, Count1>(runs, 2 * Most);
        Add<SeveralGroups<T>, Count2>(runs, 3 * Most);
        return runs;
    }

    private static void Add<TLanes, TStride>(delegate*<GroupedRun*, void>[] runs, int start) where TLanes : struct, IGroupLanes<T> where TStride : struct, ICount
    {
        runs[start] = &Run<Count1, TLanes, TStride>;
        runs[start + 1] = &Run<Count2, TLanes, TStride>;
        runs[start + 2] = &Run<Count3, TLanes, TStride>;
        runs[start + 3] = &Run<Count4, TLanes, TStride>;
        runs[start + 4] = &Run<Count5, TLanes, TStride>;
        runs[start + 5] = &Run<Count6, TLanes, TStride>;
        runs[start + 6] = &Run<Count7, TLanes, TStride>;
        runs[start + 7] = &Run<Count8, TLanes, TStride>;
        runs[start + 8] = &Run<Count9, TLanes, TStride>;
        runs[start + 9] = &Run<Count10, TLanes, TStride>;
        runs[start + 10] = &Run<Count11, TLanes, TStride>;
        runs[start + 11] = &Run<Count12, TLanes, TStride>;
        runs[start + 12] = &Run<Count13, TLanes, TStride>;
        runs[start + 13] = &Run<Count14, TLanes, TStride>;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TPixels, TLanes, TStride>(GroupedRun* args) where TPixels : struct, ICount where TLanes : struct, IGroupLanes<T> where TStride : struct, ICount
    {
        nint pixel = args->Pixel;
        float* weights = args->Weights, line = args->Source;
        T s0 = T.Zero, s1 = T.Zero, s2 = T.Zero, s3 = T.Zero, s4 = T.Zero, s5 = T.Zero, s6 = T.Zero;
        T s7 = T.Zero, s8 = T.Zero, s9 = T.Zero, s10 = T.Zero, s11 = T.Zero, s12 = T.Zero, s13 = T.Zero;
        for (int ky = args->Lines; ky > 0; ky--, line += args->Line)
        {
            float* part = line;
            for (int i = args->Parts; i > 0; i--, part += T.Count)
            {
                float* channel = part, lane = args->Lanes;
                for (nint k = args->Channels; k > 0; k--)
                {
                    T w0 = T.Load(weights), w1 = T.Load(weights + T.Count), w2 = T.Load(weights + 2 * T.Count), lanes = T.Load(lane);
                    float* x = channel;
                    T a = TLanes.Load(x, lanes), b = TLanes.Load(x += pixel, lanes), c = TLanes.Load(x += pixel, lanes);
                    s0 = T.MultiplyAdd(w2, c, T.MultiplyAdd(w1, b, T.MultiplyAdd(w0, a, s0)));
                    if (TPixels.Value > 1)
                    {
                        (a, b) = TStride.Value == 1 ? (b, c) : (c, TLanes.Load(x += pixel, lanes));
                        c = TLanes.Load(x += pixel, lanes);
                        s1 = T.MultiplyAdd(w2, c, T.MultiplyAdd(w1, b, T.MultiplyAdd(w0, a, s1)));
                    }
                    if (TPixels.Value > 2)
                    {
                        (a, b) = TStride.Value == 1 ? (b, c) : (c, TLanes.Load(x += pixel, lanes));
                        c = TLanes.Load(x += pixel, lanes);
                        s2 = T.MultiplyAdd(w2, c, T.MultiplyAdd(w1, b, T.MultiplyAdd(w0, a, s2)));
                    }
                    if (TPixels.Value > 3)
                    {
                        (a, b) = TStride.Value == 1 ? (b, c) : (c, TLanes.Load(x += pixel, lanes));
                        c = TLanes.Load(x += pixel, lanes);
                        s3 = T.MultiplyAdd(w2, c, T.MultiplyAdd(w1, b, T.MultiplyAdd(w0, a, s3)));
                    }
                    if (TPixels.Value > 4)
                    {
                        (a, b) = TStride.Value == 1 ? (b, c) : (c, TLanes.Load(x += pixel, lanes));
                        c = TLanes.Load(x += pixel, lanes);
                        s4 = T.MultiplyAdd(w2, c, T.MultiplyAdd(w1, b, T.MultiplyAdd(w0, a, s4)));
                    }
                    if (TPixels.Value > 5)
                    {
                        (a, b) = TStride.Value == 1 ? (b, c) : (c, TLanes.Load(x += pixel, lanes));
                        c = TLanes.Load(x += pixel, lanes);
                        s5 = T.MultiplyAdd(w2, c, T.MultiplyAdd(w1, b, T.MultiplyAdd(w0, a, s5)));
                    }
                    if (TPixels.Value > 6)
                    {
                        (a, b) = TStride.Value == 1 ? (b, c) : (c, TLanes.Load(x += pixel, lanes));
                        c = TLanes.Load(x += pixel, lanes);
                        s6 = T.MultiplyAdd(w2, c, T.MultiplyAdd(w1, b, T.MultiplyAdd(w0, a, s6)));
                    }
                    if (TPixels.Value > 7)
                    {
                        (a, b) = TStride.Value == 1 ? (b, c) : (c, TLanes.Load(x += pixel, lanes));
                        c = TLanes.Load(x += pixel, lanes);
                        s7 = T.MultiplyAdd(w2, c, T.MultiplyAdd(w1, b, T.MultiplyAdd(w0, a, s7)));
                    }
                    if (TPixels.Value > 8)
                    {
                        (a, b) = TStride.Value == 1 ? (b, c) : (c, TLanes.Load(x += pixel, lanes));
                        c = TLanes.Load(x += pixel, lanes);
                        s8 = T.MultiplyAdd(w2, c, T.MultiplyAdd(w1, b, T.MultiplyAdd(w0, a, s8)));
                    }
                    if (TPixels.Value > 9)
                    {
                        (a, b) = TStride.Value == 1 ? (b, c) : (c, TLanes.Load(x += pixel, lanes));
                        c = TLanes.Load(x += pixel, lanes);
                        s9 = T.MultiplyAdd(w2, c, T.MultiplyAdd(w1, b, T.MultiplyAdd(w0, a, s9)));
                    }
                    if (TPixels.Value > 10)
                    {
                        (a, b) = TStride.Value == 1 ? (b, c) : (c, TLanes.Load(x += pixel, lanes));
                        c = TLanes.Load(x += pixel, lanes);
                        s10 = T.MultiplyAdd(w2, c, T.MultiplyAdd(w1, b, T.MultiplyAdd(w0, a, s10)));
                    }
                    if (TPixels.Value > 11)
                    {
                        (a, b) = TStride.Value == 1 ? (b, c) : (c, TLanes.Load(x += pixel, lanes));
                        c = TLanes.Load(x += pixel, lanes);
                        s11 = T.MultiplyAdd(w2, c, T.MultiplyAdd(w1, b, T.MultiplyAdd(w0, a, s11)));
                    }
                    if (TPixels.Value > 12)
                    {
                        (a, b) = TStride.Value == 1 ? (b, c) : (c, TLanes.Load(x += pixel, lanes));
                        c = TLanes.Load(x += pixel, lanes);
                        s12 = T.MultiplyAdd(w2, c, T.MultiplyAdd(w1, b, T.MultiplyAdd(w0, a, s12)));
                    }
                    if (TPixels.Value > 13)
                    {
                        (a, b) = TStride.Value == 1 ? (b, c) : (c, TLanes.Load(x += pixel, lanes));
                        c = TLanes.Load(x += pixel, lanes);
                        s13 = T.MultiplyAdd(w2, c, T.MultiplyAdd(w1, b, T.MultiplyAdd(w0, a, s13)));
                    }
                    weights += 3 * T.Count;
                    channel += TLanes.ChannelDistance;
                    lane += TLanes.LaneDistance;
                }
            }
        }
        float* target = args->Target;
        T.Store(s0, target);
        if (TPixels.Value > 1) T.Store(s1, target + 1 * T.Count);
        if (TPixels.Value > 2) T.Store(s2, target + 2 * T.Count);
        if (TPixels.Value > 3) T.Store(s3, target + 3 * T.Count);
        if (TPixels.Value > 4) T.Store(s4, target + 4 * T.Count);
        if (TPixels.Value > 5) T.Store(s5, target + 5 * T.Count);
        if (TPixels.Value > 6) T.Store(s6, target + 6 * T.Count);
        if (TPixels.Value > 7) T.Store(s7, target + 7 * T.Count);
        if (TPixels.Value > 8) T.Store(s8, target + 8 * T.Count);
        if (TPixels.Value > 9) T.Store(s9, target + 9 * T.Count);
        if (TPixels.Value > 10) T.Store(s10, target + 10 * T.Count);
        if (TPixels.Value > 11) T.Store(s11, target + 11 * T.Count);
        if (TPixels.Value > 12) T.Store(s12, target + 12 * T.Count);
        if (TPixels.Value > 13) T.Store(s13, target + 13 * T.Count);
    }
}

/// <summary>What a run works on. Distances are in floats.</summary>
internal unsafe struct GroupedRun
{
    /// <summary>The first tap of the first pixel.</summary>
    public float* Source;

    /// <summary>A vector for each line, channel of a group and tap of a line.</summary>
    public float* Weights;

    /// <summary>What <see cref="IGroupLanes{T}.Load"/> gets.</summary>
    public float* Lanes;

    /// <summary>Sums, a vector for each pixel.</summary>
    public float* Target;

    /// <summary>From a pixel of the input to the next.</summary>
    public nint Pixel;

    /// <summary>From a line of taps to the next.</summary>
    public nint Line;

    /// <summary>Channels of a part of a group.</summary>
    public nint Channels;

    /// <summary>Parts of a group, a vector apart.</summary>
    public int Parts;

    /// <summary>Lines of taps.</summary>
    public int Lines;
}
