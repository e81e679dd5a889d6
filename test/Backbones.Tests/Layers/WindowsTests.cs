using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Tests.Graphs;

namespace Backbones.Tests.Layers;

[TestClass]
public sealed class WindowsTests
{
    [TestMethod]
    public void WindowsAndGridsArePutTogetherAgain()
    {
        var b = new GraphBuilder([6, 8, 3]);
        Node windows = Windows.Partition(b, b.Input, (2, 4)), grids = Windows.GridPartition(b, b.Input, (3, 2));
        float[][] values = TestGraphs.Run(b.Build(Windows.Reverse(b, windows, (2, 4), (6, 8)), Windows.GridReverse(b, grids, (3, 2), (6, 8)), windows, grids));
        float[] input = TestGraphs.Input(2, b.Input.Shape);
        CollectionAssert.AreEqual(input, values[0]);
        CollectionAssert.AreEqual(input, values[1]);
        // Window 3 of two columns of windows is at row 2, column 4: its pixel (1, 2), channel 1.
        Assert.AreEqual(input[(3 * 8 + 6) * 3 + 1], values[2][(3 * 8 + 1 * 4 + 2) * 3 + 1]);
        // A grid of 3×2 has steps of 2 and 4: grid 5 begins at (1, 1), its pixel (2, 1) is at (5, 5).
        Assert.AreEqual(input[(5 * 8 + 5) * 3], values[3][(5 * 6 + 2 * 2 + 1) * 3]);
    }

    /// <summary>A pixel sees those of its shifted window that are its neighbours in the map, and no others.</summary>
    [TestMethod]
    [DataRow(4, 6, 2, 3, 1, 1)]
    [DataRow(4, 4, 4, 2, 0, 1)]
    [DataRow(5, 6, 3, 4, 1, 2)]
    public void ShiftedWindowsSeeNeighboursAlone(int height, int width, int windowHeight, int windowWidth, int shiftHeight, int shiftWidth)
    {
        var b = new GraphBuilder([height, width, 1]);
        // The mean over what a pixel sees.
        Node mean = Windows.Attend(b, b.Input, (windowHeight, windowWidth), (shiftHeight, shiftWidth), masksPadding: true, (b, windows, mask) =>
        {
            Node x = b.Reshape(windows, [windows.Shape[0], 1, windows.Shape[1], 1]), zeros = b.Affine(x, 0);
            return b.Reshape(b.Attention(zeros, zeros, x, mask: mask), windows.Shape);
        });
        float[] input = TestGraphs.Input(1, b.Input.Shape), actual = TestGraphs.Run(b.Build(mean), batch: 1)[0];
        (int paddedHeight, int paddedWidth) = (Windows.RoundUp(height, windowHeight), Windows.RoundUp(width, windowWidth));
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
            {
                float[] seen = [.. from row in Seen(y, height, paddedHeight, windowHeight, shiftHeight) from column in Seen(x, width, paddedWidth, windowWidth, shiftWidth)
                    select row < 0 || column < 0 ? 0 : input[row * width + column]];
                Assert.AreEqual(seen.Average(), actual[y * width + x], 1e-5f, $"pixel {y}, {x}");
            }

        // The rows of a row's window that are of its own part of the shifted map; -1 is filling.
        static IEnumerable<int> Seen(int at, int size, int padded, int window, int shift)
        {
            int shifted = (at - shift + size) % size, start = shifted / window * window;
            return Enumerable.Range(start, window).Where(i => Part(i) == Part(shifted)).Select(i => i < size ? (i + shift) % size : -1);

            int Part(int i) => shift == 0 || i < padded - window ? 0 : i < padded - shift ? 1 : 2;
        }
    }

    [TestMethod]
    public void NoWindowIsLargerThanTheMap()
    {
        Assert.AreEqual((new Size2(7, 7), new Size2(3, 3)), Windows.Fit(14, 7, shifted: true));
        Assert.AreEqual((new Size2(7, 7), new Size2(0, 0)), Windows.Fit(7, 7, shifted: true));
        Assert.AreEqual((new Size2(4, 7), new Size2(0, 3)), Windows.Fit((4, 14), 7, shifted: true));
        Assert.AreEqual((new Size2(7, 7), new Size2(0, 0)), Windows.Fit(14, 7, shifted: false));
    }
}
