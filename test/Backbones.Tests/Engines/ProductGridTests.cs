using Backbones.Engines.Managed;

namespace Backbones.Tests.Engines;

[TestClass]
public sealed class ProductGridTests
{
    [TestMethod]
    [DataRow(1, 1, 240, 15, 1, 2)]
    [DataRow(49, 1, 448, 28, 1, 2)]
    [DataRow(196, 1, 128, 8, 1, 2)]
    [DataRow(28, 28, 576, 2, 1, 2)]
    [DataRow(14, 14, 216, 1, 12, 3)]
    [DataRow(112, 112, 27, 1, 1, 1)]
    [DataRow(8 * 3136, 1, 64, 4, 1, 16)]
    [DataRow(3, 200, 9, 70, 2, 64)]
    public void EveryRowAndPanelIsInOnePiece(int units, int unitRows, int k, int panels, int groups, int threads)
    {
        ProductGrid grid = ProductGrid.Of(units, unitRows, k, panels, 64, groups, threads);
        var seen = new int[groups, units, panels];
        for (int i = 0; i < grid.Count; i++)
        {
            (int group, (long First, long End) lines, (int First, int End) columns) = grid.Piece(i);
            for (long unit = lines.First; unit < lines.End; unit++)
            {
                for (int panel = columns.First; panel < columns.End; panel++)
                    seen[group, unit, panel]++;
            }
        }
        Assert.IsTrue(seen.Cast<int>().All(n => n == 1));
    }

    /// <summary>What the busier of two threads gets, if each does the pieces of its range: no more than a twentieth over the half.</summary>
    [TestMethod]
    [DataRow(196, 1, 128, 8)]
    [DataRow(28, 28, 576, 2)]
    [DataRow(14, 14, 1152, 4)]
    [DataRow(49, 1, 448, 28)]
    [DataRow(784, 1, 192, 3)]
    public void TwoThreadsHaveEqualShares(int units, int unitRows, int k, int panels)
    {
        ProductGrid grid = ProductGrid.Of(units, unitRows, k, panels, 64, 1, 2);
        long[] work = new long[2];
        for (int i = 0; i < grid.Count; i++)
        {
            (_, (long First, long End) lines, (int First, int End) columns) = grid.Piece(i);
            work[2 * i / grid.Count] += (lines.End - lines.First) * (columns.End - columns.First);
        }
        Assert.IsTrue(work.Max() <= 1.05 * work.Sum() / 2, $"{work[0]} and {work[1]} of {units}×{panels}");
    }
}
