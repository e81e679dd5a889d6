using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Transforms;

[TestClass]
public sealed class ConcatenateTests
{
    private readonly MLContext _mlContext = new(seed: 1);

    private sealed class Row
    {
        public float A { get; set; }
        [VectorType(3)]
        public float[] V { get; set; } = [];
        public float B { get; set; }
        public double D { get; set; }
        public string Text { get; set; } = "";
    }

    private static readonly Row[] Rows =
    [
        new() { A = 1, V = [2, 3, 4], B = 5 },
        new() { A = 0, V = [0, 0, 0], B = 6 },
    ];

    private IDataView Data => _mlContext.Data.LoadFromEnumerable(Rows);

    [TestMethod]
    public void ScalarsAndVectorsAreJoinedInTheGivenOrder()
    {
        IDataView output = _mlContext.Transforms.Concatenate("Features", "B", "V", "A").Fit(Data).Transform(Data);

        float[][] rows = output.GetColumn<float[]>("Features").ToArray();
        CollectionAssert.AreEqual(new float[] { 5, 2, 3, 4, 1 }, rows[0]);
        CollectionAssert.AreEqual(new float[] { 6, 0, 0, 0, 0 }, rows[1]);
        Assert.AreEqual(5, ((VectorDataViewType)output.Schema["Features"].Type).Size);
    }

    [TestMethod]
    public void ScalarsGiveTheirNamesToTheSlotsAndNamedVectorsTheirNamesAsPrefix()
    {
        var pipeline = _mlContext.Transforms.Concatenate("AB", "A", "B")
            .Append(_mlContext.Transforms.Concatenate("All", "V", "AB", "A"));
        IDataView output = pipeline.Fit(Data).Transform(Data);

        CollectionAssert.AreEqual(new[] { "A", "B" }, SlotNames(output, "AB"));
        CollectionAssert.AreEqual(new[] { "", "", "", "AB.A", "AB.B", "A" }, SlotNames(output, "All"));
    }

    [TestMethod]
    public void ASingleVectorIsPassedOnAsItIs()
    {
        IDataView output = _mlContext.Transforms.Concatenate("Features", "V").Fit(Data).Transform(Data);

        Assert.AreEqual(Data.Schema["V"].Type, output.Schema["Features"].Type);
        CollectionAssert.AreEqual(new float[] { 2, 3, 4 }, output.GetColumn<float[]>("Features").First());
    }

    [TestMethod]
    public void TheOutputMayReplaceAnInput()
    {
        ITransformer transformer = _mlContext.Transforms.Concatenate("A", "A", "B").Fit(Data);
        IDataView output = Reload.Transformer(transformer, Data.Schema).Transform(Data);

        CollectionAssert.AreEqual(new float[] { 1, 5 }, output.GetColumn<float[]>("A").First());
    }

    [TestMethod]
    public void DifferentItemTypesAreRefused()
    {
        var transformer = _mlContext.Transforms.Concatenate("Features", "A", "D").Fit(Data);
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => transformer.Transform(Data));
        StringAssert.Contains(error.Message, "'D'");
    }

    [TestMethod]
    public void AMissingInputIsNamed()
    {
        var transformer = _mlContext.Transforms.Concatenate("Features", "A", "Nope").Fit(Data);
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => transformer.Transform(Data));
        StringAssert.Contains(error.Message, "Nope");
    }

    private static string[] SlotNames(IDataView data, string column)
    {
        VBuffer<ReadOnlyMemory<char>> names = default;
        data.Schema[column].GetSlotNames(ref names);
        return names.DenseValues().Select(n => n.ToString()).ToArray();
    }
}
