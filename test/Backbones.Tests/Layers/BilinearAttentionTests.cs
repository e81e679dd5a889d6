using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Tests.Graphs;

namespace Backbones.Tests.Layers;

/// <summary>The bilinear transform mixes blocks; timm multiplies with matrices as large as the map. Both are the same.</summary>
[TestClass]
public sealed class BilinearAttentionTests
{
    [TestMethod]
    public void MixingBlocksIsTheProductWithTimmsLargeMatrices()
    {
        const int Channels = 32, Groups = 2, Blocks = 3, H = 6, W = 9, Reduced = 8;
        var b = new GraphBuilder([Channels, H, W]);
        Node result = BilinearAttention.Build(b, "bat", b.Input, Blocks);
        Graph graph = b.Build(result);
        // What the module computes within, by its last product and the two matrices before it.
        Node[] matrices = [.. graph.Nodes.Where(n => n.IsBatched && n.Operator is BinaryOp { Kind: BinaryKind.Divide })];
        Node reduced = graph.Find("bat.conv1"), mixed = graph.Nodes.Last(n => n.Operator is MatMulOp);
        Assert.HasCount(2, matrices);
        float[][] values = TestGraphs.Run(graph.WithOutputs(matrices[0], matrices[1], reduced, mixed), batch: 1);
        (float[] p, float[] q, float[] x) = (values[0], values[1], values[2]);

        var expected = new float[Reduced * H * W];
        (int tall, int wide) = (H / Blocks, W / Blocks);
        for (int c = 0; c < Reduced; c++)
        {
            int group = c / (Reduced / Groups);
            for (int row = 0; row < H; row++)
            {
                for (int column = 0; column < W; column++)
                {
                    double sum = 0;
                    for (int i = 0; i < H; i++)
                    {
                        for (int j = 0; j < W; j++)
                        {
                            double left = row % tall == i % tall ? p[(group * Blocks + row / tall) * Blocks + i / tall] : 0;
                            double right = j % wide == column % wide ? q[(group * Blocks + j / wide) * Blocks + column / wide] : 0;
                            sum += left * x[(c * H + i) * W + j] * right;
                        }
                    }
                    expected[(c * H + row) * W + column] = (float)sum;
                }
            }
        }
        Assert.IsLessThan(1e-6, TestGraphs.Distance(expected, values[3]));
    }

    [TestMethod]
    public void TheMatricesRowsAndColumnsSumToOne()
    {
        var b = new GraphBuilder([32, 8, 8]);
        Graph graph = b.Build(BilinearAttention.Build(b, "bat", b.Input, 4));
        Node[] matrices = [.. graph.Nodes.Where(n => n.IsBatched && n.Operator is BinaryOp { Kind: BinaryKind.Divide })];
        float[][] values = TestGraphs.Run(graph.WithOutputs(matrices), batch: 1);
        for (int g = 0; g < 2; g++)
        {
            for (int i = 0; i < 4; i++)
            {
                Assert.AreEqual(1, Enumerable.Range(0, 4).Sum(j => values[0][(g * 4 + i) * 4 + j]), 1e-5, "a row of P");
                Assert.AreEqual(1, Enumerable.Range(0, 4).Sum(j => values[1][(g * 4 + j) * 4 + i]), 1e-5, "a column of Q");
            }
        }
    }

    [TestMethod]
    public void AMapThatDoesNotDivideIsRefused()
    {
        var b = new GraphBuilder([32, 10, 8]);
        GraphException e = Assert.ThrowsExactly<GraphException>(() => BilinearAttention.Build(b, "bat", b.Input, 4));
        StringAssert.Contains(e.Message, "multiples of 32 · 4");
    }
}
