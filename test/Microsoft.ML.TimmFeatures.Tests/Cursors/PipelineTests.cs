using System.Collections.Concurrent;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Tests.Support;
using Microsoft.ML.Trainers;

namespace Microsoft.ML.TimmFeatures.Tests.Cursors;

/// <summary>A featurized view in the hands of ML.NET: its caches, splits, trainers and their threads, and upstream code that fails.</summary>
[TestClass]
public sealed class PipelineTests
{
    private readonly MLContext _context = new(seed: 1);

    [TestMethod]
    public void A_cursor_set_over_a_cache_has_several_cursors_that_run_at_once()
    {
        var running = new Barrier(2);
        bool met = false;
        CountingEngine engine = CountingEngine.Create(out string device);
        engine.OnRun = () =>
        {
            if (!Volatile.Read(ref met) && running.SignalAndWait(TimeSpan.FromSeconds(5)))
                Volatile.Write(ref met, true);
        };
        IDataView cached = _context.Data.Cache(_context.Data.LoadFromEnumerable(TinyRow.Many(400)), nameof(TinyRow.Number), nameof(TinyRow.Tensor));
        Assert.HasCount(400, cached.GetColumn<int>(nameof(TinyRow.Number)).ToArray());
        using FeaturizerTransformer transformer = Fit(cached, Tiny.Options with { BatchSize = 50, Device = device });
        IDataView view = transformer.Transform(cached);
        DataViewSchema.Column[] columns = [view.Schema["Number"], view.Schema["F"]];
        DataViewRowCursor[] cursors = view.GetRowCursorSet(columns, 2);
        Assert.HasCount(2, cursors);
        Task<List<RowValues>>[] readers = [.. cursors.Select(c => Task.Factory.StartNew(() => Read(c, columns), TaskCreationOptions.LongRunning))];
        Task.WaitAll(readers);
        Assert.IsTrue(met, "both cursors are in a run of the backbone at the same time");
        AssertComplete(readers.SelectMany(r => r.Result), 400);
    }

    [TestMethod]
    public void Two_cursors_of_a_view_do_not_disturb_each_other()
    {
        IDataView data = Data(60);
        using FeaturizerTransformer transformer = Fit(data, Tiny.Options with { BatchSize = 7 });
        IDataView view = transformer.Transform(data);
        List<RowValues> expected = Tiny.Read(view, null, "Number", "F");
        DataViewSchema.Column[] columns = [view.Schema["Number"], view.Schema["F"]];

        // One after the other on one thread, the second always ahead.
        using (DataViewRowCursor behind = view.GetRowCursor(columns), ahead = view.GetRowCursor(columns))
        {
            RowReader behindReader = new(behind, columns), aheadReader = new(ahead, columns);
            for (int i = 0; i < 10; i++)
                Assert.IsTrue(ahead.MoveNext());
            while (ahead.MoveNext())
            {
                Assert.IsTrue(behind.MoveNext());
                expected[(int)behind.Position].AssertSame(behindReader.Read());
                expected[(int)ahead.Position].AssertSame(aheadReader.Read());
            }
        }
        Parallel.For(0, 8, _ =>
        {
            using DataViewRowCursor cursor = view.GetRowCursor(columns);
            foreach ((RowValues row, RowValues known) in Read(cursor, columns).Zip(expected))
                known.AssertSame(row);
        });
    }

    [TestMethod]
    public void A_cache_after_the_features_computes_them_once_for_all_its_readers()
    {
        CountingEngine engine = CountingEngine.Create(out string device);
        IDataView data = Data(50);
        using FeaturizerTransformer transformer = Fit(data, Tiny.Options with { BatchSize = 10, Device = device });
        IDataView cached = _context.Data.Cache(transformer.Transform(data), "Number", "F");
        Parallel.For(0, 4, _ => AssertComplete(Tiny.Read(cached, null, "Number", "F"), 50));
        AssertComplete(Tiny.Read(_context.Data.ShuffleRows(cached, seed: 5), null, "Number", "F"), 50);
        Assert.AreEqual(50, engine.Batches.Sum());
    }

    [TestMethod]
    public void Splits_and_folds_see_every_row_once_and_as_it_is()
    {
        IDataView data = Data(40);
        using FeaturizerTransformer transformer = Fit(data, Tiny.Options with { BatchSize = 6 });
        IDataView view = transformer.Transform(data);
        var split = _context.Data.TrainTestSplit(view, 0.3, seed: 2);
        List<RowValues> train = Tiny.Read(split.TrainSet, null, "Number", "F"), test = Tiny.Read(split.TestSet, null, "Number", "F");
        Assert.IsNotEmpty(train);
        Assert.IsNotEmpty(test);
        AssertComplete([.. train, .. test], 40);
        AssertComplete(_context.Data.CrossValidationSplit(view, 4, seed: 2).SelectMany(fold => Tiny.Read(fold.TestSet, null, "Number", "F")), 40);
    }

    [TestMethod]
    public void Trainers_with_several_threads_cross_validate_without_a_cache()
    {
        IDataView data = _context.Data.LoadFromEnumerable(Samples.All.Where((_, i) => i % 3 == 0));
        var pipeline = _context.Transforms.Conversion.MapValueToKey("Label")
            .Append(_context.Transforms.TimmFeatures("Features", "Path", Samples.Options with { ImageFolder = Samples.Pictures }))
            .Append(_context.MulticlassClassification.Trainers.LbfgsMaximumEntropy(new LbfgsMaximumEntropyMulticlassTrainer.Options { NumberOfThreads = 2, MaximumNumberOfIterations = 20 }));
        var folds = _context.MulticlassClassification.CrossValidate(data, pipeline, numberOfFolds: 3, seed: 1);
        Assert.HasCount(3, folds);
        Assert.IsGreaterThan(0.5, folds.Average(f => f.Metrics.MicroAccuracy));
    }

