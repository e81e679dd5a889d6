using System.Numerics;
using Backbones.Graphs;

namespace Backbones.Segmentation;

/// <summary>From scores of classes to the best class of each pixel, the scores interpolated to the map's size on the way (PyTorch's bilinear, <c>align_corners=False</c>): a row of the map at
/// a time, as all scores of a large picture would take gigabytes.</summary>
internal static class PixelArgMax
{
    /// <summary>The map.</summary>
    /// <param name="scores"><c>[classes, h, w]</c>, before softmax.</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="from">Size of the scores.</param>
    /// <param name="to">Size of the map.</param>
    public static SegmentedImage Run(ReadOnlyMemory<float> scores, int classes, Size2 from, Size2 to)
    {
        var op = new ResizeOp(to.H, to.W, ResizeMode.Bilinear);
        Tap[] rows = Taps(from.H, to.H, op), columns = Taps(from.W, to.W, op);
        int[] best = new int[checked(to.H * to.W)];
        float[] probability = new float[best.Length];
        Parallel.For(0, to.H, () => new Row(from.W, to.W, classes), (y, _, row) =>
        {
            for (int c = 0; c < classes; c++)
                row.Interpolate(scores.Span.Slice(c * from.H * from.W, from.H * from.W), rows[y], columns, c);
            row.ArgMax(best.AsSpan(y * to.W, to.W), probability.AsSpan(y * to.W, to.W));
            return row;
        }, _ => { });
        return new SegmentedImage(to.W, to.H, best, probability);
    }

    private static Tap[] Taps(int size, int outSize, ResizeOp op) => [.. ResizeTaps.Of(size, outSize, op).Select(t => new Tap(t[0].Index, t[1].Index, (float)t[0].Weight, (float)t[1].Weight))];

    /// <summary>The two neighbours of a position and their shares.</summary>
    private readonly record struct Tap(int First, int Second, float FirstWeight, float SecondWeight);

    /// <summary>The scores of one row of the map, <c>[classes, W]</c>.</summary>
    private sealed class Row(int sourceWidth, int width, int classes)
    {
        private readonly float[] _between = new float[sourceWidth];
        private readonly float[] _scores = new float[classes * width];
        private readonly float[] _highest = new float[width];

        public void Interpolate(ReadOnlySpan<float> plane, Tap row, Tap[] columns, int c)
        {
            ReadOnlySpan<float> above = plane.Slice(row.First * sourceWidth, sourceWidth), below = plane.Slice(row.Second * sourceWidth, sourceWidth);
            for (int x = 0; x < sourceWidth; x++)
                _between[x] = above[x] * row.FirstWeight + below[x] * row.SecondWeight;
            Span<float> target = _scores.AsSpan(c * width, width);
            for (int x = 0; x < target.Length; x++)
            {
                Tap tap = columns[x];
                target[x] = _between[tap.First] * tap.FirstWeight + _between[tap.Second] * tap.SecondWeight;
            }
        }

        public void ArgMax(Span<int> best, Span<float> probability)
        {
            best.Clear();
            _scores.AsSpan(0, width).CopyTo(_highest);
            for (int c = 1; c < classes; c++)
            {
                ReadOnlySpan<float> scores = _scores.AsSpan(c * width, width);
                for (int x = 0; x < width; x++)
                {
                    if (scores[x] > _highest[x])
                        (best[x], _highest[x]) = (c, scores[x]);
                }
            }
            // Softmax of the highest: one over the sum of the others relative to it.
            probability.Clear();
            for (int c = 0; c < classes; c++)
                AddExp(_scores.AsSpan(c * width, width), _highest, probability);
            for (int x = 0; x < width; x++)
                probability[x] = 1 / probability[x];
        }

        private static void AddExp(ReadOnlySpan<float> scores, ReadOnlySpan<float> highest, Span<float> sum)
        {
            int x = 0;
            for (; x <= sum.Length - Vector<float>.Count; x += Vector<float>.Count)
                (new Vector<float>(sum[x..]) + Vector.Exp(new Vector<float>(scores[x..]) - new Vector<float>(highest[x..]))).CopyTo(sum[x..]);
            for (; x < sum.Length; x++)
                sum[x] += MathF.Exp(scores[x] - highest[x]);
        }
    }
}
