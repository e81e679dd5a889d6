using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Tests.Support;

namespace Microsoft.ML.TimmFeatures.Tests.Cursors;

[TestClass]
public sealed class BatchingTests
{
    private readonly MLContext _context = new(seed: 1);

    [TestMethod]
    public void One_forward_runs_per_batch_however_many_columns_are_active()
    {
        CountingEngine engine = CountingEngine.Create(out string device);
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(20));
        using FeaturizerTransformer transformer = _context.Transforms.TimmPyramid("Map", "Tensor", Tiny.Options with { Device = device, BatchSize = 8 }).Fit(data);
        IDataView view = transformer.Transform(data);
        string[] columns = [.. view.Schema.Select(c => c.Name).Where(n => n.StartsWith("Map_"))];
        Assert.HasCount(5, columns);

        Assert.HasCount(20, Tiny.Read(view, null, columns));
        CollectionAssert.AreEqual(new[] { 8, 8, 4 }, engine.Batches);
        Assert.HasCount(1, engine.Compiled);
    }

    [TestMethod]
    public void Only_the_part_of_the_graph_that_active_columns_need_is_computed()
    {
        CountingEngine engine = CountingEngine.Create(out string device);
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(3));
        using FeaturizerTransformer transformer = _context.Transforms.TimmPyramid("Map", "Tensor", Tiny.Options with { Device = device }).Fit(data);
        IDataView view = transformer.Transform(data);

        float[] alone = Tiny.Read(view, null, "Map_1")[2].Floats("Map_1");
        Tiny.Read(view, null, "Map_4");
        float[] together = Tiny.Read(view, null, "Map_1", "Map_4")[2].Floats("Map_1");
        Tiny.Read(view, null, "Map_1");

        CollectionAssert.AreEqual(new[] { 1, 1, 2 }, engine.Compiled.Select(o => o.Length).ToArray());
        Assert.IsLessThan(engine.NodeCounts[1], engine.NodeCounts[0]);
        RowValues.AssertNear(alone, together, "Map_1");
    }

    [TestMethod]
    public void Without_active_feature_columns_nothing_is_read_ahead_compiled_or_run()
    {
        CountingEngine engine = CountingEngine.Create(out string device);
        int read = 0;
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(30).Select(r => { read++; return r; }));
        using FeaturizerTransformer transformer = _context.Transforms.TimmFeatures("Features", "Tensor", Tiny.Options with { Device = device }).Fit(data);
        IDataView view = transformer.Transform(data);
        DataViewSchema schema = transformer.GetOutputSchema(data.Schema);
        Assert.AreEqual("Features", schema[^1].Name);
        Assert.AreEqual(0, read);

        DataViewSchema.Column number = view.Schema["Number"];
        using (DataViewRowCursor cursor = view.GetRowCursor([number]))
        {
            Assert.IsTrue(cursor.MoveNext());
            Assert.AreEqual(1, read);
            Assert.IsTrue(cursor.IsColumnActive(number));
            Assert.IsFalse(cursor.IsColumnActive(view.Schema["Features"]));
            Assert.ThrowsExactly<InvalidOperationException>(() => cursor.GetGetter<VBuffer<float>>(view.Schema["Features"]));
        }
        Assert.IsEmpty(engine.Compiled);
        Assert.IsEmpty(engine.Batches);
    }

    [TestMethod]
    public void At_most_two_batches_are_read_ahead()
    {
        int read = 0;
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(100).Select(r => { Interlocked.Increment(ref read); return r; }));
        using FeaturizerTransformer transformer = _context.Transforms.TimmFeatures("Features", "Tensor", Tiny.Options with { BatchSize = 5 }).Fit(data);
        IDataView view = transformer.Transform(data);
        using DataViewRowCursor cursor = view.GetRowCursor([view.Schema["Features"]]);
        Assert.AreEqual(0, read);
        for (int consumed = 1; consumed <= 20; consumed++)
        {
            Assert.IsTrue(cursor.MoveNext());
            Thread.Sleep(2);
            int begun = (consumed + 4) / 5;
            Assert.IsLessThanOrEqualTo((begun + 1) * 5, Volatile.Read(ref read));
        }
    }

    [TestMethod]
    public void A_cursor_is_on_no_row_before_the_first_and_after_the_last()
    {
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(3));
        using FeaturizerTransformer transformer = _context.Transforms.TimmFeatures("Features", "Tensor", Tiny.Options with { BatchSize = 2 }).Fit(data);
        IDataView view = transformer.Transform(data);
        using DataViewRowCursor cursor = view.GetRowCursor(view.Schema);
        ValueGetter<VBuffer<float>> features = cursor.GetGetter<VBuffer<float>>(view.Schema["Features"]);
        ValueGetter<int> number = cursor.GetGetter<int>(view.Schema["Number"]);
        ValueGetter<DataViewRowId> id = cursor.GetIdGetter();
        AssertOffRow();
        for (int i = 0; i < 3; i++)
        {
            Assert.IsTrue(cursor.MoveNext());
            Assert.AreEqual(i, cursor.Position);
            Assert.AreEqual(0, cursor.Batch);
        }
        Assert.IsFalse(cursor.MoveNext());
        Assert.IsFalse(cursor.MoveNext());
        AssertOffRow();

        void AssertOffRow()
        {
            Assert.AreEqual(-1, cursor.Position);
            VBuffer<float> values = default;
            int value = 0;
            DataViewRowId rowId = default;
            Assert.ThrowsExactly<InvalidOperationException>(() => features(ref values));
            Assert.ThrowsExactly<InvalidOperationException>(() => number(ref value));
            Assert.ThrowsExactly<InvalidOperationException>(() => id(ref rowId));
        }
    }

    [TestMethod]
    public void Getters_of_another_type_or_of_another_schema_are_refused()
    {
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(1));
        using FeaturizerTransformer transformer = _context.Transforms.TimmFeatures("Features", "Tensor", Tiny.Options).Fit(data);
        IDataView view = transformer.Transform(data);
        DataViewSchema.Column features = view.Schema["Features"];
        using DataViewRowCursor cursor = view.GetRowCursor([features]);
        StringAssert.Contains(Assert.ThrowsExactly<InvalidOperationException>(() => cursor.GetGetter<float>(features)).Message, "Features");
        StringAssert.Contains(Assert.ThrowsExactly<InvalidOperationException>(() => cursor.GetGetter<int>(view.Schema["Number"])).Message, "not active");
        var other = new DataViewSchema.Builder();
        other.AddColumn("Elsewhere", NumberDataViewType.Single);
        Assert.ThrowsExactly<ArgumentException>(() => view.GetRowCursor(other.ToSchema()));
        Assert.ThrowsExactly<ArgumentException>(() => cursor.IsColumnActive(other.ToSchema()[0]));
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    [DataRow(5)]
    public void A_batch_may_be_larger_than_the_view(int rows)
    {
        CountingEngine engine = CountingEngine.Create(out string device);
        IDataView data = _context.Data.LoadFromEnumerable([.. TinyRow.Many(rows)]);
        using FeaturizerTransformer transformer = _context.Transforms.TimmFeatures("Features", "Tensor", Tiny.Options with { Device = device, BatchSize = 1000 }).Fit(data);
        IDataView view = transformer.Transform(data);
        for (int pass = 0; pass < 2; pass++)
            Assert.HasCount(rows, Tiny.Read(view, null, "Features", "Text"));
        Assert.AreEqual(rows == 0 ? 0 : 2, engine.Batches.Count);
        Assert.AreEqual(data.GetRowCount(), view.GetRowCount());
    }

    [TestMethod]
    public void A_failing_source_gives_its_good_rows_first()
    {
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(100).Select(r => r.Number < 7 ? r : throw new TimeoutException("the source is gone")));
        using FeaturizerTransformer transformer = _context.Transforms.TimmFeatures("Features", "Tensor", Tiny.Options with { BatchSize = 4 }).Fit(data);
        IDataView view = transformer.Transform(data);
        using DataViewRowCursor cursor = view.GetRowCursor([view.Schema["Features"]]);
        for (int i = 0; i < 7; i++)
            Assert.IsTrue(cursor.MoveNext(), $"row {i}");
        StringAssert.Contains(Assert.Throws<Exception>(() => cursor.MoveNext()).ToString(), "the source is gone");
        Assert.IsFalse(cursor.MoveNext());
        Assert.AreEqual(-1, cursor.Position);
    }

    [TestMethod]
    public void Images_that_pass_through_are_the_consumers_own()
    {
        IDataView data = _context.Data.LoadFromEnumerable([.. TinyRow.Many(6)]);
        using FeaturizerTransformer transformer = _context.Transforms.TimmFeatures("Features", "Image", Tiny.Options with { BatchSize = 4 }).Fit(data);
        IDataView view = transformer.Transform(data);
        for (int pass = 0; pass < 2; pass++)
        {
            using DataViewRowCursor cursor = view.GetRowCursor(view.Schema);
            ValueGetter<MLImage> getter = cursor.GetGetter<MLImage>(view.Schema["Image"]);
            while (cursor.MoveNext())
            {
                MLImage first = null!, second = null!;
                getter(ref first);
                first.Dispose();
                getter(ref second);
                Assert.AreEqual(8 + cursor.Position % 5, second.Width);
                MLImage before = second;
                getter(ref second);
                Assert.AreNotSame(before, second);
                Assert.ThrowsExactly<InvalidOperationException>(() => _ = before.Width, "the old value is disposed, as ML.NET's loader does");
                second.Dispose();
            }
        }
    }

    [TestMethod]
    public void Several_images_per_row_share_the_backbone()
    {
        CountingEngine engine = CountingEngine.Create(out string device);
        IDataView data = _context.Data.LoadFromEnumerable([.. TinyRow.Many(5)]);
        FeaturizerOptions options = Tiny.Options with { Device = device };
        using var transformer = _context.Transforms.TimmFeatures("A", "Image", options).Append(_context.Transforms.TimmFeatures("B", "Tensor", options)).Fit(data);
        using FeaturizerTransformer single = _context.Transforms.TimmFeatures("B", "Tensor", Tiny.Options).Fit(data);
        List<RowValues> both = Tiny.Read(transformer.Transform(data), null, "A", "B");
        List<RowValues> alone = Tiny.Read(single.Transform(data), null, "B");
        for (int i = 0; i < 5; i++)
            RowValues.AssertNear(alone[i].Floats("B"), both[i].Floats("B"), "B");
        Assert.HasCount(1, engine.Compiled);
        engine.Batches.Clear();
        Tiny.Read(transformer.Transform(data), null, "A");
        Assert.HasCount(1, engine.Batches);
    }
}
