using System.Collections.Immutable;
using Backbones.Engines;
using Backbones.Graphs;
using Backbones.Imaging;

namespace Backbones;

/// <summary>A selection bound to an engine: what runs. Thread safe.</summary>
public sealed class FeatureExtractor : IDisposable
{
    private readonly IPlan _plan;
    private readonly Lazy<ImageTransform> _transform;

    internal FeatureExtractor(Backbone backbone, SelectedFeatures selected, IEngine engine, EngineOptions options)
    {
        ModelName = backbone.Name;
        Outputs = selected.Outputs;
        _transform = new(() => new ImageTransform(backbone.TransformOptions));
        InputShape = selected.Graph.Inputs[0].Shape;
        _plan = engine.Compile(selected.Graph, backbone.Parameters, options);
    }

    /// <summary>timm's name of the backbone.</summary>
    public string ModelName { get; }

    /// <summary>Names, shapes and levels of the outputs.</summary>
    public ImmutableArray<FeatureOutput> Outputs { get; }

    /// <summary>Shape of one input, <c>[C, H, W]</c>, float32, normalised.</summary>
    public Shape InputShape { get; }

    /// <summary>Makes such an input from an image's pixels.</summary>
    /// <exception cref="ArgumentException">The model takes other than 1 or 3 channels: it has no image transform, only tensors go in.</exception>
    public ImageTransform Transform => _transform.Value;

    /// <summary>Runs a batch of normalised inputs.</summary>
    /// <param name="batch">Number of images.</param>
    /// <param name="input"><c>[batch, C, H, W]</c>.</param>
    /// <param name="outputs">One buffer of <c>batch · Shape.Length</c> elements per output.</param>
    /// <param name="cancellation">Stops between operators.</param>
    /// <exception cref="ArgumentException">The batch is none, or a buffer has the wrong length or number.</exception>
    /// <exception cref="ObjectDisposedException">The extractor was disposed.</exception>
    public void Run(int batch, ReadOnlyMemory<float> input, ReadOnlySpan<Memory<float>> outputs, CancellationToken cancellation = default)
        => _plan.Run(batch, [input], outputs, cancellation);

    /// <summary>Runs a batch of normalised inputs into new buffers.</summary>
    /// <inheritdoc cref="Run(int, ReadOnlyMemory{float}, ReadOnlySpan{Memory{float}}, CancellationToken)"/>
    public FeatureBatch Run(int batch, ReadOnlyMemory<float> input, CancellationToken cancellation = default)
    {
        if (batch < 1)
            throw new ArgumentOutOfRangeException(nameof(batch), batch, "A batch is one image or more.");
        if (input.Length != batch * InputShape.Length)
            throw new ArgumentException($"A batch of {batch} inputs {InputShape} has {batch * InputShape.Length} values; received {input.Length}.", nameof(input));
        EnsureFits(batch, nameof(batch));
        var buffers = new Memory<float>[Outputs.Length];
        for (int i = 0; i < buffers.Length; i++)
            buffers[i] = new float[batch * Outputs[i].Shape.Length];
        Run(batch, input, buffers, cancellation);
        return new FeatureBatch(batch, [.. Outputs.Zip(buffers, (o, b) => new FeatureTensor(o, batch, b))]);
    }

    /// <summary>Transforms images as timm does and runs them as one batch.</summary>
    /// <param name="images">One image or more; sizes may differ.</param>
    /// <exception cref="ArgumentException">There are no images or too many for one batch, one of them is null or cannot be transformed (the message has its number, from 0), or
    /// the model takes other than 1 or 3 channels.</exception>
    /// <exception cref="ObjectDisposedException">The extractor was disposed.</exception>
    public FeatureBatch Run(params IReadOnlyList<ImagePixels> images)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.Count == 0)
            throw new ArgumentException("No images were given; a batch is one image or more.", nameof(images));
        EnsureFits(images.Count, nameof(images));
        int length = Transform.OutputLength;
        var input = new float[images.Count * length];
        var problems = new Exception?[images.Count];
        Parallel.For(0, images.Count, i =>
        {
            try
            {
                ImagePixels image = images[i] ?? throw new ArgumentException("it is null.");
                Transform.Apply(image.Buffer, input.AsSpan(i * length, length), image.Orientation);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                problems[i] = e;
            }
        });
        int bad = Array.FindIndex(problems, p => p is not null);
        return bad < 0 ? Run(images.Count, input)
            : throw new ArgumentException($"Image {bad} of {images.Count} cannot be transformed: {problems[bad]!.Message}", nameof(images), problems[bad]);
    }

    /// <exception cref="ArgumentOutOfRangeException">The inputs or an output of so many images do not fit into one array.</exception>
    private void EnsureFits(int batch, string parameter)
    {
        long values = Math.Max(InputShape.Length, Outputs.Max(o => o.Shape.Length)), largest = Array.MaxLength / values;
        if (batch > largest)
            throw new ArgumentOutOfRangeException(parameter, batch, $"One image of '{ModelName}' takes {values} values; a batch can have at most {largest} images.");
    }

    /// <summary>Bytes that the compiled weights and one run of a batch take; null where the engine does not know.</summary>
    internal long? MemoryBytes(int batch) => (_plan as IMeasuredPlan)?.MemoryBytes(batch);

    /// <summary>Releases the plan.</summary>
    public void Dispose() => _plan.Dispose();
}

/// <summary>The outputs of one run.</summary>
public sealed class FeatureBatch(int batch, ImmutableArray<FeatureTensor> tensors)
{
    /// <summary>Number of images.</summary>
    public int Batch => batch;

    /// <summary>The outputs, in the order of <see cref="FeatureExtractor.Outputs"/>.</summary>
    public ImmutableArray<FeatureTensor> Tensors => tensors;

    /// <summary>An output by number, from 0.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is none.</exception>
    public FeatureTensor this[int index] => (uint)index < (uint)tensors.Length ? tensors[index]
        : throw new ArgumentOutOfRangeException(nameof(index), index, $"There are {tensors.Length} outputs: {Names}.");

    /// <summary>An output by name.</summary>
    /// <exception cref="KeyNotFoundException">There is none, or several that were selected together have it; the message has the names.</exception>
    public FeatureTensor this[string name] => tensors.Where(t => t.Output.Name == name).Take(2).ToArray() switch
    {
        [var only] => only,
        [] => throw new KeyNotFoundException($"There is no output '{name}'. Outputs are {Names}."),
        _ => throw new KeyNotFoundException($"Several outputs are called '{name}'; take one by its number, from 0. Outputs are {Names}."),
    };

    private string Names => string.Join(", ", tensors.Select(t => $"'{t.Output.Name}'"));
}

/// <summary>One output of one run, <c>[batch, shape…]</c>.</summary>
public sealed record FeatureTensor(FeatureOutput Output, int Batch, ReadOnlyMemory<float> Values)
{
    /// <summary>The images' number and the shape of each: <c>[N, C, H, W]</c> of maps, <c>[N, C]</c> of pooled features.</summary>
    public Shape Shape => [Batch, .. Output.Shape];

    /// <summary>The values of one image, from 0.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The batch has no such image.</exception>
    public ReadOnlySpan<float> this[int image] => (uint)image < (uint)Batch ? Values.Span.Slice(checked((int)(image * Output.Shape.Length)), (int)Output.Shape.Length)
        : throw new ArgumentOutOfRangeException(nameof(image), image, $"'{Output.Name}' has the values of {Batch} images; valid are 0 to {Batch - 1}.");
}
