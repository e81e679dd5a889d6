using System.Runtime.CompilerServices;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Tests.Support;

namespace Microsoft.ML.TimmFeatures.Tests;

[TestClass]
public sealed class PredictionEngineTests
{
    private readonly MLContext _context = new(seed: 1);

    [TestMethod]
    public void Engines_of_several_threads_share_a_transformer()
    {
        Picture[] pictures = [.. Samples.All.Take(24)];
        IDataView data = _context.Data.LoadFromEnumerable(pictures);
        using FeaturizerTransformer transformer = _context.Transforms.TimmFeatures("Features", "Path", Samples.Options with { ImageFolder = Samples.Pictures }).Fit(data);
        float[][] expected = [.. transformer.Transform(data).GetColumn<float[]>("Features")];
        // One engine for each thread, as a PredictionEnginePool has it; meanwhile a view of the same transformer is read.
        Task[] tasks = [.. Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            PredictionEngine<Picture, Prediction> engine = _context.Model.CreatePredictionEngine<Picture, Prediction>(transformer, new PredictionEngineOptions { OwnsTransformer = false });
            for (int i = 0; i < pictures.Length; i++)
            {
                int k = (i * 7 + thread * 5) % pictures.Length;
                RowValues.AssertNear(expected[k], engine.Predict(pictures[k]).Features, pictures[k].Path);
            }
            engine.Dispose();
        })), Task.Run(() => Assert.HasCount(pictures.Length, transformer.Transform(data).GetColumn<float[]>("Features").ToArray()))];
        Task.WaitAll(tasks);
    }

    [TestMethod]
    public void An_engine_for_each_request_over_one_cached_model()
    {
        CountingEngine counting = CountingEngine.Create(out string device);
        foreach (ITransformer model in Models(device))
        {
            float[] expected = Request(model);
            for (int request = 0; request < 3; request++)
                CollectionAssert.AreEqual(expected, Request(model));
            AssertFreed(counting, model);
        }
    }

    [TestMethod]
    public void Two_engines_over_one_model_are_disposed_in_any_order()
    {
        CountingEngine counting = CountingEngine.Create(out string device);
        foreach (ITransformer model in Models(device))
        {
            Use(model, firstGoesFirst: true);
            Use(model, firstGoesFirst: false);
            AssertFreed(counting, model);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        void Use(ITransformer model, bool firstGoesFirst)
        {
            PredictionEngine<TinyRow, Prediction> first = _context.Model.CreatePredictionEngine<TinyRow, Prediction>(model), second = _context.Model.CreatePredictionEngine<TinyRow, Prediction>(model);
            float[] expected = first.Predict(TinyRow.Create(1)).Features;
            CollectionAssert.AreEqual(expected, second.Predict(TinyRow.Create(1)).Features);
            (firstGoesFirst ? first : second).Dispose();
            PredictionEngine<TinyRow, Prediction> left = firstGoesFirst ? second : first;
            CollectionAssert.AreEqual(expected, left.Predict(TinyRow.Create(1)).Features);
            ((IDisposable)model).Dispose();
            CollectionAssert.AreEqual(expected, left.Predict(TinyRow.Create(1)).Features);
            left.Dispose();
            left.Dispose();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private float[] Request(ITransformer model)
    {
        using PredictionEngine<TinyRow, Prediction> engine = _context.Model.CreatePredictionEngine<TinyRow, Prediction>(model);
        return engine.Predict(TinyRow.Create(3)).Features;
    }

    /// <summary>ML.NET drops an engine's row without disposing it: its share goes with the garbage.</summary>
    private static void AssertFreed(CountingEngine engine, ITransformer model)
    {
        for (int i = 0; i < 20 && engine.OpenPlans > 0; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.AreEqual(0, engine.OpenPlans, model.GetType().Name);
    }

    /// <summary>A featurizer alone, one in a chain, and one that was saved and loaded.</summary>
    private IEnumerable<ITransformer> Models(string device)
    {
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(1));
        var estimator = _context.Transforms.TimmFeatures("Features", "Tensor", Tiny.Options with { Device = device });
        FeaturizerTransformer alone = estimator.Fit(data);
        yield return alone;
        yield return estimator.Append(_context.Transforms.CopyColumns("Copy", "Features")).Fit(data);
        using var file = new MemoryStream();
        _context.Model.Save(alone, data.Schema, file);
        alone.Dispose();
        file.Position = 0;
        yield return _context.Model.Load(file, out _);
    }

    private sealed class Prediction
    {
        public float[] Features { get; set; } = [];
    }
}
