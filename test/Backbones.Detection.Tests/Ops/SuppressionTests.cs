namespace Backbones.Detection.Tests;

[TestClass]
public sealed class SuppressionTests
{
    [TestMethod]
    [DataRow(1)]
    [DataRow(7)]
    [DataRow(64)]
    [DataRow(333)]
    public void Vectors_suppress_as_plain_loops_do(int count)
    {
        var random = new Random(count);
        for (int round = 0; round < 20; round++)
        {
            Box[] boxes = [.. Enumerable.Range(0, count).Select(_ => (X: random.Next(20), Y: random.Next(20))).Select(p => new Box(p.X, p.Y, p.X + random.Next(-1, 12), p.Y + random.Next(-1, 12)))];
            boxes[random.Next(count)] = new(float.NaN, 0, 5, 5);
            float[] scores = [.. Enumerable.Range(0, count).Select(_ => random.Next(12) switch { 0 => float.NaN, 1 => float.PositiveInfinity, 2 => -0f, 3 => 0f, int other => other / 8f })];
            double threshold = new[] { 0, 1.0 / 3, 0.5, 0.7, 1, -0.1 }[random.Next(6)];
            CollectionAssert.AreEqual(Plain(boxes, scores, threshold), Boxes.Nms(boxes, scores, threshold));
        }
    }

    [TestMethod]
    [DataRow(200)]
    [DataRow(1500)]
    public void Classes_do_not_suppress_each_other(int count)
    {
        var random = new Random(count);
        Box[] boxes = [.. Enumerable.Range(0, count).Select(_ => (X: random.NextSingle() * 90, Y: random.NextSingle() * 90)).Select(p => new Box(p.X, p.Y, p.X + 20, p.Y + 20))];
        float[] scores = [.. boxes.Select(_ => random.NextSingle())];
        int[] classes = [.. boxes.Select(_ => random.Next(-1, 4))];
        if (count <= 1000)
            classes = [.. classes.Select(c => Math.Abs(c))];
        int[] expected = [.. Enumerable.Range(-1, 6).SelectMany(c =>
        {
            int[] of = [.. Enumerable.Range(0, count).Where(i => classes[i] == c)];
            return Plain([.. of.Select(i => boxes[i])], [.. of.Select(i => scores[i])], 0.5).Select(i => of[i]);
        }).OrderByDescending(i => scores[i])];
        CollectionAssert.AreEqual(expected, Boxes.BatchedNms(boxes, scores, classes, 0.5));
    }

    [TestMethod]
    public void Numbers_of_boxes_scores_and_classes_must_fit()
    {
        Assert.ThrowsExactly<ArgumentException>(() => Boxes.Nms([default, default], [1f], 0.5));
        Assert.ThrowsExactly<ArgumentException>(() => Boxes.BatchedNms([default], [1f], [1, 2], 0.5));
    }

    [TestMethod]
    public void The_best_come_first_whatever_the_order()
    {
        var random = new Random(5);
        for (int count = 1; count < 2000; count += count / 3 + 1)
        {
            float[] values = [.. Enumerable.Range(0, count).Select(_ => random.Next(50) == 0 ? float.NaN : random.Next(40) / 8f - 2)];
            for (int wanted = 0; wanted <= count; wanted += wanted / 2 + 1)
            {
                ulong[] keys = [.. values.Select(RankedKeys.Of)];
                RankedKeys.SelectFirst(keys, wanted);
                int[] expected = [.. Enumerable.Range(0, count).OrderByDescending(i => float.IsNaN(values[i]) ? float.PositiveInfinity : values[i]).ThenBy(i => i).Take(wanted)];
                CollectionAssert.AreEqual(expected, keys[..wanted].Select(RankedKeys.Index).ToArray());
            }
        }
    }

    private static int[] Plain(Box[] boxes, float[] scores, double threshold)
    {
        int[] order = [.. Enumerable.Range(0, boxes.Length).OrderByDescending(i => float.IsNaN(scores[i]) ? 1 : 0).ThenByDescending(i => float.IsNaN(scores[i]) ? 0 : scores[i] + 0f).ThenBy(i => i)];
        var kept = new List<int>();
        foreach (int i in order)
        {
            if (!kept.Any(k => Above(boxes[k], boxes[i])))
                kept.Add(i);
        }
        return [.. kept];

        bool Above(Box a, Box b)
        {
            float left = a.X1 < b.X1 ? b.X1 : a.X1, top = a.Y1 < b.Y1 ? b.Y1 : a.Y1, right = b.X2 < a.X2 ? b.X2 : a.X2, bottom = b.Y2 < a.Y2 ? b.Y2 : a.Y2;
            float width = 0 < right - left ? right - left : 0, height = 0 < bottom - top ? bottom - top : 0, intersection = width * height;
            return (double)(intersection / (a.Area + b.Area - intersection)) > threshold;
        }
    }
}
