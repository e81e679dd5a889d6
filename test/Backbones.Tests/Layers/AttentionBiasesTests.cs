using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Tests.Graphs;

namespace Backbones.Tests.Layers;

[TestClass]
public sealed class AttentionBiasesTests
{
    [TestMethod]
    public void EachDistanceHasANumberWhateverTheDirection() => AssertEntries(2, 1, [0, 1, 2, 3, 1, 0, 3, 2, 2, 3, 0, 1, 3, 2, 1, 0]);

    [TestMethod]
    public void QueriesMayBeEverySecondRowAndColumn() => AssertEntries(3, 2,
    [
        0, 1, 2, 3, 4, 5, 6, 7, 8,
        2, 1, 0, 5, 4, 3, 8, 7, 6,
        6, 7, 8, 3, 4, 5, 0, 1, 2,
        8, 7, 6, 5, 4, 3, 2, 1, 0,
    ]);

    private static void AssertEntries(int size, int stride, int[] entries)
    {
        int keys = size * size;
        var b = new GraphBuilder([2, entries.Length / keys, keys]);
        Node biases = AttentionBiases.Build(b, 2, size, stride);
        Node expected = b.Reshape(b.Gather(b.Parameter("attention_biases", [2, keys]), 1, entries), b.Input.Shape);
        float[][] values = TestGraphs.Run(b.Build(b.Add(b.Input, biases), b.Add(b.Input, expected)));
        CollectionAssert.AreEqual(values[1], values[0]);
    }
}
