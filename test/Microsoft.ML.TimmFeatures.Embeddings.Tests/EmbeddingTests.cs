using Microsoft.Extensions.AI;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Tests.Support;

namespace Microsoft.ML.TimmFeatures.Embeddings.Tests;

[TestClass]
public sealed class EmbeddingTests
{
    private static readonly FeaturizerOptions s_options = Samples.Options with { ImageFolder = Samples.Pictures, BatchSize = 3 };

    [TestMethod]
    public async Task Embeddings_of_paths_and_images_are_timms_features_in_order()
    {
        var expected = Samples.Expected.Take(7).ToArray();
        using var fromPaths = TimmEmbeddingGenerator.ForPaths(s_options);
        GeneratedEmbeddings<Embedding<float>> embeddings = await fromPaths.GenerateAsync(expected.Select(e => e.Path));
        using var fromImages = TimmEmbeddingGenerator.ForImages(s_options);
        MLImage[] images = [.. expected.Select(e => MLImage.CreateFromFile(Path.Combine(Samples.Pictures, e.Path)))];
        GeneratedEmbeddings<Embedding<float>> others = await fromImages.GenerateAsync(images);

        Assert.HasCount(expected.Length, embeddings);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.IsLessThan(1e-5, Distance(expected[i].Features, embeddings[i].Vector.Span));
            CollectionAssert.AreEqual(embeddings[i].Vector.ToArray(), others[i].Vector.ToArray());
            Assert.AreEqual(Samples.Model, embeddings[i].ModelId);
        }
    }

    [TestMethod]
    public void Metadata_names_the_model_and_its_dimensions()
    {
        using IEmbeddingGenerator<string, Embedding<float>> generator = TimmEmbeddingGenerator.ForPaths(s_options);
        var metadata = (EmbeddingGeneratorMetadata)generator.GetService(typeof(EmbeddingGeneratorMetadata))!;
        Assert.AreEqual(96, metadata.DefaultModelDimensions);
        Assert.AreEqual(Samples.Model, metadata.DefaultModelId);
    }

    [TestMethod]
    public async Task What_cannot_be_embedded_is_named()
    {
        using var generator = TimmEmbeddingGenerator.ForPaths(s_options);
        var missing = await Assert.ThrowsExactlyAsync<InvalidOperationException>(() => generator.GenerateAsync([Samples.Expected[0].Path, "nothing.jpg"]));
        StringAssert.Contains(missing.Message, "Image 1 ('nothing.jpg')");
        string cutOff = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid()}.jpg");
        File.WriteAllBytes(cutOff, File.ReadAllBytes(Path.Combine(Samples.Pictures, Samples.Expected[0].Path))[..100]);
        try
        {
            foreach (string none in (string[])[cutOff, " "])
                StringAssert.Contains((await Assert.ThrowsExactlyAsync<InvalidOperationException>(() => generator.GenerateAsync([none]))).Message, $"Image 0 ('{none}') cannot be embedded");
        }
        finally
        {
            File.Delete(cutOff);
        }
        using var fromImages = TimmEmbeddingGenerator.ForImages(s_options);
        StringAssert.Contains((await Assert.ThrowsExactlyAsync<InvalidOperationException>(() => fromImages.GenerateAsync([null!]))).Message, "Image 0 cannot be embedded: The image is null");
        await Assert.ThrowsExactlyAsync<ArgumentException>(() => generator.GenerateAsync([], new EmbeddingGenerationOptions { Dimensions = 7 }));
        await Assert.ThrowsExactlyAsync<ArgumentException>(() => generator.GenerateAsync([], new EmbeddingGenerationOptions { ModelId = "other" }));
    }

    [TestMethod]
    public async Task Device_and_number_format_are_those_asked_for_and_the_model_is_shared()
    {
        CountingEngine engine = CountingEngine.Create(out string device);
        FeaturizerOptions options = s_options with { Device = device };
        string[] paths = [.. Samples.Expected.Take(4).Select(e => e.Path)];
        using (var first = TimmEmbeddingGenerator.ForPaths(options))
        using (var second = TimmEmbeddingGenerator.ForPaths(options))
        {
            await first.GenerateAsync(paths);
            await second.GenerateAsync(paths);
            CollectionAssert.AreEqual(new[] { 3, 1, 3, 1 }, engine.Batches);
            Assert.HasCount(1, engine.Compiled);

            var context = new MLContext();
            IDataView data = context.Data.LoadFromEnumerable(paths.Select(p => new Picture { Path = p }));
            using FeaturizerTransformer featurizer = context.Transforms.TimmFeatures("Features", "Path", options).Fit(data);
            Assert.HasCount(4, featurizer.Transform(data).GetColumn<float[]>("Features").ToArray());
            Assert.HasCount(1, engine.Compiled);
        }
        Assert.AreEqual(0, engine.OpenPlans);
        StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(() => TimmEmbeddingGenerator.ForPaths(s_options with { Device = "cpu", Precision = Backbones.Engines.Precision.Float16 })).Message, "Float16");
        StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(() => TimmEmbeddingGenerator.ForPaths(s_options with { Device = "cuda:7" })).Message, "cuda:7");
    }

    private static double Distance(float[] expected, ReadOnlySpan<float> actual)
    {
        double difference = 0, norm = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            difference += Math.Pow(expected[i] - actual[i], 2);
            norm += Math.Pow(expected[i], 2);
        }
        return Math.Sqrt(difference / norm);
    }
}
