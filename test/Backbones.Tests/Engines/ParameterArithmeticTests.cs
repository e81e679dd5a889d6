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

    /// <summary>Weights that are only packed stay where they are stored, with the factors of their rows beside them; what anything else reads is computed.</summary>
    [TestMethod]
    public void WeightsOfConvolutionsAndLinearLayersAreLeftToTheirPacking()
    {
        var b = new GraphBuilder([4, 4, 4]);
        Node factors = b.Parameter("factors", [4, 1, 1, 1]), plain = b.Parameter("plain", [4, 4, 1, 1]), read = b.Parameter("read", [4, 4, 1, 1]), scaled = b.Multiply(b.Parameter("scaled", [4, 4, 1, 1]), factors);
        Node x = Convolve(b, Convolve(b, Convolve(b, b.Input, plain, 1), scaled, 1), read, 1);
        Graph graph = b.Build(b.Add(x, b.Reshape(read, [4, 4, 1])), scaled);
        ParameterStore store = ParameterStore.FromRecipe(graph.Parameters, 1);
        var weights = new Dictionary<Node, RowScaled>();
        IReadOnlyDictionary<Node, DenseTensor> others = ParameterArithmetic.Evaluate(graph, store, weights);
        CollectionAssert.AreEqual((Node[])[plain], weights.Keys.ToArray());
        Assert.IsTrue(others.ContainsKey(read) && others.ContainsKey(scaled));

        // The output was what else read it.
        b = new GraphBuilder([4, 4, 4]);
        scaled = b.Multiply(b.Parameter("scaled", [4, 4, 1, 1]), b.Parameter("factors", [4, 1, 1, 1]));
        graph = b.Build(Convolve(b, b.Input, scaled, 1));
        weights.Clear();
        Assert.IsFalse(ParameterArithmetic.Evaluate(graph, store, weights).ContainsKey(scaled));
        CollectionAssert.AreEqual(ParameterArithmetic.Evaluate(graph, store)[scaled].Data, weights[scaled].ToArray());
    }

    /// <summary>Factors of rows reach every kernel's packing: all groups, and two convolutions with the same filters by other factors, which Winograd's transformed weights must not be shared for.</summary>
    [TestMethod]
    [DataRow(64, 3, 1)]
    [DataRow(64, 3, 2)]
    [DataRow(64, 3, 16)]
    [DataRow(64, 3, 64)]
    [DataRow(33, 1, 1)]
    [DataRow(20, 5, 1)]
    public void ScaledFiltersMatchReference(int channels, int kernel, int groups)
    {
        var b = new GraphBuilder([channels, 12, 11]);
        Node filters = b.Parameter("filters", [channels, channels / groups, kernel, kernel]);
        Node x = Convolve(b, b.Input, b.Multiply(filters, b.Parameter("first", [channels, 1, 1, 1])), groups);
        Node y = Convolve(b, b.Input, b.Multiply(filters, b.Parameter("second", [channels, 1, 1, 1])), groups);
        EngineComparison.Check(b.Build(x, y, Convolve(b, b.Input, filters, groups)), tolerance: 1e-5);
    }

    private static Node Convolve(GraphBuilder b, Node x, Node weight, int groups) => b.Conv2d("conv", x, weight, null, 1, weight.Shape[2] / 2, 1, groups);
}
