using Microsoft.ML.Data;
using Microsoft.ML.Tests.Data;
using Microsoft.ML.Transforms;

namespace Microsoft.ML.Tests.Pipeline;

[TestClass]
public class ChainTests
{
    private readonly MLContext _ml = new(seed: 1);


    [TestMethod]
    public void ChainTransformsOneAfterTheOther()
    {
        var (a, b) = (new TracingTransformer("A", "Number", 10), new TracingTransformer("B", "A", 100));
        var data = Rows.Load(_ml, 3);
        var model = new TracingEstimator(a).Append(new TracingEstimator(b)).Fit(data);
        Assert.AreSame(b, model.LastTransformer);
        CollectionAssert.AreEqual(new ITransformer[] { a, b }, model.ToArray());
        CollectionAssert.AreEqual(new[] { 110, 111, 112 }, model.Transform(data).GetColumn<int>("B").ToArray());
        Assert.AreEqual("Number,Value,Text,Pair,A,B", string.Join(",", model.GetOutputSchema(data.Schema).Select(c => c.Name)));
    }

    [TestMethod]
    public void EachEstimatorSeesWhatThoseBeforeItMade()
    {
        var second = new TracingEstimator(new TracingTransformer("B", "A", 100));
        new TracingEstimator(new TracingTransformer("A", "Number", 10)).Append(second).Fit(Rows.Load(_ml, 4));
        Assert.IsNotNull(second.FittedSchemas.Single().GetColumnOrNull("A"));
        CollectionAssert.AreEqual(new[] { 4 }, second.FittedRows);
    }

    [TestMethod]
    public void ColumnsNobodyAsksForCostNothing()
    {
        var transformer = new TracingTransformer("A", "Number", 10);
        var data = transformer.Transform(Rows.Load(_ml, 5));
        Assert.AreEqual(5, data.GetColumn<float>("Value").Count());
        Assert.AreEqual(0, transformer.Computed);
        Assert.AreEqual(5, data.GetColumn<int>("A").Count());
        Assert.AreEqual(5, transformer.Computed);
    }

    [TestMethod]
    public void WithoutACacheEveryPassComputesAgain()
    {
        var first = new TracingTransformer("A", "Number", 10);
        var second = new TracingEstimator(new TracingTransformer("B", "A", 1)) { Passes = 3 };
        new TracingEstimator(first) { Passes = 0 }.Append(second).Fit(Rows.Load(_ml, 10));

        // A preview reads every value twice.
        Assert.AreEqual(60, first.Computed);
    }

    [TestMethod]
    public void CacheCheckpointComputesOnce()
    {
        var first = new TracingTransformer("A", "Number", 10);
        var second = new TracingEstimator(new TracingTransformer("B", "A", 1)) { Passes = 3 };
        var model = new TracingEstimator(first) { Passes = 0 }.AppendCacheCheckpoint(_ml).Append(second).Fit(Rows.Load(_ml, 10));
        Assert.AreEqual(10, first.Computed);
        CollectionAssert.AreEqual(new[] { 10, 10, 10 }, second.FittedRows);
        Assert.AreEqual(2, model.Count());
    }

    [TestMethod]
    public void CacheCheckpointNeedsAnEstimatorAndCountsOnce()
    {
        Assert.ThrowsExactly<InvalidOperationException>(() => new EstimatorChain<ITransformer>().AppendCacheCheckpoint(_ml));
        var chain = new TracingEstimator(new TracingTransformer("A", "Number", 10)).AppendCacheCheckpoint(_ml);
        Assert.AreSame(chain, chain.AppendCacheCheckpoint(_ml));
    }

