using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Backbones.Engines.Managed;

/// <summary>The nine taps of a vector of 3×3 filters, one lane for each output channel, as the transforms of filters read them: in double, as their results are rounded once.</summary>
internal readonly unsafe ref struct FilterTaps<T> where T : struct, IVector<T>
{
    /// <summary>Floats of scratch.</summary>
    public static int Floats => 10 * T.Count;

    private readonly float* _taps;
    private readonly float* _factors;
    private readonly ReadOnlySpan<float> _filters;
    private readonly int _count;
    private readonly int _channels;

    /// <param name="filters">Filters [O, C, 3, 3].</param>
    /// <param name="channels">C.</param>
    /// <param name="first">The first output channel.</param>
    /// <param name="count">Output channels; the lanes beyond have zeros.</param>
    /// <param name="scratch">Zeros.</param>
    public FilterTaps(RowScaled filters, int channels, int first, int count, float* scratch)
    {
        _taps = scratch;
        _factors = scratch + 9 * T.Count;
        (_count, _channels) = (count, channels);
        _filters = filters.Elements.Span.Slice(first * channels * 9, count * channels * 9);
        for (int lane = 0; lane < count; lane++)
            _factors[lane] = filters.Factor(first + lane);
    }

    /// <summary>A tap of the filters of four lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<double> Load(int tap, int lane)
    {
        Vector128<float> four = Vector128.Load(_taps + tap * T.Count + lane);
        return Vector256.Create(Vector128.WidenLower(four), Vector128.WidenUpper(four));
    }

    /// <summary>Reads the filters of an input channel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Read(int channel)
    {
        for (int lane = 0; lane < _count; lane++)
        {
            ReadOnlySpan<float> filter = _filters.Slice((lane * _channels + channel) * 9, 9);
            float factor = _factors[lane];
            float* target = _taps + lane;
            for (int tap = 0; tap < filter.Length; tap++, target += T.Count)
                *target = filter[tap] * factor;
        }
    }
}
