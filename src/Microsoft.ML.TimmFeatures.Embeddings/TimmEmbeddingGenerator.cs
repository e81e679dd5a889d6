using System.Runtime.ExceptionServices;
using Backbones;
using Backbones.Imaging;
using Microsoft.Extensions.AI;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Cursors;
using Microsoft.ML.TimmFeatures.Inputs;
using Microsoft.ML.TimmFeatures.Sessions;

namespace Microsoft.ML.TimmFeatures.Embeddings;

/// <summary>
/// Pooled features of a timm backbone as embeddings, for vector search over pictures. Make one with <c>TimmEmbeddingGenerator.ForImages</c> or
/// <c>ForPaths</c>. Weights and compiled graph are shared with the featurizers and generators of the same model on the same device. Thread safe.
/// </summary>
/// <typeparam name="TInput">MLImage, or string (a path).</typeparam>
public sealed class TimmEmbeddingGenerator<TInput> : IEmbeddingGenerator<TInput, Embedding<float>>
{
    private readonly Lease<FeaturizerSession> _session;
    private readonly FeatureExtractor _extractor;
    private readonly FeaturizerOptions _options;
    private readonly ImagePreparation<TInput> _prepare;
    private readonly EmbeddingGeneratorMetadata _metadata;

    internal TimmEmbeddingGenerator(FeaturizerOptions options, string? pool, ImagePreparation<TInput> prepare)
    {
        options.Check();
        _options = options;
        _prepare = prepare;
        var host = new FeaturizerHost(null);
        _session = SessionCache.Session(FeaturizerModel.Locate(options, FeatureSelection.Pooled(pool), host), options, host);
        try
        {
            _extractor = _session.Value.For([true]);
        }
        catch
        {
            _session.Dispose();
            throw;
        }
        _metadata = new EmbeddingGeneratorMetadata("timm", null, _extractor.ModelName, Dimensions);
    }

    /// <summary>Length of an embedding.</summary>
    public int Dimensions => (int)_extractor.Outputs[0].Shape.Length;

    /// <summary>Embeds images, in batches, in the order given.</summary>
    /// <param name="values">The images.</param>
    /// <param name="options">Must not ask for another model or other dimensions than this generator's.</param>
    /// <param name="cancellationToken">Stops between operators.</param>
    /// <exception cref="ArgumentException">The options ask for what this generator does not have.</exception>
    /// <exception cref="InvalidOperationException">An image cannot be read; the message has its number and path.</exception>
    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<TInput> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (options?.ModelId is { } model && model != _extractor.ModelName)
            throw new ArgumentException($"This generator embeds with '{_extractor.ModelName}'; '{model}' was asked for.", nameof(options));
        if (options?.Dimensions is { } dimensions && dimensions != Dimensions)
            throw new ArgumentException($"'{_extractor.ModelName}' gives {Dimensions} dimensions; {dimensions} were asked for.", nameof(options));
        return Task.Run(() => Generate([.. values], cancellationToken), cancellationToken);
    }

    /// <summary>This generator, or its metadata.</summary>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(EmbeddingGeneratorMetadata) ? _metadata
            : serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <summary>Gives back the share of the backbone. It is released when nobody else uses the same.</summary>
    public void Dispose() => _session.Dispose();

    private GeneratedEmbeddings<Embedding<float>> Generate(TInput[] images, CancellationToken cancellation)
    {
        var embeddings = new GeneratedEmbeddings<Embedding<float>>(images.Length);
        int size = _extractor.Transform.OutputLength;
        foreach (TInput[] batch in images.Chunk(_options.RowsPerBatch(_extractor)))
        {
            var input = new float[batch.Length * size];
            int first = embeddings.Count;
            try
            {
                Parallel.For(0, batch.Length, new ParallelOptions { CancellationToken = cancellation }, i => Prepare(batch[i], first + i, input.AsSpan(i * size, size)));
            }
            catch (AggregateException e)
            {
                ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
            }
            FeatureTensor features = _extractor.Run(batch.Length, input, cancellation)[0];
            for (int i = 0; i < batch.Length; i++)
                embeddings.Add(new Embedding<float>(features[i].ToArray()) { ModelId = _extractor.ModelName, CreatedAt = DateTimeOffset.UtcNow });
        }
        return embeddings;
    }

    private void Prepare(TInput image, int number, Span<float> target)
    {
        try
        {
            _prepare(image, _extractor.Transform, _options, target);
        }
        catch (Exception e) when (ColumnBuffer.IsOfRow(e))
        {
            throw new InvalidOperationException($"Image {number}{(image is string path ? $" ('{path}')" : "")} cannot be embedded: {e.Message}", e);
        }
    }
}

/// <summary>Writes an image as the backbone's normalised input.</summary>
internal delegate void ImagePreparation<TInput>(TInput image, ImageTransform transform, FeaturizerOptions options, Span<float> target);

/// <summary>Makes embedding generators.</summary>
public static class TimmEmbeddingGenerator
{
    /// <summary>Embeds decoded images.</summary>
    /// <param name="options">Model, weights, device, number format, batch size.</param>
    /// <param name="pool">timm's <c>global_pool</c>; null for the model's own.</param>
    /// <exception cref="NotSupportedException">The device or number format is not there.</exception>
    public static TimmEmbeddingGenerator<MLImage> ForImages(FeaturizerOptions options, string? pool = null)
        => new(options, pool, (image, transform, _, target) => transform.Apply(new ImageBuffer(
            (image ?? throw new InvalidDataException("The image is null.")).Pixels, image.Width, image.Height, MLImagePixels.FormatOf(image)), target));

    /// <summary>Embeds image files by path.</summary>
    /// <param name="options">Model, weights, device, number format, batch size, folder of relative paths.</param>
    /// <param name="pool">timm's <c>global_pool</c>; null for the model's own.</param>
    /// <exception cref="NotSupportedException">The device or number format is not there.</exception>
    public static TimmEmbeddingGenerator<string> ForPaths(FeaturizerOptions options, string? pool = null) => new(options, pool, EncodedImage.PrepareFile);
}
