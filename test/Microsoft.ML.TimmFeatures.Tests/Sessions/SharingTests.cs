using System.Runtime.CompilerServices;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Tests.Support;

namespace Microsoft.ML.TimmFeatures.Tests.Sessions;

[TestClass]
public sealed class SharingTests
{
    private readonly MLContext _context = new(seed: 1);

    [TestMethod]
    public void Transformers_of_the_same_model_have_its_weights_once()
    {
        CountingEngine engine = CountingEngine.Create(out string device);
        FeaturizerOptions options = Tiny.Options with { Device = device };
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(2));
        using FeaturizerTransformer one = _context.Transforms.TimmFeatures("A", "Tensor", options).Fit(data);
        using FeaturizerTransformer same = _context.Transforms.TimmFeatures("B", "Image", options with { BatchSize = 3, OnImageError = ImageErrorMode.Missing }).Fit(data);
        using FeaturizerTransformer pyramid = _context.Transforms.TimmPyramid("C", "Image", options).Fit(data);
        using FeaturizerTransformer larger = _context.Transforms.TimmFeatures("D", "Image", options with { ImageSize = 64 }).Fit(data);
        Assert.AreSame(one.Session, same.Session);
        Assert.AreNotSame(one.Session, pyramid.Session);
        Assert.AreSame(one.Session.Backbone.Parameters, pyramid.Session.Backbone.Parameters);
        Assert.AreNotSame(one.Session.Backbone, larger.Session.Backbone);

        Tiny.Read(one.Transform(data), null, "A");
        Tiny.Read(same.Transform(data), null, "B");
        Assert.HasCount(1, engine.Compiled);
        one.Dispose();
        Assert.AreEqual(1, engine.OpenPlans);
        Tiny.Read(same.Transform(data), null, "B");
        same.Dispose();
        Assert.AreEqual(0, engine.OpenPlans);
    }

    [TestMethod]
    public void Models_loaded_twice_have_their_weights_once()
    {
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(1));
        using FeaturizerTransformer fitted = _context.Transforms.TimmFeatures("F", "Tensor", Tiny.Options).Fit(data);
        using var file = new MemoryStream();
        _context.Model.Save(fitted, data.Schema, file);
        using FeaturizerTransformer first = Load(), second = Load();
        Assert.AreSame(first.Session, second.Session);

        FeaturizerTransformer Load()
        {
            file.Position = 0;
            ITransformer loaded = new MLContext().Model.Load(file, out _);
            return (FeaturizerTransformer)(loaded is IEnumerable<ITransformer> chain ? chain.Single() : loaded);
        }
    }

    [TestMethod]
    public void A_file_that_was_written_again_is_another_model()
    {
        string folder = Directory.CreateTempSubdirectory("timm-weights").FullName;
        try
        {
            foreach (string file in Directory.EnumerateFiles(Samples.Weights))
                File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
            IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(1));
            FeaturizerOptions options = new() { ModelName = Samples.Model, WeightsPath = folder };
            using FeaturizerTransformer before = _context.Transforms.TimmFeatures("F", "Image", options).Fit(data);
            string weights = Path.Combine(folder, "model.safetensors");
            File.SetLastWriteTimeUtc(weights, File.GetLastWriteTimeUtc(weights).AddSeconds(5));
            using FeaturizerTransformer after = _context.Transforms.TimmFeatures("F", "Image", options).Fit(data);
            Assert.AreNotSame(before.Session, after.Session);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void A_transformer_nobody_can_reach_gives_its_share_back()
    {
        CountingEngine engine = CountingEngine.Create(out string device);
        Use(device);
        for (int i = 0; i < 20 && engine.OpenPlans > 0; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.AreEqual(0, engine.OpenPlans);

        [MethodImpl(MethodImplOptions.NoInlining)]
        void Use(string name)
        {
            IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(1));
            FeaturizerTransformer forgotten = _context.Transforms.TimmFeatures("F", "Tensor", Tiny.Options with { Device = name }).Fit(data);
            Tiny.Read(forgotten.Transform(data), null, "F");
            Assert.AreEqual(1, engine.OpenPlans);
        }
    }

    [TestMethod]
    public void Use_after_disposal_says_so_whoever_else_shares_the_model()
    {
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(40));
        FeaturizerTransformer disposed = _context.Transforms.TimmFeatures("F", "Tensor", Tiny.Options with { BatchSize = 4 }).Fit(data);
        using FeaturizerTransformer alive = _context.Transforms.TimmFeatures("F", "Tensor", Tiny.Options with { BatchSize = 4 }).Fit(data);
        IDataView view = disposed.Transform(data);
        IRowToRowMapper mapper = disposed.GetRowToRowMapper(data.Schema);
        using DataViewRowCursor reading = view.GetRowCursor([view.Schema["F"]]);
        Assert.IsTrue(reading.MoveNext());

        Parallel.For(0, 8, _ => disposed.Dispose());
        AssertDisposed(() => disposed.Transform(data));
        AssertDisposed(() => disposed.GetOutputSchema(data.Schema));
        AssertDisposed(() => disposed.GetRowToRowMapper(data.Schema));
        AssertDisposed(() => _ = disposed.Outputs);
        AssertDisposed(() => view.GetRowCursor([view.Schema["F"]]));
        AssertDisposed(() => _context.Model.Save(disposed, data.Schema, new MemoryStream()));
        using (DataViewRowCursor source = data.GetRowCursor(data.Schema))
            AssertDisposed(() => mapper.GetRow(source, [view.Schema["F"]]));
        // The batch that was computed can be read to its end.
        for (int i = 0; i < 3; i++)
            Assert.IsTrue(reading.MoveNext());
        AssertDisposed(() => reading.MoveNext());
        Assert.IsFalse(reading.MoveNext());
        Assert.HasCount(40, Tiny.Read(alive.Transform(data), null, "F"));

        static void AssertDisposed(Action action)
        {
            Exception e = Assert.Throws<Exception>(action);
            while (e is not ObjectDisposedException && e.InnerException is { } inner)
                e = inner;
            Assert.AreEqual(nameof(FeaturizerTransformer), Assert.IsInstanceOfType<ObjectDisposedException>(e).ObjectName);
        }
    }

    [TestMethod]
    public void Disposing_while_cursors_read_ends_them_without_a_crash()
    {
        // More rows than could be read before the disposal.
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(int.MaxValue));
        for (int round = 0; round < 10; round++)
        {
            FeaturizerTransformer transformer = _context.Transforms.TimmFeatures("F", "Tensor", Tiny.Options with { BatchSize = 2 }).Fit(data);
            IDataView view = transformer.Transform(data);
            using var started = new CountdownEvent(3);
            // On threads of their own: readers without an end would keep the thread pool's few from starting the third.
            Task[] readers = [.. Enumerable.Range(0, 3).Select(_ => Task.Factory.StartNew(() =>
            {
                using DataViewRowCursor cursor = view.GetRowCursor([view.Schema["F"]]);
                cursor.MoveNext();
                started.Signal();
                while (cursor.MoveNext())
                {
                }
            }, TaskCreationOptions.LongRunning))];
            started.Wait();
            transformer.Dispose();
            foreach (Exception e in readers.Select(r => Assert.ThrowsExactly<ObjectDisposedException>(() => r.GetAwaiter().GetResult())))
                StringAssert.Contains(e.Message, "was disposed");
        }
    }
}
