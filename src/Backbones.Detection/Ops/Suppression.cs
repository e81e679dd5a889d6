using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Backbones.Detection;

/// <summary>
/// Non-maximum suppression with memory that is used again. Boxes lie coordinate by coordinate in the order of their scores, so that a box is compared with a vector of others at
/// once; those that are suppressed stay where they are and are passed over.
/// </summary>
internal sealed class Suppression
{
    /// <summary>Boxes up to which classes are moved apart in place of going one after another (torchvision: 4000 coordinates).</summary>
    private const int MostMovedApart = 1000;

    private ulong[] _keys = [], _byClass = [];
    private float[] _x1 = [], _y1 = [], _x2 = [], _y2 = [], _area = [];
    private int[] _suppressed = [], _kept = [];

    /// <summary>Numbers of the boxes that stay, by falling score, whatever their class. Valid until the next call.</summary>
    public ReadOnlySpan<int> Run(BoxList boxes, double iouThreshold)
    {
        Rank(boxes);
        for (int i = 0; i < boxes.Count; i++)
            Place(i, boxes[RankedKeys.Index(_keys[i])]);
        Suppress(0, boxes.Count, iouThreshold);
        return Kept(boxes.Count, inOrder: true);
    }

    /// <summary>The same, where boxes suppress only others of their class.</summary>
    public ReadOnlySpan<int> RunByClass(BoxList boxes, double iouThreshold) => boxes.Count <= MostMovedApart ? MovedApart(boxes, iouThreshold) : ClassByClass(boxes, iouThreshold);

    /// <summary>torchvision's coordinate trick, with all it does to coordinates: float32 rounds them, and negative ones may not be far enough apart.</summary>
    internal ReadOnlySpan<int> MovedApart(BoxList boxes, double iouThreshold)
    {
        Rank(boxes);
        float largest = float.NegativeInfinity;
        for (int i = 0; i < boxes.Count; i++)
        {
            Box box = boxes[i];
            largest = MathF.Max(largest, MathF.Max(MathF.Max(box.X1, box.Y1), MathF.Max(box.X2, box.Y2)));
        }
        for (int i = 0; i < boxes.Count; i++)
        {
            int index = RankedKeys.Index(_keys[i]);
            float offset = boxes.Labels[index] * (largest + 1);
            Box box = boxes[index];
            Place(i, new(box.X1 + offset, box.Y1 + offset, box.X2 + offset, box.Y2 + offset));
        }
        Suppress(0, boxes.Count, iouThreshold);
        return Kept(boxes.Count, inOrder: true);
    }

    /// <summary>Each class by itself.</summary>
    internal ReadOnlySpan<int> ClassByClass(BoxList boxes, double iouThreshold)
    {
        Rank(boxes);
        int count = boxes.Count;
        Ensure(ref _byClass, count);
        for (int rank = 0; rank < count; rank++)
            _byClass[rank] = (ulong)(uint)(boxes.Labels[RankedKeys.Index(_keys[rank])] ^ int.MinValue) << 32 | (uint)rank;
        Array.Sort(_byClass, 0, count);
        for (int i = 0; i < count; i++)
            Place(i, boxes[RankedKeys.Index(_keys[(uint)_byClass[i]])]);
        for (int first = 0, end; first < count; first = end)
        {
            for (end = first + 1; end < count && _byClass[end] >> 32 == _byClass[first] >> 32; end++)
            {
            }
            Suppress(first, end, iouThreshold);
        }
        return Kept(count, inOrder: false);
    }

    private void Rank(BoxList boxes)
    {
        int count = boxes.Count;
        Ensure(ref _keys, count);
        ReadOnlySpan<float> scores = boxes.Scores;
        for (int i = 0; i < count; i++)
            _keys[i] = RankedKeys.Of(scores[i], i);
        Array.Sort(_keys, 0, count);
        // Vectors are read from any box on.
        int room = count + Vector<float>.Count;
        Ensure(ref _x1, room);
        Ensure(ref _y1, room);
        Ensure(ref _x2, room);
        Ensure(ref _y2, room);
        Ensure(ref _area, room);
        Ensure(ref _suppressed, room);
        Ensure(ref _kept, count);
        Array.Clear(_suppressed, 0, room);
    }

    private void Place(int at, Box box) => (_x1[at], _y1[at], _x2[at], _y2[at], _area[at]) = (box.X1, box.Y1, box.X2, box.Y2, box.Area);

    private void Suppress(int first, int end, double iouThreshold)
    {
        // A float is above a double just where it is above the largest float that is not above the double.
        float limit = (float)iouThreshold;
        var threshold = new Vector<float>(limit > iouThreshold ? MathF.BitDecrement(limit) : limit);
        for (int i = first; i < end; i++)
        {
            if (_suppressed[i] != 0)
                continue;
            Vector<float> x1 = new(_x1[i]), y1 = new(_y1[i]), x2 = new(_x2[i]), y2 = new(_y2[i]), area = new(_area[i]);
            for (int j = i + 1; j < end; j += Vector<float>.Count)
            {
                // As std::max and std::min: the first where one of both is NaN.
                Vector<float> width = At(_x2, j), left = At(_x1, j), height = At(_y2, j), top = At(_y1, j);
                width = Vector.ConditionalSelect(Vector.LessThan(width, x2), width, x2) - Vector.ConditionalSelect(Vector.LessThan(x1, left), left, x1);
                height = Vector.ConditionalSelect(Vector.LessThan(height, y2), height, y2) - Vector.ConditionalSelect(Vector.LessThan(y1, top), top, y1);
                width = Vector.ConditionalSelect(Vector.LessThan(Vector<float>.Zero, width), width, Vector<float>.Zero);
                height = Vector.ConditionalSelect(Vector.LessThan(Vector<float>.Zero, height), height, Vector<float>.Zero);
                Vector<float> intersection = width * height, overlap = intersection / (area + At(_area, j) - intersection);
                Vector<int> above = Vector.GreaterThan(overlap, threshold) | Vector.LoadUnsafe(ref _suppressed[j]);
                // What lies behind the end is another class's, or nothing.
                if (end - j >= Vector<int>.Count)
                {
                    above.StoreUnsafe(ref _suppressed[j]);
                    continue;
                }
                for (int lane = 0; lane < end - j; lane++)
                    _suppressed[j + lane] = above[lane];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> At(float[] values, int index) => Vector.LoadUnsafe(ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(values), index));

    /// <summary>The numbers of those that stay, by falling score.</summary>
    private ReadOnlySpan<int> Kept(int count, bool inOrder)
    {
        int kept = 0;
        for (int i = 0; i < count; i++)
        {
            if (_suppressed[i] == 0)
                _kept[kept++] = inOrder ? i : (int)(uint)_byClass[i];
        }
        Span<int> ranks = _kept.AsSpan(0, kept);
        if (!inOrder)
            ranks.Sort();
        foreach (ref int rank in ranks)
            rank = RankedKeys.Index(_keys[rank]);
        return ranks;
    }

    private static void Ensure<T>(ref T[] array, int length)
    {
        if (array.Length < length)
            array = new T[Math.Max(length, 2 * array.Length)];
    }
}