    [TestMethod]
    public void What_an_upstream_getter_throws_belongs_to_its_row()
    {
        IDataView data = Data(12);
        IDataView source = _context.Transforms.CustomMapping<Mapped, Fragile>((from, to) =>
        {
            if (from.Number == 5)
                throw new TimeoutException("row 5 cannot be had");
            to.Copied = from.Number;
            to.Input = from.Tensor;
        }, contractName: null).Fit(data).Transform(data);
        using FeaturizerTransformer transformer = _context.Transforms.TimmFeatures("F", "Input", Tiny.Options with { BatchSize = 4 }).Fit(source);
        IDataView view = transformer.Transform(source);
        using DataViewRowCursor cursor = view.GetRowCursor(view.Schema);
        ValueGetter<int> copied = cursor.GetGetter<int>(view.Schema["Copied"]);
        ValueGetter<VBuffer<float>> features = cursor.GetGetter<VBuffer<float>>(view.Schema["F"]);
        int value = 0;
        VBuffer<float> buffer = default;
        for (int row = 0; row < 12; row++)
        {
            Assert.IsTrue(cursor.MoveNext());
            if (row == 5)
            {
                Assert.Contains("row 5 cannot be had", Assert.Throws<Exception>(() => copied(ref value)).ToString());
                Assert.Contains("row 5 cannot be had", Assert.Throws<InvalidOperationException>(() => features(ref buffer)).ToString());
                continue;
            }
            copied(ref value);
            features(ref buffer);
            Assert.AreEqual(row, value);
            Assert.AreEqual(96, buffer.Length);
        }
        Assert.IsFalse(cursor.MoveNext());
    }

    [TestMethod]
    public void Disposal_while_pictures_are_decoded_ends_the_reading_and_leaves_no_file_open()
    {
        string[] pictures = [.. Samples.All.Select(p => Path.Combine(Samples.Pictures, p.Path))];
        IDataView data = _context.Data.LoadFromEnumerable(Enumerable.Range(0, int.MaxValue).Select(i => new Picture { Path = pictures[i % pictures.Length] }));
        using FeaturizerTransformer transformer = _context.Transforms.TimmFeatures("F", "Path", Tiny.Options with { BatchSize = 64 }).Fit(data);
        IDataView view = transformer.Transform(data);
        var unobserved = new ConcurrentBag<Exception>();
        EventHandler<UnobservedTaskExceptionEventArgs> note = (_, e) => unobserved.Add(e.Exception);
        TaskScheduler.UnobservedTaskException += note;
        for (int i = 0; i < 8; i++)
        {
            // The next batch is being decoded while this one is consumed.
            using DataViewRowCursor cursor = view.GetRowCursor([view.Schema["F"]]);
            for (int row = 0; row < 64 * (i % 2) + 1; row++)
                Assert.IsTrue(cursor.MoveNext());
        }
        GC.Collect();
        GC.WaitForPendingFinalizers();
        TaskScheduler.UnobservedTaskException -= note;
        Assert.IsEmpty(unobserved);
        // A writer gets in where no reader is left.
        string copy = Path.GetTempFileName();
        File.Copy(pictures[0], copy, overwrite: true);
        IDataView one = _context.Data.LoadFromEnumerable(Enumerable.Repeat(new Picture { Path = copy }, 300));
        using (DataViewRowCursor cursor = transformer.Transform(one).GetRowCursor([view.Schema["F"]]))
            Assert.IsTrue(cursor.MoveNext());
        using (File.Open(copy, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
        }
        File.Delete(copy);
    }

    private FeaturizerTransformer Fit(IDataView data, FeaturizerOptions options) => _context.Transforms.TimmFeatures("F", "Tensor", options).Fit(data);

    private IDataView Data(int rows) => _context.Data.LoadFromEnumerable([.. TinyRow.Many(rows)]);

    private static List<RowValues> Read(DataViewRowCursor cursor, DataViewSchema.Column[] columns)
    {
        using (cursor)
        {
            var reader = new RowReader(cursor, columns);
            var rows = new List<RowValues>();
            while (cursor.MoveNext())
                rows.Add(reader.Read());
            return rows;
        }
    }

    /// <summary>Rows with the numbers from 0 on, each once, with the features that its number has.</summary>
    private void AssertComplete(IEnumerable<RowValues> rows, int count)
    {
        RowValues[] sorted = [.. rows.OrderBy(r => r.Number)];
        CollectionAssert.AreEqual(Enumerable.Range(0, count).ToArray(), sorted.Select(r => r.Number).ToArray());
        IDataView data = Data(count);
        using FeaturizerTransformer transformer = Fit(data, Tiny.Options with { BatchSize = 1 });
        List<RowValues> expected = Tiny.Read(transformer.Transform(data), null, "F");
        for (int i = 0; i < count; i++)
            RowValues.AssertNear(expected[i].Floats("F"), sorted[i].Floats("F"), $"row {i}");
    }

    private sealed class Mapped
    {
        public int Number { get; set; }

        [VectorType(3 * TinyRow.Size * TinyRow.Size)]
        public float[] Tensor { get; set; } = [];
    }

    private sealed class Fragile
    {
        public int Copied { get; set; }

        [VectorType(3 * TinyRow.Size * TinyRow.Size)]
        public float[] Input { get; set; } = [];
    }
}
