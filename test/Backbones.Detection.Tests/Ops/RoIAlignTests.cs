using Backbones.Engines.Managed;
using Backbones.Graphs;

namespace Backbones.Detection.Tests;

[TestClass]
public sealed class RoIAlignTests
{
    [TestMethod]
    [DataRow(1, 2)]
    [DataRow(5, -1)]
    [DataRow(40, 2)]
    [DataRow(64, 3)]
    public void Merged_points_give_what_points_one_by_one_do(int channels, int ratio)
    {
        var random = new Random(channels);
        (int height, int width) = (13, 17);
        float[] map = [.. Enumerable.Range(0, 2 * channels * height * width).Select(_ => random.NextSingle() - 0.5f)];
        (int, Box)[] regions = [.. Enumerable.Range(0, 40).Select(i => (i % 2, new Box(random.Next(-40, 80) / 4f, random.Next(-40, 80) / 4f, random.Next(-40, 120) / 4f, random.Next(-40, 120) / 4f)))];
        foreach (bool aligned in new[] { false, true })
        {
            float[] actual = RegionPooling.RoIAlign(map, [2, channels, height, width], regions, (3, 2), 0.5f, ratio, aligned);
            float[] expected = Plain(map, channels, height, width, regions, 3, 2, 0.5f, ratio, aligned);
            for (int i = 0; i < expected.Length; i++)
                Assert.AreEqual(expected[i], actual[i], 1e-5f);
        }
    }

    [TestMethod]
    public void Results_are_the_same_bits_with_any_number_of_threads()
    {
        var random = new Random(3);
        var map = new ChannelsLastMap([.. Enumerable.Range(0, 20 * 20 * 24).Select(_ => random.NextSingle())], 20, 20, 24);
        RegionOfInterest[] regions = [.. Enumerable.Range(0, 100).Select(_ => new RegionOfInterest(new(random.Next(20), random.Next(20), random.Next(40), random.Next(40)), 0, 0))];
        float[][] outputs = [.. new[] { 1, 2, 5 }.Select(threads =>
        {
            var output = new float[100 * 49 * 24];
            new RoIAlignKernel(WorkerPool.Of(threads)).Run([map], [0.5f], regions, 100, 7, 2, false, output);
            return output;
        })];
        CollectionAssert.AreEqual(outputs[0], outputs[1]);
        CollectionAssert.AreEqual(outputs[0], outputs[2]);
    }

    [TestMethod]
    public void Boxes_that_are_no_numbers_give_zeros()
    {
        float[] map = [1, 2, 3, 4];
        Box[] boxes = [new(float.NaN, 0, 1, 1), new(float.NegativeInfinity, 0, float.PositiveInfinity, 1), new(1e30f, 1e30f, 2e30f, 2e30f)];
        foreach (int ratio in new[] { -1, 2 })
        {
            Assert.IsTrue(RegionPooling.RoIAlign(map, [1, 1, 2, 2], [.. boxes.Select(b => (0, b))], 2, samplingRatio: ratio).All(v => v == 0));
            Assert.HasCount(3, RegionPooling.PositionSensitiveRoIAlign(map, [1, 1, 2, 2], [.. boxes.Select(b => (0, b))], 1, samplingRatio: ratio));
        }
        Assert.HasCount(12, RegionPooling.RoIPool(map, [1, 1, 2, 2], [.. boxes.Select(b => (0, b))], 2));
        Assert.HasCount(3, RegionPooling.PositionSensitiveRoIPool(map, [1, 1, 2, 2], [.. boxes.Select(b => (0, b))], 1));
    }

    [TestMethod]
    public void Boxes_of_images_that_are_not_there_are_refused()
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => RegionPooling.RoIAlign([1, 2, 3, 4], [1, 1, 2, 2], [(1, default)], 2));
        Assert.ThrowsExactly<ArgumentException>(() => RegionPooling.RoIPool([1, 2, 3], [1, 1, 2, 2], [], 2));
        Assert.ThrowsExactly<ArgumentException>(() => RegionPooling.PositionSensitiveRoIPool([1, 2, 3, 4], [1, 1, 2, 2], [(0, default)], 2));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => RegionPooling.RoIAlign([1, 2, 3, 4], [1, 1, 2, 2], [], 0));
    }

    private static float[] Plain(float[] map, int channels, int height, int width, (int Image, Box Box)[] regions, int rows, int columns, float scale, int ratio, bool aligned)
    {
        var result = new List<float>();
        foreach ((int image, Box box) in regions)
        {
            double offset = aligned ? 0.5 : 0, x = box.X1 * scale - offset, y = box.Y1 * scale - offset, w = box.X2 * scale - offset - x, h = box.Y2 * scale - offset - y;
            if (!aligned)
                (w, h) = (Math.Max(w, 1), Math.Max(h, 1));
            int gridY = ratio > 0 ? ratio : (int)Math.Ceiling(h / rows), gridX = ratio > 0 ? ratio : (int)Math.Ceiling(w / columns);
            for (int c = 0; c < channels; c++)
            {
                for (int bin = 0; bin < rows * columns; bin++)
                {
                    double sum = 0;
                    for (int point = 0; point < Math.Max(gridY, 0) * Math.Max(gridX, 0); point++)
                    {
                        double py = y + (bin / columns + (point / gridX + 0.5) / gridY) * h / rows, px = x + (bin % columns + (point % gridX + 0.5) / gridX) * w / columns;
                        if (py < -1 || py > height || px < -1 || px > width)
                            continue;
                        (py, px) = (Math.Clamp(py, 0, height - 1), Math.Clamp(px, 0, width - 1));
                        (int top, int left) = ((int)py, (int)px);
                        sum += (1 - (py - top)) * ((1 - (px - left)) * At(top, left) + (px - left) * At(top, left + 1)) + (py - top) * ((1 - (px - left)) * At(top + 1, left) + (px - left) * At(top + 1, left + 1));
                    }
                    result.Add((float)(sum / Math.Max(gridY * gridX, 1)));
                }

                double At(int row, int column) => map[((image * channels + c) * height + Math.Min(row, height - 1)) * width + Math.Min(column, width - 1)];
            }
        }
        return [.. result];
    }
}