    [TestMethod]
    public void SchemaIsCheckedBeforeAnythingIsFitted()
    {
        var first = new TracingEstimator(new TracingTransformer("A", "Number", 10));
        var chain = first.Append(_ml.Transforms.CustomMapping<Doubled, NumberOnly>((_, _) => { }, null));
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => chain.Fit(Rows.Load(_ml, 3)));
        StringAssert.Contains(error.Message, "'Twice'");
        Assert.AreEqual(0, first.FittedRows.Count);
    }

    [TestMethod]
    public void ScopesLeaveTransformersOut()
    {
        var (a, b) = (new TracingTransformer("A", "Number", 10), new TracingTransformer("B", "Number", 100));
        var data = Rows.Load(_ml, 1);
        var model = new EstimatorChain<ITransformer>().Append(new TracingEstimator(a), TransformerScope.TrainTest).Append(new TracingEstimator(b)).Fit(data);
        Assert.IsNull(model.Transform(data).Schema.GetColumnOrNull("A"));
        Assert.IsNotNull(model.Transform(data, TransformerScope.Everything).Schema.GetColumnOrNull("A"));
        Assert.IsNull(model.GetOutputSchema(data.Schema).GetColumnOrNull("A"));
        Assert.AreEqual(1, model.GetModelFor(TransformerScope.Scoring).Count());
        Assert.AreEqual(2, model.GetModelFor(TransformerScope.Training).Count());
    }

    [TestMethod]
    public void TransformersAreAppendedToo()
    {
        var (a, b) = (new TracingTransformer("A", "Number", 10), new TracingTransformer("B", "A", 100));
        var chain = a.Append(b);
        Assert.AreSame(b, chain.LastTransformer);
        var data = Rows.Load(_ml, 2);
        CollectionAssert.AreEqual(new[] { 110, 111 }, chain.Transform(data).GetColumn<int>("B").ToArray());
        Assert.AreEqual(3, chain.Append(new TracingTransformer("C", "B", 0)).Count());
    }

    [TestMethod]
    public void EmptyChainPassesDataThrough()
    {
        var data = Rows.Load(_ml, 2);
        var chain = new TransformerChain<ITransformer>();
        Assert.IsNull(chain.LastTransformer);
        Assert.AreSame(data, chain.Transform(data));
        Assert.AreSame(data.Schema, chain.GetOutputSchema(data.Schema));
        Assert.ThrowsExactly<InvalidOperationException>(() => new TransformerChain<CustomMappingTransformer<NumberOnly, Doubled>>(new TracingTransformer("A", "Number", 1)));
    }

    [TestMethod]
    public void MapperOfAChainComputesWhatIsAskedFor()
    {
        var (a, b) = (new TracingTransformer("A", "Number", 10), new TracingTransformer("B", "A", 100));
        ITransformer chain = a.Append(b);
        Assert.IsTrue(chain.IsRowToRowMapper);
        var data = Rows.Load(_ml, 3);
        var mapper = chain.GetRowToRowMapper(data.Schema);
        Assert.AreSame(data.Schema, mapper.InputSchema);
        CollectionAssert.AreEqual(new[] { "Number" }, mapper.GetDependencies([mapper.OutputSchema["B"]]).Select(c => c.Name).ToArray());
        CollectionAssert.AreEqual(new[] { "Text" }, mapper.GetDependencies([mapper.OutputSchema["Text"]]).Select(c => c.Name).ToArray());

        using var cursor = data.GetRowCursor([data.Schema["Number"]]);
        using var row = mapper.GetRow(cursor, [mapper.OutputSchema["B"]]);
        Assert.AreSame(mapper.OutputSchema, row.Schema);
        var get = row.GetGetter<int>(row.Schema["B"]);
        var values = new List<int>();
        int value = 0;
        while (cursor.MoveNext())
        {
            Assert.AreEqual(cursor.Position, row.Position);
            get(ref value);
            values.Add(value);
        }
        CollectionAssert.AreEqual(new[] { 110, 111, 112 }, values);
    }

    [TestMethod]
    public void ChainIsAMapperOnlyIfAllItsPartsAre()
    {
        ITransformer chain = new TracingTransformer("A", "Number", 10).Append(new TracingTransformer("B", "A", 1) { IsRowToRowMapper = false });
        Assert.IsFalse(chain.IsRowToRowMapper);
        Assert.ThrowsExactly<InvalidOperationException>(() => chain.GetRowToRowMapper(Rows.Load(_ml, 1).Schema));
    }

    [TestMethod]
    public void MapperTakesRowsOfItsOwnSchemaOnly()
    {
        ITransformer chain = new TracingTransformer("A", "Number", 10).Append(new TracingTransformer("B", "A", 1));
        var mapper = chain.GetRowToRowMapper(Rows.Load(_ml, 1).Schema);
        var other = Rows.Load(_ml, 1);
        using var cursor = other.GetRowCursor(other.Schema);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => mapper.GetRow(cursor, [mapper.OutputSchema["B"]]));
    }

    [TestMethod]
    public void DisposingAChainDisposesItsPartsOnce()
    {
        var (a, b) = (new TracingTransformer("A", "Number", 10), new TracingTransformer("B", "A", 100));
        var chain = a.Append(b);
        chain.Dispose();
        chain.Dispose();
        Assert.AreEqual((1, 1), (a.Disposals, b.Disposals));
    }

    [TestMethod]
    public void FittedTransformerIsHandedToTheDelegate()
    {
        TracingTransformer? fitted = null;
        var transformer = new TracingTransformer("A", "Number", 10);
        new TracingEstimator(transformer).WithOnFitDelegate(t => fitted = t).Append(new TracingEstimator(new TracingTransformer("B", "A", 1))).Fit(Rows.Load(_ml, 1));
        Assert.AreSame(transformer, fitted);
    }

    [TestMethod]
    public void HidingColumnComesRightAfterTheHiddenOne()
    {
        var data = Rows.Load(_ml, 2);
        var mapped = _ml.Transforms.CustomMapping<NumberOnly, NumberAndMore>((s, d) => (d.Value, d.New) = (s.Number + 0.25f, s.Number), null).Fit(data).Transform(data);
        Assert.AreEqual("Number,Value,Value,Text,Pair,New", string.Join(",", mapped.Schema.Select(c => c.Name)));
        CollectionAssert.AreEqual(new[] { false, true, false, false, false, false }, mapped.Schema.Select(c => c.IsHidden).ToArray());
        CollectionAssert.AreEqual(new[] { 0.25f, 1.25f }, mapped.GetColumn<float>("Value").ToArray());
        CollectionAssert.AreEqual(new[] { 0f, 0.5f }, mapped.GetColumn<float>(mapped.Schema[1]).ToArray());
    }

    [TestMethod]
    public void ErrorInAMappingReachesTheReader()
    {
        var data = Rows.Load(_ml, 1000);
        var mapped = _ml.Transforms.CustomMapping<NumberOnly, Doubled>((s, d) => d.Twice = s.Number < 500 ? 2 * s.Number : throw new FormatException("row 500 is bad"), null).Fit(data).Transform(data);
        var error = Assert.ThrowsExactly<InvalidOperationException>(() => mapped.GetColumn<int>("Twice").Count());
        Assert.AreEqual("row 500 is bad", error.InnerException!.Message);
    }

    [TestMethod]
    public void MappingOfManyRowsKeepsTheirOrder()
    {
        var data = Rows.Load(_ml, 20000);
        var mapped = _ml.Transforms.CustomMapping<NumberOnly, Doubled>((s, d) => d.Twice = 2 * s.Number, null).Fit(data).Transform(data);
        CollectionAssert.AreEqual(Enumerable.Range(0, 20000).Select(i => 2 * i).ToArray(), mapped.GetColumn<int>("Twice").ToArray());
    }

    private sealed class NumberAndMore
    {
        public float Value { get; set; }

        public int New { get; set; }
    }
}
