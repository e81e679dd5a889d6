using System.Numerics;
using System.Runtime.InteropServices;
using Backbones.Engines.Managed;
using Backbones.Graphs;

namespace Backbones.Detection;

/// <summary>
/// Finds the highest pixel of every heatmap after resizing it to its box by bicubic interpolation (torchvision's <c>heatmaps_to_keypoints</c>). The resized map is never there as a whole:
/// rows are made one by one and looked through. Boxes are the threads' pieces; memory is used again.
/// </summary>
internal sealed class HeatmapPeaks : IParallelWork
{
    /// <summary>Pixels that make up one of a resized row or column.</summary>
    private const int Taps = 4;

    private readonly WorkerPool _pool;
    private readonly Grown<float>[] _columns, _rows;
    private float[] _heatmaps = [];
    private Keypoint[] _points = [];
    private BoxList _boxes = new();
    private Size2 _size;
    private int _keypoints;

    public HeatmapPeaks(WorkerPool pool)
    {
        _pool = pool;
        _columns = [.. Enumerable.Range(0, pool.Threads).Select(_ => new Grown<float>())];
        _rows = [.. Enumerable.Range(0, pool.Threads).Select(_ => new Grown<float>())];
    }

    /// <summary>Finds the points of boxes, in the boxes' pixels.</summary>
    /// <param name="heatmaps"><c>[boxes, keypoints, H, W]</c>.</param>
    /// <param name="size">Height and width of a heatmap.</param>
    /// <param name="keypoints">Heatmaps of a box.</param>
    /// <param name="boxes">The boxes.</param>
    /// <param name="points">Gets the points, <c>[boxes, keypoints]</c>.</param>
    public void Run(float[] heatmaps, Size2 size, int keypoints, BoxList boxes, Grown<Keypoint> points)
    {
        (_heatmaps, _size, _keypoints, _boxes, _points) = (heatmaps, size, keypoints, boxes, points.Ensure(boxes.Count * keypoints));
        _pool.Run(this, boxes.Count);
        (_heatmaps, _points) = ([], []);
    }

    void IParallelWork.Run(int index, int worker)
    {
        Box box = _boxes[index];
        // A box is one pixel at least, and as many whole ones as it touches.
        float boxWidth = MathF.Max(box.Width, 1), boxHeight = MathF.Max(box.Height, 1);
        int width = (int)MathF.Ceiling(boxWidth), height = (int)MathF.Ceiling(boxHeight);
        for (int k = 0; k < _keypoints; k++)
        {
            ReadOnlySpan<float> map = _heatmaps.AsSpan((index * _keypoints + k) * _size.H * _size.W, _size.H * _size.W);
            (int x, int y, float value) = Peak(map, width, height, _columns[worker].Span(_size.H * width), _rows[worker].Span(width));
            _points[index * _keypoints + k] = new((x + 0.5f) * (boxWidth / width) + box.X1, (y + 0.5f) * (boxHeight / height) + box.Y1, value);
        }
    }

    /// <summary>The first of the highest pixels of a resized map.</summary>
    private (int X, int Y, float Value) Peak(ReadOnlySpan<float> map, int width, int height, Span<float> columns, Span<float> row)
    {
        // Rows to their new width, then for every new row four of them together.
        Span<int> at = stackalloc int[Taps];
        Span<float> weight = stackalloc float[Taps];
        for (int x = 0; x < width; x++)
        {
            Cubic(x, _size.W, width, at, weight);
            for (int y = 0; y < _size.H; y++)
            {
                ReadOnlySpan<float> source = map.Slice(y * _size.W, _size.W);
                columns[y * width + x] = source[at[0]] * weight[0] + source[at[1]] * weight[1] + source[at[2]] * weight[2] + source[at[3]] * weight[3];
            }
        }
        (int bestX, int bestY, float best) = (0, 0, float.NegativeInfinity);
        for (int y = 0; y < height; y++)
        {
            Cubic(y, _size.H, height, at, weight);
            float largest = Combine(columns, width, at, weight, row);
            if (largest > best)
                (best, bestY, bestX) = (largest, y, row.IndexOf(largest));
        }
        return (bestX, bestY, best);
    }

    /// <summary>The sum of four weighted rows; returns its largest value.</summary>
    private static float Combine(ReadOnlySpan<float> columns, int width, ReadOnlySpan<int> at, ReadOnlySpan<float> weight, Span<float> row)
    {
        ReadOnlySpan<float> a = columns.Slice(at[0] * width, width), b = columns.Slice(at[1] * width, width), c = columns.Slice(at[2] * width, width), d = columns.Slice(at[3] * width, width);
        var largest = new Vector<float>(float.NegativeInfinity);
        int x = 0;
        for (; x <= width - Vector<float>.Count; x += Vector<float>.Count)
        {
            Vector<float> sum = new Vector<float>(a[x..]) * weight[0] + new Vector<float>(b[x..]) * weight[1] + new Vector<float>(c[x..]) * weight[2] + new Vector<float>(d[x..]) * weight[3];
            sum.CopyTo(row[x..]);
            largest = Vector.Max(largest, sum);
        }
        float best = float.NegativeInfinity;
        foreach (float value in MemoryMarshal.CreateReadOnlySpan(ref System.Runtime.CompilerServices.Unsafe.As<Vector<float>, float>(ref largest), Vector<float>.Count))
            best = MathF.Max(best, value);
        for (; x < width; x++)
        {
            row[x] = a[x] * weight[0] + b[x] * weight[1] + c[x] * weight[2] + d[x] * weight[3];
            best = MathF.Max(best, row[x]);
        }
        return best;
    }

    /// <summary>PyTorch's bicubic interpolation without aligned corners: Keys' cubic with -0.75, borders repeated.</summary>
    internal static void Cubic(int position, int size, int outSize, Span<int> at, Span<float> weight)
    {
        const float A = -0.75f;
        float source = (float)size / outSize * (position + 0.5f) - 0.5f;
        int floor = (int)MathF.Floor(source);
        float t = source - floor, u = 1 - t;
        for (int i = 0; i < Taps; i++)
            at[i] = Math.Clamp(floor - 1 + i, 0, size - 1);
        (weight[0], weight[1], weight[2], weight[3]) = (Outer(t + 1), Inner(t), Inner(u), Outer(u + 1));

        static float Inner(float x) => ((A + 2) * x - (A + 3)) * x * x + 1;

        static float Outer(float x) => ((A * x - 5 * A) * x + 8 * A) * x - 4 * A;
    }
}
