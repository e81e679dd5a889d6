using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Tests.Graphs;

namespace Backbones.Tests.Layers;

[TestClass]
public sealed class RotaryEmbeddingTests
{
    private const int Width = 8;

    [TestMethod]
    public void ATurnOfAllTokensIsTimmsOfThePatchesBehindThePrefix()
    {
        foreach (int prefix in (int[])[0, 1, 3])
        {
            AssertSteps((b, grid) => RotaryEmbedding.Axial(b, grid, Width, prefix, 100, reference: 5, offset: 1, columnsFirst: true));
            AssertSteps((b, grid) => RotaryEmbedding.DinoV3(b, grid, Width, prefix, 100));
            AssertSteps((b, grid) => RotaryEmbedding.Mixed(b, grid, Width, prefix, depth: 2, heads: 2, columnsFirst: true)[1]);
        }
    }

    /// <summary>By hand: the pair of channels (a, b) becomes (a cos θ - b sin θ, b cos θ + a sin θ).</summary>
    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    public void PairsAreTurnedByTheAnglesOfRowAndColumn(int distance)
    {
        var b = new GraphBuilder([1, 7, Width]);
        Node turned = RotaryEmbedding.Axial(b, (2, 3), Width, 1, 10000, distance: distance).Turn(b, b.Input);
        float[][] values = TestGraphs.Run(b.Build(b.Input, turned));
        for (int token = 0; token < 7; token++)
        {
            (int row, int column) = token == 0 ? (0, 0) : ((token - 1) / 3, (token - 1) % 3);
            for (int pair = 0; pair < Width / 2; pair++)
            {
                double angle = (pair < 2 ? row : column) / Math.Pow(10000, pair % 2 / 2.0);
                // Neighbours, or the channels of both halves of each half.
                int at = token * Width + (distance == 1 ? 2 * pair : pair / 2 * 4 + pair % 2);
                (double first, double second) = (values[0][at], values[0][at + distance]);
                Assert.AreEqual(first * Math.Cos(angle) - second * Math.Sin(angle), values[1][at], 1e-6, $"token {token}, pair {pair}");
                Assert.AreEqual(second * Math.Cos(angle) + first * Math.Sin(angle), values[1][at + distance], 1e-6, $"token {token}, pair {pair}");
            }
        }
    }

    private static void AssertSteps(Func<GraphBuilder, Size2, RotaryEmbedding> make)
    {
        Size2 grid = (3, 4);
        var b = new GraphBuilder([2, 15, Width]);
        RotaryEmbedding rope = make(b, grid);
        b = new GraphBuilder([2, rope.PrefixTokens + 12, Width]);
        rope = make(b, grid);
        int joins = rope.Distance > 1 ? 0 : 1;
        Node turned = rope.Apply(b, b.Input, ref joins);
        Node steps = b.Build(b.Input).Find("add");
        Node joined = rope.PrefixTokens == 0 ? steps : b.Concat(1, [b.Slice(b.Input, 1, 0, rope.PrefixTokens), steps]);
        float[][] values = TestGraphs.Run(b.Build(joined, turned));
        Assert.IsLessThan(1e-6, TestGraphs.Distance(values[0], values[1]));
    }
}
