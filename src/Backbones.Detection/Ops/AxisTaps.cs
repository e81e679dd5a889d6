namespace Backbones.Detection;

/// <summary>
/// Which rows (or columns) of a map make up each bin of a box, and with what weight: bilinear interpolation at equally distant points, which is separable, so that one list an axis
/// says all. Points that share a row share its entry. The memory is used again.
/// </summary>
internal sealed class AxisTaps
{
    private const int MostSamples = 1 << 20;

    private int[] _start = new int[16], _index = new int[64];
    private float[] _weight = new float[64];
    private int _count;

    /// <summary>Rows of a bin.</summary>
    public ReadOnlySpan<int> Indices(int bin) => _index.AsSpan(_start[bin].._start[bin + 1]);

    /// <summary>Their weights, which come to <c>samples</c> where all of the bin is inside the map.</summary>
    public ReadOnlySpan<float> Weights(int bin) => _weight.AsSpan(_start[bin].._start[bin + 1]);

    /// <summary>Points in a bin of an axis: as many as were asked for, or as there are pixels. A box that is no number, or beyond all sizes, has none.</summary>
    /// <param name="samplingRatio">What was asked for; 0 or less for as many as pixels.</param>
    /// <param name="length">Length of the box in pixels of the map.</param>
    /// <param name="bins">Number of bins.</param>
    public static int Samples(int samplingRatio, float length, int bins)
    {
        if (samplingRatio > 0)
            return samplingRatio;
        float samples = MathF.Ceiling(length / bins);
        return samples is > 0 and < MostSamples ? (int)samples : 0;
    }

    /// <summary>Makes the lists of an axis.</summary>
    /// <param name="start">Where the box begins, in pixels of the map.</param>
    /// <param name="binSize">Length of a bin; negative for a box that ends before it begins.</param>
    /// <param name="bins">Number of bins.</param>
    /// <param name="samples">Points in a bin.</param>
    /// <param name="size">Length of the map.</param>
    public void Set(float start, float binSize, int bins, int samples, int size)
    {
        _count = 0;
        if (_start.Length <= bins)
            _start = new int[bins + 1];
        _start[0] = 0;
        for (int bin = 0; bin < bins; bin++)
        {
            for (int i = 0; i < samples; i++)
                Add(start + bin * binSize + (i + 0.5f) * binSize / samples, size, _start[bin]);
            _start[bin + 1] = _count;
        }
    }

    private void Add(float position, int size, int binStart)
    {
        // Up to one pixel outside the border's value counts, beyond nothing. A position that is NaN is outside.
        if (!(position >= -1 && position <= size))
            return;
        position = MathF.Max(position, 0);
        int low = (int)position;
        if (low >= size - 1)
        {
            Put(size - 1, 1, binStart);
            return;
        }
        float part = position - low;
        Put(low, 1 - part, binStart);
        Put(low + 1, part, binStart);
    }

    private void Put(int index, float weight, int binStart)
    {
        // Points follow each other: if the row is there, it is among the last two.
        for (int i = _count - 1; i >= Math.Max(binStart, _count - 2); i--)
        {
            if (_index[i] == index)
            {
                _weight[i] += weight;
                return;
            }
        }
        if (_count == _index.Length)
        {
            Array.Resize(ref _index, 2 * _count);
            Array.Resize(ref _weight, 2 * _count);
        }
        (_index[_count], _weight[_count]) = (index, weight);
        _count++;
    }
}
