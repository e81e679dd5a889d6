using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Transforms;

[TestClass]
public sealed class ConvertTypeTests
{
    private readonly MLContext _mlContext = new(seed: 1);

    private sealed class Row
    {
        public int Int { get; set; }
        public double Double { get; set; }
        public bool Bool { get; set; }
        public string Text { get; set; } = "";
        [VectorType(2)]
        public byte[] Bytes { get; set; } = [];
    }

    private IDataView Data => _mlContext.Data.LoadFromEnumerable(new Row[]
    {
        new() { Int = -3, Double = 0.5, Bool = true, Text = "2.5", Bytes = [1, 255] },
        new() { Int = 4, Double = 1e300, Bool = false, Text = "x", Bytes = [0, 7] },
        new() { Text = "", Bytes = [0, 0] },
    });

    [TestMethod]
    public void NumbersBooleansAndTextBecomeSingle()
    {
        ITransformer transformer = _mlContext.Transforms.Conversion
            .ConvertType([new("Int"), new("Double"), new("Bool"), new("Text"), new("Bytes")]).Fit(Data);

        IDataView output = Reload.Transformer(transformer, Data.Schema).Transform(Data);
        CollectionAssert.AreEqual(new float[] { -3, 4, 0 }, output.GetColumn<float>("Int").ToArray());
        CollectionAssert.AreEqual(new[] { 0.5f, float.PositiveInfinity, 0 }, output.GetColumn<float>("Double").ToArray());
        CollectionAssert.AreEqual(new float[] { 1, 0, 0 }, output.GetColumn<float>("Bool").ToArray());
        CollectionAssert.AreEqual(new[] { 2.5f, float.NaN, 0 }, output.GetColumn<float>("Text").ToArray());
        CollectionAssert.AreEqual(new float[] { 1, 255 }, output.GetColumn<float[]>("Bytes").First());
        Assert.AreEqual(NumberDataViewType.Single, output.Schema["Int"].Type);
        Assert.AreEqual(new VectorDataViewType(NumberDataViewType.Single, 2), output.Schema["Bytes"].Type);
    }

    [TestMethod]
    public void KeysAreNoNumbers()
    {
        IDataView keyed = _mlContext.Transforms.Conversion.MapValueToKey("Text").Fit(Data).Transform(Data);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _mlContext.Transforms.Conversion.ConvertType("Text").Fit(keyed));
    }
}
