using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Tests.Graphs;

namespace Backbones.Tests.Layers;

[TestClass]
public sealed class RelPosBiasTests
{
    [TestMethod]
    public void TablesCountFromKeyToQuery()
    {
        Size2 window = (2, 3);
        float[] table = [.. Enumerable.Range(0, 3 * 5).Select(i => (float)i)];
        float[] bias = Values(b => RelPosBias.Lookup(b, b.Constant([15, 1], table), window), out Shape shape);
        Assert.AreEqual([1, 6, 6], shape);
        for (int q = 0; q < 6; q++)
            for (int k = 0; k < 6; k++)
                Assert.AreEqual(5 * (q / 3 - k / 3 + 1) + (q % 3 - k % 3 + 2), bias[q * 6 + k], $"query {q}, key {k}");
    }

    [TestMethod]
    public void TensorFlowsTablesCountTheOtherWay()
    {
        var b = new GraphBuilder([1]);
        Node one = RelPosBias.FromTable(b, (2, 3), 1);
        using (b.Scope("tf"))
        {
            Node other = RelPosBias.FromTableTf(b, (2, 3), 1), table = b.Parameter("relative_position_bias_table", [1, 3, 5]);
            // The same numbers by the plain way: (key - query) in rows and columns, from the middle of the table.
            Node[] picked = [.. from q in Enumerable.Range(0, 6) from k in Enumerable.Range(0, 6)
                select b.Slice(b.Slice(table, 1, k / 3 - q / 3 + 1, 1), 2, k % 3 - q % 3 + 2, 1)];
            Node expected = b.Reshape(b.Concat(0, picked), [1, 6, 6]);
            float[][] values = TestGraphs.Run(b.Build(Batched(b, expected), Batched(b, other)));
            CollectionAssert.AreEqual(values[0], values[1]);
        }
        Assert.AreEqual([1, 6, 6], one.Shape);
    }

    [TestMethod]
    public void ATableForAnotherWindowKeepsItsMiddleAndItsEnds()
    {
        // Window 4 to 7: positions -3 … 3 lie in a geometric progression over -6 … 6.
        float[] rows = [10, 4, 1, 0, 2, 5, 9], table = [.. from y in rows from x in rows select y + 100 * x];
        float[] resized = Values(b => RelPosBias.Resized(7)(b, b.Constant([49, 1], table), [169, 1]), out Shape shape);
        Assert.AreEqual([169, 1], shape);
        Assert.AreEqual(0, resized[6 * 13 + 6]);
        Assert.AreEqual(10 + 100 * 9, resized[12], 1);
        Assert.AreEqual(2 + 100 * 1, resized[7 * 13 + 5], 1e-3);
        for (int i = 0; i < 169; i++)
            Assert.AreEqual(resized[i / 13 * 13 + 6] + resized[6 * 13 + i % 13], resized[i], 1e-3, "the table is a sum of rows and columns, and stays one");
    }

    /// <summary>15 × 15 entries of a window of 8 are as many as the 9 × 25 of one of 5 × 13: they are resized all the same. 5 × 13 entries are no square's.</summary>
    [TestMethod]
    public void ATableOfAsManyEntriesIsResizedWhereItIsASquares()
    {
        float[] table = [.. from y in Enumerable.Range(-7, 15) from x in Enumerable.Range(-7, 15) select y + 100f * x], other = [.. Enumerable.Range(0, 65).Select(i => (float)i)];
        float[] resized = Values(b => RelPosBias.Resized((5, 13))(b, b.Constant([225, 1], table), [225, 1]), out Shape shape);
        Assert.AreEqual([225, 1], shape);
        Assert.AreEqual(0, resized[4 * 25 + 12], 1e-3);
        for (int i = 0; i < 225; i++)
            Assert.AreEqual(resized[i / 25 * 25 + 12] + resized[4 * 25 + i % 25], resized[i], 1e-2, "the table is a sum of rows and columns, and stays one");
        CollectionAssert.AreEqual(other, Values(b => RelPosBias.Resized((3, 7))(b, b.Constant([65, 1], other), [65, 1]), out _));
    }

    [TestMethod]
    public void TablesOfNoSquareAreRefused()
    {
        var b = new GraphBuilder([1]);
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => RelPosBias.Resized(7)(b, b.Constant([48, 1], new float[48]), [169, 1])).Message, "square window for each of 1 heads");
    }

    private static float[] Values(Func<GraphBuilder, Node> layer, out Shape shape)
    {
        var b = new GraphBuilder([1]);
        Node node = layer(b);
        shape = node.Shape;
        return TestGraphs.Run(b.Build(Batched(b, node)), batch: 1)[0];
    }

    private static Node Batched(GraphBuilder b, Node node) => b.Add(b.Reshape(b.Affine(b.Input, 0), [.. Enumerable.Repeat(1, node.Shape.Rank)]), node);
}
