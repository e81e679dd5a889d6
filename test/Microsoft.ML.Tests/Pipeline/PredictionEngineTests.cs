using Microsoft.ML.Data;
using Microsoft.ML.Tests.Data;

namespace Microsoft.ML.Tests.Pipeline;

[TestClass]
public class PredictionEngineTests
{
    private readonly MLContext _ml = new(seed: 1);

    private sealed class Prediction
    {
        public int A { get; set; }

        public string Text { get; set; } = "";

        public float[]? Pair { get; set; }
    }

    [TestMethod]
    public void PredictsOneObjectAfterTheOther()
    {
        using var engine = _ml.Model.CreatePredictionEngine<NumberedRow, Prediction>(new TracingTransformer("A", "Number", 10));
        for (int i = 0; i < 3; i++)
        {
            var prediction = engine.Predict(NumberedRow.Create(i));
            Assert.AreEqual(10 + i, prediction.A);
            Assert.AreEqual($"row {i}", prediction.Text);
            CollectionAssert.AreEqual(new float[] { i, -i }, prediction.Pair);
        }
        Assert.AreEqual("Number,Value,Text,Pair,A", string.Join(",", engine.OutputSchema.Select(c => c.Name)));
    }

    [TestMethod]
    public void PredictionObjectIsReused()
    {
        using var engine = _ml.Model.CreatePredictionEngine<NumberedRow, Prediction>(new TracingTransformer("A", "Number", 10));
        var prediction = new Prediction();
        var same = prediction;
        engine.Predict(NumberedRow.Create(1), ref prediction);
        var pair = prediction.Pair;
        engine.Predict(NumberedRow.Create(2), ref prediction);
        Assert.AreSame(same, prediction);
        Assert.AreSame(pair, prediction.Pair);
        Prediction? none = null;
        engine.Predict(NumberedRow.Create(3), ref none!);
        Assert.AreEqual(13, none.A);
        Assert.ThrowsExactly<ArgumentNullException>(() => engine.Predict(null!));
    }

    [TestMethod]
    public void MissingColumnsAreIgnoredUnlessAskedFor()
    {
        var transformer = new TracingTransformer("Other", "Number", 10);
        using (var engine = _ml.Model.CreatePredictionEngine<NumberedRow, Prediction>(transformer))
            Assert.AreEqual(0, engine.Predict(NumberedRow.Create(1)).A);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Model.CreatePredictionEngine<NumberedRow, Prediction>(transformer, ignoreMissingColumns: false));
        var options = new PredictionEngineOptions { IgnoreMissingColumns = false };
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Model.CreatePredictionEngine<NumberedRow, Prediction>(transformer, options));
    }

    [TestMethod]
    public void TransformerMustBeARowToRowMapper()
    {
        var transformer = new TracingTransformer("A", "Number", 10) { IsRowToRowMapper = false };
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Model.CreatePredictionEngine<NumberedRow, Prediction>(transformer)).Message, "row to row mapper");
        Assert.ThrowsExactly<ArgumentNullException>(() => _ml.Model.CreatePredictionEngine<NumberedRow, Prediction>(null!));
    }

    [TestMethod]
    public void DisposingTheEngineDisposesTheTransformerOnce()
    {
        var transformer = new TracingTransformer("A", "Number", 10);
        var engine = _ml.Model.CreatePredictionEngine<NumberedRow, Prediction>(transformer);
        engine.Dispose();
        engine.Dispose();
        Assert.AreEqual(1, transformer.Disposals);
        Assert.AreEqual(0, transformer.RowDisposals);
    }

    [TestMethod]
    public void TransformerThatIsNotOwnedStays()
    {
        var transformer = new TracingTransformer("A", "Number", 10);
        _ml.Model.CreatePredictionEngine<NumberedRow, Prediction>(transformer, new PredictionEngineOptions { OwnsTransformer = false }).Dispose();
        Assert.AreEqual(0, transformer.Disposals);
    }

    [TestMethod]
    public void InputTakesOnASchema()
    {
        var definition = SchemaDefinition.Create(typeof(NumberedRow));
        definition["Pair"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, 1, 2);
        var schema = _ml.Data.LoadFromEnumerable([NumberedRow.Create(0)], definition).Schema;
        using var engine = _ml.Model.CreatePredictionEngine<NumberedRow, NumberOnly>(new TracingTransformer("A", "Number", 10), schema);
        Assert.AreEqual(schema["Pair"].Type, engine.OutputSchema["Pair"].Type);
    }

    [TestMethod]
    public void DefinitionsRenameColumns()
    {
        var input = SchemaDefinition.Create(typeof(NumberedRow));
        input["Number"].ColumnName = "Count";
        var output = SchemaDefinition.Create(typeof(Prediction));
        output["A"].ColumnName = "Sum";
        using var engine = _ml.Model.CreatePredictionEngine<NumberedRow, Prediction>(new TracingTransformer("Sum", "Count", 10), inputSchemaDefinition: input, outputSchemaDefinition: output);
        Assert.AreEqual(15, engine.Predict(NumberedRow.Create(5)).A);
    }

    [TestMethod]
    public void MappingRunsOnceAPrediction()
    {
        int calls = 0;
        var model = _ml.Transforms.CustomMapping<NumberOnly, TwoColumns>((s, d) =>
        {
            calls++;
            (d.One, d.Two) = (s.Number, 2 * s.Number);
        }, null).Fit(Rows.Load(_ml, 1));
        using var engine = _ml.Model.CreatePredictionEngine<NumberedRow, TwoColumns>(model);
        Assert.AreEqual(6, engine.Predict(NumberedRow.Create(3)).Two);
        Assert.AreEqual(4, engine.Predict(NumberedRow.Create(4)).One);
        Assert.AreEqual(2, calls);
    }

    private sealed class TwoColumns
    {
        public int One { get; set; }

        public int Two { get; set; }
    }
}
