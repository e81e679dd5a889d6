namespace Backbones.Detection;

/// <summary>Boxes with score and class, coordinate by coordinate, in memory that is used again.</summary>
internal sealed class BoxList
{
    private float[] _x1 = [], _y1 = [], _x2 = [], _y2 = [], _scores = [];
    private int[] _labels = [];

    public int Count { get; private set; }

    public ReadOnlySpan<float> X1 => _x1.AsSpan(0, Count);

    public ReadOnlySpan<float> Y1 => _y1.AsSpan(0, Count);

    public ReadOnlySpan<float> X2 => _x2.AsSpan(0, Count);

    public ReadOnlySpan<float> Y2 => _y2.AsSpan(0, Count);

    public ReadOnlySpan<float> Scores => _scores.AsSpan(0, Count);

    public ReadOnlySpan<int> Labels => _labels.AsSpan(0, Count);

    public Box this[int index] => new(_x1[index], _y1[index], _x2[index], _y2[index]);

    public void Clear() => Count = 0;

    public void Add(Box box, float score, int label)
    {
        int i = Count;
        if (i == _x1.Length)
            Grow(Math.Max(256, 2 * i));
        (_x1[i], _y1[i], _x2[i], _y2[i], _scores[i], _labels[i]) = (box.X1, box.Y1, box.X2, box.Y2, score, label);
        Count = i + 1;
    }

    private void Grow(int capacity)
    {
        Array.Resize(ref _x1, capacity);
        Array.Resize(ref _y1, capacity);
        Array.Resize(ref _x2, capacity);
        Array.Resize(ref _y2, capacity);
        Array.Resize(ref _scores, capacity);
        Array.Resize(ref _labels, capacity);
    }
}
