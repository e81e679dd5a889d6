using System.Text.Json.Serialization;
using Backbones;

namespace Microsoft.ML.TimmFeatures;

/// <summary>What happens to a row whose image cannot be read.</summary>
public enum ImageErrorMode
{
    /// <summary>The cursor throws; the message has the row and the path.</summary>
    Throw,

    /// <summary>The row's features are NaN, and a warning is logged.</summary>
    Missing,
}

/// <summary>How a saved model carries its weights.</summary>
public enum WeightStorage
{
    /// <summary>Inside the model, only those that its features need.</summary>
    Embedded,

    /// <summary>By name and content hash; they are looked up when the model is loaded, and have to be the same.</summary>
    Referenced,
}

/// <summary>Settings that all featurizers share. The defaults give timm's numbers.</summary>
public sealed record FeaturizerOptions
{
    /// <summary>timm's name, such as <c>resnet50.a1_in1k</c>.</summary>
    public string ModelName { get; init; } = "";

    /// <summary>A weights file, or a folder as timm saves it. Null: weights are looked up by name in <c>weights</c>, <c>samples/weights</c> and the folders in TIMM_FEATURES_WEIGHTS.</summary>
    public string? WeightsPath { get; init; }

    /// <summary>Use deterministic random weights: for tests and measurements only. Never done unasked.</summary>
    public bool RandomWeights { get; init; }

    /// <summary>Input size in pixels (square) in place of the model's own; position embeddings are resampled as timm does.</summary>
    public int? ImageSize { get; init; }

    /// <summary>Rows computed together; 0 for a sensible number (16).</summary>
    public int BatchSize { get; init; }

    /// <summary>Threads of the engine; 0 for all cores.</summary>
    public int Threads { get; init; }

    /// <summary>What happens to a row whose image cannot be read.</summary>
    public ImageErrorMode OnImageError { get; init; }

    /// <summary>Folder that relative paths of a text input column start from; null for the current directory.</summary>
    public string? ImageFolder { get; init; }

    /// <summary>Turn images as their EXIF orientation says (path and byte inputs). Off: timm and Pillow do not.</summary>
    public bool ApplyExifOrientation { get; init; }

    /// <summary>Where weights are when the model is saved.</summary>
    public WeightStorage WeightStorage { get; init; }

    /// <summary>Gets the progress of every pass over the data; not saved.</summary>
    [JsonIgnore]
    public IProgress<FeaturizationProgress>? Progress { get; init; }

    /// <summary>Stops a pass over the data with <see cref="OperationCanceledException"/>; not saved.</summary>
    [JsonIgnore]
    public CancellationToken Cancellation { get; init; }

    internal int EffectiveBatchSize => BatchSize == 0 ? 16 : BatchSize;

    internal BackboneOptions ToBackboneOptions() => new()
    {
        WeightsPath = WeightsPath,
        RandomWeights = RandomWeights,
        ImageSize = ImageSize is { } size ? size : null,
    };

    internal void Check()
    {
        if (string.IsNullOrWhiteSpace(ModelName))
            throw new ArgumentException("No model name was given; use one of timm's, such as 'resnet50.a1_in1k'.", nameof(ModelName));
        ArgumentOutOfRangeException.ThrowIfNegative(BatchSize);
        ArgumentOutOfRangeException.ThrowIfNegative(Threads);
        if (ImageSize is < 1)
            throw new ArgumentOutOfRangeException(nameof(ImageSize), ImageSize, "An image size is one pixel or more.");
    }
}

/// <summary>How far a pass over the data has come.</summary>
/// <param name="Rows">Rows featurized so far.</param>
/// <param name="TotalRows">All rows, where the source knows.</param>
/// <param name="Elapsed">Time since the pass began.</param>
public sealed record FeaturizationProgress(long Rows, long? TotalRows, TimeSpan Elapsed)
{
    /// <summary>Rows in a second, on average.</summary>
    public double RowsPerSecond => Elapsed > TimeSpan.Zero ? Rows / Elapsed.TotalSeconds : 0;
}
