using Backbones.Engines.Managed;
using Backbones.Graphs;

namespace Backbones.Detection;

/// <summary>How images become a batch (torchvision's <c>GeneralizedRCNNTransform</c>).</summary>
/// <param name="MinSize">Length of the shorter side …</param>
/// <param name="MaxSize">… unless the longer one would be longer than this.</param>
/// <param name="Mean">Mean of each channel of values in [0, 1].</param>
/// <param name="Std">Standard deviation of each channel.</param>
/// <param name="SizeDivisible">The batch's sides are multiples of it.</param>
/// <param name="FixedSize">Where given, the size of every image after resizing, in place of what the sides say.</param>
internal sealed record BatchTransform(int MinSize, int MaxSize, float[] Mean, float[] Std, int SizeDivisible, Size2? FixedSize = null)
{
    /// <summary>The size of an image after resizing: computed in double and cut, so that it may be a pixel short of what was asked for.</summary>
    public Size2 Resized(int height, int width)
    {
        if (FixedSize is { } size)
            return size;
        double scale = Math.Min((double)MinSize / Math.Min(height, width), (double)MaxSize / Math.Max(height, width));
        return new((int)Math.Floor(height * scale), (int)Math.Floor(width * scale));
    }

    /// <summary>The size of a batch of resized images.</summary>
    public Size2 Padded(ReadOnlySpan<Size2> resized)
    {
        (int height, int width) = (0, 0);
        foreach (Size2 size in resized)
            (height, width) = (Math.Max(height, size.H), Math.Max(width, size.W));
        return new(RoundUp(height), RoundUp(width));

        int RoundUp(int length) => (length + SizeDivisible - 1) / SizeDivisible * SizeDivisible;
    }
}

/// <summary>Fills a batch: images are normalised, resized by bilinear interpolation and padded with zeros below and at the right. Rows are the threads' pieces; memory is used again.</summary>
internal sealed class ImageBatch : IParallelWork
{
    /// <summary>Rows in a piece of work.</summary>
    private const int PieceRows = 16;

    private readonly WorkerPool _pool;
    private readonly RowCache[] _caches;
    private readonly Grown<int> _first = new(), _second = new();
    private readonly Grown<float> _part = new();
    private IPixelRows _source = FloatRows.None;
    private float[] _batch = [];
    private int _offset;
    private Size2 _resized, _padded;

    public ImageBatch(WorkerPool pool)
    {
        _pool = pool;
        _caches = [.. Enumerable.Range(0, pool.Threads).Select(_ => new RowCache())];
    }

    /// <summary>Writes one image.</summary>
    /// <param name="source">Rows of the image, normalised.</param>
    /// <param name="resized">Its size in the batch.</param>
    /// <param name="padded">Size of the batch.</param>
    /// <param name="batch">The batch <c>[N, 3, H, W]</c>.</param>
    /// <param name="index">Number of the image.</param>
    public void Write(IPixelRows source, Size2 resized, Size2 padded, float[] batch, int index)
    {
        (_source, _resized, _padded, _batch, _offset) = (source, resized, padded, batch, index * 3 * padded.H * padded.W);
        Span<int> first = _first.Span(resized.W), second = _second.Span(resized.W);
        Span<float> part = _part.Span(resized.W);
        for (int x = 0; x < resized.W; x++)
            (first[x], second[x], part[x]) = Interpolation.At(x, source.Width, resized.W);
        foreach (RowCache cache in _caches)
            cache.Clear(source.Width);
        _pool.Run(this, (padded.H + PieceRows - 1) / PieceRows);
        (_source, _batch) = (FloatRows.None, []);
    }

    void IParallelWork.Run(int index, int worker)
    {
        RowCache cache = _caches[worker];
        int plane = _padded.H * _padded.W;
        for (int y = index * PieceRows; y < Math.Min(_padded.H, (index + 1) * PieceRows); y++)
        {
            if (y >= _resized.H)
            {
                for (int channel = 0; channel < 3; channel++)
                    _batch.AsSpan(_offset + channel * plane + y * _padded.W, _padded.W).Clear();
                continue;
            }
            (int upper, int lower, float part) = Interpolation.At(y, _source.Height, _resized.H);
            float[] above = cache.Row(_source, upper), below = cache.Row(_source, lower);
            for (int channel = 0; channel < 3; channel++)
            {
                Span<float> target = _batch.AsSpan(_offset + channel * plane + y * _padded.W, _padded.W);
                Interpolate(above.AsSpan(channel * _source.Width, _source.Width), below.AsSpan(channel * _source.Width, _source.Width), part, target[.._resized.W]);
                target[_resized.W..].Clear();
            }
        }
    }

    private void Interpolate(ReadOnlySpan<float> above, ReadOnlySpan<float> below, float part, Span<float> target)
    {
        ReadOnlySpan<int> first = _first.Span(target.Length), second = _second.Span(target.Length);
        ReadOnlySpan<float> parts = _part.Span(target.Length);
        for (int x = 0; x < target.Length; x++)
        {
            int i = first[x], j = second[x];
            float right = parts[x], left = 1 - right;
            target[x] = (above[i] * left + above[j] * right) * (1 - part) + (below[i] * left + below[j] * right) * part;
        }
    }

    /// <summary>The last two rows that a worker read: the next row of the result mostly needs one of them again.</summary>
    private sealed class RowCache
    {
        private readonly float[][] _rows = [[], []];
        private readonly int[] _numbers = [-1, -1];
        private int _next;

        public void Clear(int width)
        {
            for (int i = 0; i < 2; i++)
            {
                _numbers[i] = -1;
                if (_rows[i].Length < 3 * width)
                    _rows[i] = new float[3 * width];
            }
        }

        public float[] Row(IPixelRows source, int y)
        {
            int at = Array.IndexOf(_numbers, y);
            if (at < 0)
            {
                at = _next;
                source.Read(y, _rows[at]);
                _numbers[at] = y;
            }
            _next = 1 - at;
            return _rows[at];
        }
    }
}
