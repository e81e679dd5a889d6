using Backbones.Engines;
using Backbones.Graphs;
using Backbones.Weights;

namespace Backbones.Tests.Engines;

[TestClass]
public sealed class ParameterArithmeticTests
{
    /// <summary>Rows by factors have a loop of their own; every other product is the reference kernel's.</summary>
    [TestMethod]
    [DataRow(new[] { 5, 3, 3, 3 }, new[] { 5, 1, 1, 1 })]
    [DataRow(new[] { 7, 40 }, new[] { 7, 1 })]
    [DataRow(new[] { 6 }, new[] { 6 })]
    [DataRow(new[] { 4, 4 }, new[] { 1, 4 })]
    [DataRow(new[] { 4, 4 }, new[] { 4 })]
    public void ProductsOfParametersAreThoseOfTheirElements(int[] weights, int[] factors)
    {
        var b = new GraphBuilder([.. weights]);
        Node w = b.Parameter("w", [.. weights]), f = b.Parameter("f", [.. factors]);
        Node product = b.Multiply(w, f);
        Graph graph = b.Build(b.Add(b.Input, product));
        ParameterStore store = ParameterStore.FromRecipe(graph.Parameters, 1);
        float[] left = store["w"].ToArray(), right = store["f"].ToArray();
        float[] actual = ParameterArithmetic.Evaluate(graph, store).Values.Single(v => v.Shape == product.Shape && v.Data.Length == left.Length).Data;
        int inner = factors.Length == weights.Length && factors[0] == weights[0] ? left.Length / weights[0] : 1;
        for (int i = 0; i < left.Length; i++)
            Assert.AreEqual(left[i] * right[i / inner % right.Length], actual[i]);
    }
}
