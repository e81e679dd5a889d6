using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Transforms;

[TestClass]
public sealed class ColumnSelectionTests
{
    private readonly MLContext _mlContext = new(seed: 1);

    private sealed class Row
    {
        public float A { get; set; }
        public string B { get; set; } = "";
        public int C { get; set; }
    }

    private IDataView Data => _mlContext.Data.LoadFromEnumerable(new Row[] { new() { A = 1, B = "x", C = 3 }, new() { A = 2, B = "y", C = 4 } });

    [TestMethod]
    public void SelectedColumnsComeInTheGivenOrder()
    {
        ITransformer transformer = _mlContext.Transforms.SelectColumns("C", "A").Fit(Data);
        IDataView output = Reload.Transformer(transformer, Data.Schema).Transform(Data);

        CollectionAssert.AreEqual(new[] { "C", "A" }, output.Schema.Select(c => c.Name).ToArray());
        CollectionAssert.AreEqual(new[] { 3, 4 }, output.GetColumn<int>("C").ToArray());
        CollectionAssert.AreEqual(new float[] { 1, 2 }, output.GetColumn<float>("A").ToArray());
    }

    [TestMethod]
    public void DroppedColumnsAreGoneAndTheOthersKeepTheirOrder()
    {
        ITransformer transformer = _mlContext.Transforms.DropColumns("B").Fit(Data);
        IDataView output = Reload.Transformer(transformer, Data.Schema).Transform(Data);

        CollectionAssert.AreEqual(new[] { "A", "C" }, output.Schema.Select(c => c.Name).ToArray());
        CollectionAssert.AreEqual(new[] { 3, 4 }, output.GetColumn<int>("C").ToArray());
    }

    [TestMethod]
    public void HiddenColumnsAreKeptOnRequestOnly()
    {
        IDataView twice = _mlContext.Transforms.CopyColumns("A", "C").Fit(Data).Transform(Data);

        IDataView visible = _mlContext.Transforms.SelectColumns("A").Fit(twice).Transform(twice);
        IDataView all = _mlContext.Transforms.SelectColumns(["A"], keepHidden: true).Fit(twice).Transform(twice);
        Assert.AreEqual(1, visible.Schema.Count);
        Assert.AreEqual(NumberDataViewType.Int32, visible.Schema["A"].Type);
        Assert.AreEqual(2, all.Schema.Count);
        Assert.IsTrue(all.Schema[0].IsHidden);
    }

    [TestMethod]
    public void AnUnknownColumnIsNamed()
    {
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _mlContext.Transforms.SelectColumns("A", "Nope").Fit(Data));
        StringAssert.Contains(error.Message, "Nope");
    }

    [TestMethod]
    public void ACopyHasTheValuesTypeAndAnnotationsOfItsSource()
    {
        IDataView keys = _mlContext.Transforms.Conversion.MapValueToKey("B").Fit(Data).Transform(Data);
        ITransformer transformer = _mlContext.Transforms.CopyColumns("Copy", "B").Fit(keys);
        IDataView output = Reload.Transformer(transformer, keys.Schema).Transform(keys);

        CollectionAssert.AreEqual(new uint[] { 1, 2 }, output.GetColumn<uint>("Copy").ToArray());
        Assert.AreEqual(keys.Schema["B"].Type, output.Schema["Copy"].Type);
        VBuffer<ReadOnlyMemory<char>> values = default;
        output.Schema["Copy"].GetKeyValues(ref values);
        CollectionAssert.AreEqual(new[] { "x", "y" }, values.DenseValues().Select(v => v.ToString()).ToArray());
    }

    [TestMethod]
    public void CopyingAnUnknownColumnIsRefused()
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _mlContext.Transforms.CopyColumns("Copy", "Nope").Fit(Data));
    }

    [TestMethod]
    public void SelectionWorksInAPredictionEngine()
    {
        var pipeline = _mlContext.Transforms.CopyColumns("D", "A").Append(_mlContext.Transforms.SelectColumns("D", "C"));
        using var engine = _mlContext.Model.CreatePredictionEngine<Row, Selected>(pipeline.Fit(Data));

        Selected selected = engine.Predict(new Row { A = 9, C = 8 });
        Assert.AreEqual(9, selected.D);
        Assert.AreEqual(8, selected.C);
    }

    private sealed class Selected
    {
        public float D { get; set; }
        public int C { get; set; }
    }
}
