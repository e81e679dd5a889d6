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
    public void A_disposed_transformer_frees_its_plans_and_opens_its_model_again_when_it_is_asked_again()
    {
        CountingEngine engine = CountingEngine.Create(out string device);
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(40));
        using FeaturizerTransformer transformer = _context.Transforms.TimmFeatures("F", "Tensor", Tiny.Options with { BatchSize = 4, Device = device }).Fit(data);
        List<RowValues> expected = Tiny.Read(transformer.Transform(data), null, "F");
        IDataView view = transformer.Transform(data);
        using (DataViewRowCursor reading = view.GetRowCursor([view.Schema["F"]]))
        {
            Assert.IsTrue(reading.MoveNext());
            Parallel.For(0, 8, _ => transformer.Dispose());
            // What is under way has its own share.
            Assert.AreEqual(1, engine.OpenPlans);
            for (int i = 1; i < 40; i++)
                Assert.IsTrue(reading.MoveNext());
            Assert.IsFalse(reading.MoveNext());
        }
        Assert.AreEqual(0, engine.OpenPlans);

        Assert.HasCount(1, transformer.Outputs);
        Assert.AreEqual("F", transformer.GetOutputSchema(data.Schema)[^1].Name);
        Assert.AreEqual(0, engine.OpenPlans);
        List<RowValues> again = Tiny.Read(view, null, "F");
        for (int i = 0; i < 40; i++)
            expected[i].AssertSame(again[i]);
        // Nobody would dispose it a second time: what it opens again is closed with the cursor.
        Assert.AreEqual(0, engine.OpenPlans);
    }

    [TestMethod]
    public void A_loaded_model_keeps_its_weights_over_disposal()
    {
        CountingEngine engine = CountingEngine.Create(out string device);
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(3));
        using var file = new MemoryStream();
        using (FeaturizerTransformer fitted = _context.Transforms.TimmFeatures("F", "Tensor", Tiny.Options with { Device = device }).Fit(data))
            _context.Model.Save(fitted, data.Schema, file);
        file.Position = 0;
        ITransformer loaded = new MLContext().Model.Load(file, out _);
        List<RowValues> expected = Tiny.Read(loaded.Transform(data), null, "F");
        for (int i = 0; i < 2; i++)
        {
            ((IDisposable)loaded).Dispose();
            Assert.AreEqual(0, engine.OpenPlans);
            Tiny.Read(loaded.Transform(data), null, "F")[2].AssertSame(expected[2]);
        }
    }

    [TestMethod]
    public void Weights_that_were_changed_meanwhile_are_not_opened_again()
    {
        string folder = Directory.CreateTempSubdirectory("timm-weights").FullName;
        try
        {
            foreach (string file in Directory.EnumerateFiles(Samples.Weights))
                File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
            IDataView data = _context.Data.LoadFromEnumerable([new Picture { Path = Path.Combine(Samples.Pictures, Samples.Expected[0].Path) }]);
            using FeaturizerTransformer transformer = _context.Transforms.TimmFeatures("F", "Path", new FeaturizerOptions { ModelName = Samples.Model, WeightsPath = folder }).Fit(data);
            transformer.Dispose();
            Assert.HasCount(1, transformer.Transform(data).GetColumn<float[]>("F").ToArray());
            transformer.Dispose();
            string weights = Path.Combine(folder, "model.safetensors");
            File.SetLastWriteTimeUtc(weights, File.GetLastWriteTimeUtc(weights).AddSeconds(5));
            StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => transformer.Transform(data).GetColumn<float[]>("F").ToArray()).Message, "were changed");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void Device_batch_size_and_threads_of_a_model_can_be_changed()
    {
        CountingEngine first = CountingEngine.Create(out string one), second = CountingEngine.Create(out string other);
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(3));
        using var chain = _context.Transforms.TimmFeatures("F", "Tensor", Tiny.Options with { Device = one }).Append(_context.Transforms.CopyColumns("G", "F")).Fit(data);
        List<RowValues> expected = Tiny.Read(chain.Transform(data), null, "G");
        ITransformer moved = chain.WithFeaturizerOptions(o => o with { Device = other, BatchSize = 2, Threads = 1 });
        List<RowValues> actual = Tiny.Read(moved.Transform(data), null, "G");
        for (int i = 0; i < 3; i++)
            expected[i].AssertSame(actual[i]);
        CollectionAssert.AreEqual(new[] { 3 }, first.Batches);
        CollectionAssert.AreEqual(new[] { 2, 1 }, second.Batches);
        Assert.AreSame(((FeaturizerTransformer)chain.First()).Session.Backbone, ((FeaturizerTransformer)((IEnumerable<ITransformer>)moved).First()).Session.Backbone);
        ((IDisposable)moved).Dispose();
        Assert.AreEqual(0, second.OpenPlans);
        Assert.AreEqual(1, first.OpenPlans);

        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => chain.WithFeaturizerOptions(o => o with { ImageSize = 64 })).Message, "image size");
        Assert.Throws<ArgumentException>(() => chain.WithFeaturizerOptions(o => o with { Threads = 1000 }));
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => chain.Last().WithFeaturizerOptions(o => o)).Message, "no featurizer");
    }

    [TestMethod]
    public void Disposing_while_cursors_read_disturbs_nobody()
    {
        CountingEngine engine = CountingEngine.Create(out string device);
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(60));
        for (int round = 0; round < 5; round++)
        {
            FeaturizerTransformer transformer = _context.Transforms.TimmFeatures("F", "Tensor", Tiny.Options with { BatchSize = 2, Device = device }).Fit(data);
            IDataView view = transformer.Transform(data);
            Task[] readers = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(() => Assert.HasCount(60, Tiny.Read(view, null, "F")))), Task.Run(() =>
            {
                for (int i = 0; i < 20; i++)
                    transformer.Dispose();
            })];
            Task.WaitAll(readers);
            transformer.Dispose();
            Assert.AreEqual(0, engine.OpenPlans);
        }
    }
}
