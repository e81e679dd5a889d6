using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Transforms;

[TestClass]
public sealed class MapKeyToValueTests
{
    private readonly MLContext _mlContext = new(seed: 1);

    private sealed class Row
    {
        public string Text { get; set; } = "";
        public float Number { get; set; }
        [VectorType(2)]
        public string[] Pair { get; set; } = [];
    }

    private static readonly Row[] Rows =
    [
        new() { Text = "x", Number = 7, Pair = ["p", ""] },
        new() { Text = "", Number = float.NaN, Pair = ["q", "p"] },
    ];

    private IDataView Data => _mlContext.Data.LoadFromEnumerable(Rows);

    [TestMethod]
    public void ValuesComeBackAndMissingKeysBecomeMissingValues()
    {
        var pipeline = _mlContext.Transforms.Conversion.MapValueToKey([new("A", "Text"), new("B", "Number"), new("C", "Pair")])
            .Append(_mlContext.Transforms.Conversion.MapKeyToValue([new("A"), new("B"), new("C")]));
        ITransformer transformer = pipeline.Fit(Data);

        foreach (ITransformer each in new[] { transformer, Reload.Transformer(transformer, Data.Schema) })
        {
            IDataView output = each.Transform(Data);
            CollectionAssert.AreEqual(new[] { "x", "" }, output.GetColumn<string>("A").ToArray());
            CollectionAssert.AreEqual(new[] { 7, float.NaN }, output.GetColumn<float>("B").ToArray());
            string[][] pairs = output.GetColumn<string[]>("C").ToArray();
            CollectionAssert.AreEqual(new[] { "p", "" }, pairs[0]);
            CollectionAssert.AreEqual(new[] { "q", "p" }, pairs[1]);
            Assert.AreEqual(TextDataViewType.Instance, output.Schema["A"].Type);
        }
    }

    [TestMethod]
    public void AColumnWithoutKeyValuesIsRefused()
    {
        Assert.ThrowsExactly<InvalidOperationException>(() => _mlContext.Transforms.Conversion.MapKeyToValue("Text").Fit(Data));
    }
}
