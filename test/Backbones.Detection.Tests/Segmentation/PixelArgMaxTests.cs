using Backbones.Graphs;

namespace Backbones.Segmentation.Tests;

[TestClass]
public sealed class PixelArgMaxTests
{
    [TestMethod]
    [DataRow(5, 7, 5, 7, DisplayName = "as it is")]
    [DataRow(5, 7, 13, 33, DisplayName = "larger")]
    [DataRow(9, 40, 4, 19, DisplayName = "smaller")]
    [DataRow(1, 1, 3, 17, DisplayName = "one pixel")]
    public void The_best_class_and_its_softmax_are_those_of_interpolated_scores(int h, int w, int height, int width)
    {
        const int classes = 4;
        float[] scores = Numbers(classes * h * w);
        SegmentedImage map = PixelArgMax.Run(scores, classes, (h, w), (height, width));
        Assert.AreEqual((width, height), (map.Width, map.Height));
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                double[] values = [.. Enumerable.Range(0, classes).Select(c => Interpolated(scores.AsSpan(c * h * w, h * w), (h, w), (y + 0.5) * h / height - 0.5, (x + 0.5) * w / width - 0.5))];
                double best = values.Max();
                Assert.AreEqual(Array.IndexOf(values, best), map[x, y]);
                Assert.AreEqual(1 / values.Sum(v => Math.Exp(v - best)), map.Scores.Span[y * width + x], 1e-5);
            }
        }
    }

    [TestMethod]
    public void The_first_of_equal_classes_counts()
    {
        SegmentedImage map = PixelArgMax.Run(new float[3 * 4], 3, (2, 2), (2, 2));
        CollectionAssert.AreEqual(new[] { 4, 0, 0 }, map.CountPixels(3));
        Assert.AreEqual(1 / 3f, map.Scores.Span[3], 1e-6f);
    }

    [TestMethod]
    public void A_pixel_outside_the_map_is_refused()
    {
        SegmentedImage map = PixelArgMax.Run(new float[2 * 6], 2, (2, 3), (2, 3));
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => map[3, 0]).Message, "3×2 pixels; (3, 0) is outside");
    }

    private static double Interpolated(ReadOnlySpan<float> plane, Size2 size, double y, double x)
    {
        (int top, int bottom, double down) = Neighbours(y, size.H);
        (int left, int right, double across) = Neighbours(x, size.W);
        double above = plane[top * size.W + left] * (1 - across) + plane[top * size.W + right] * across;
        double below = plane[bottom * size.W + left] * (1 - across) + plane[bottom * size.W + right] * across;
        return above * (1 - down) + below * down;
    }

    private static (int First, int Second, double Share) Neighbours(double at, int size)
    {
        at = Math.Max(at, 0);
        int first = Math.Min((int)at, size - 1);
        return (first, Math.Min(first + 1, size - 1), at - first);
    }

    private static float[] Numbers(int count)
    {
        var random = new Random(5);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() * 6 - 3))];
    }
}
