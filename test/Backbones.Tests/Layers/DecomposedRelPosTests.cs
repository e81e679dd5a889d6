using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Tests.Graphs;

namespace Backbones.Tests.Layers;

[TestClass]
public sealed class DecomposedRelPosTests
{
    /// <summary>The terms as channels of queries and keys give what biases for all pairs do.</summary>
    [TestMethod]
    public void TermsAsChannelsAreTheBiases()
    {
        Size2 grid = (3, 5);
        var b = new GraphBuilder([2, 2, 15, 4]);
        Node k = b.Affine(b.Input, 0.5f, 0.1f), v = b.Affine(b.Input, -1, 1);
        Node attended = DecomposedRelPos.Attend(b, b.Input, k, v, grid, DecomposedRelPos.Places(b, 2, 2, grid));
        Node expected = b.MatMul(b.Build(b.Input).Find("softmax"), v);
        float[][] values = TestGraphs.Run(b.Build(expected, attended));
        Assert.IsLessThan(1e-6, TestGraphs.Distance(values[0], values[1]));
    }

    [TestMethod]
    public void TablesForOtherDistancesAreInterpolatedLinearly()
    {
        var b = new GraphBuilder([1]);
        Node resized = DecomposedRelPos.Resized(b, b.Constant([3, 2], [0, 10, 3, 40, 6, 70]), [5, 2]);
        float[] values = TestGraphs.Run(b.Build(b.Add(b.Reshape(b.Affine(b.Input, 0), [1, 1]), resized)))[0];
        // Positions (i + 1/2) · 3/5 - 1/2: -0.2 (held at 0), 0.4, 1, 1.6, 2.2 (held at 2).
        float[] expected = [0, 10, 1.2f, 22, 3, 40, 4.8f, 58, 6, 70];
        for (int i = 0; i < expected.Length; i++)
            Assert.AreEqual(expected[i], values[i], 1e-4f, $"element {i}");
    }
}
