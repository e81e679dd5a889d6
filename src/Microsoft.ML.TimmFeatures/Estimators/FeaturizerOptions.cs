using Backbones;
using Backbones.Engines;
using Backbones.Graphs;
using Backbones.Registry;
using Backbones.Weights.Hub;

namespace Microsoft.ML.TimmFeatures;

/// <summary>What happens to a row whose image cannot be read.</summary>
public enum ImageErrorMode
{
    /// <summary>Reading the row's features throws <see cref="ImageRowException"/>, and an error is logged; both name row, column and path.</summary>
    Throw,

    /// <summary>The row's features are NaN, and a warning is logged.</summary>
    Missing,
}

/// <summary>How a saved model carries its weights.</summary>
public enum WeightStorage
{
    /// <summary>Inside the model, only those that its features need.</summary>
    Embedded,

    /// <summary>By name and content hash (SHA-256); they are looked up when the model is loaded, and have to be the same.</summary>
    Referenced,
}

/// <summary>How far a pass over the data has come.</summary>
/// <param name="Rows">Rows featurized so far, by all cursors of the pass.</param>
/// <param name="TotalRows">All rows, where the source knows their number.</param>
/// <param name="Elapsed">Time since the pass began.</param>
public sealed record FeaturizationProgress(long Rows, long? TotalRows, TimeSpan Elapsed)
{
    /// <summary>Rows in a second, on average.</summary>
    public double RowsPerSecond => Elapsed > TimeSpan.Zero ? Rows / Elapsed.TotalSeconds : 0;
}

/// <summary>Settings that all featurizers share. The defaults give timm's numbers.</summary>
public sealed record FeaturizerOptions
{
    // More than any machine's cores, and fewer than make starting them a burden.
    internal const int MaxThreads = 256;

    // A batch of one such image with three channels is about as much as one buffer can have.
    private const int MaxImageSize = 16384;

    /// <summary>timm's name, such as <c>resnet50.a1_in1k</c>. There is no default.</summary>
    public string ModelName { get; init; } = "";

    /// <summary>
    /// A weights file, or a folder as timm saves it. Default null: weights are looked up by name in the folders of TIMM_FEATURES_WEIGHTS, in
    /// <c>weights</c>, in <c>samples/weights</c> and in the download caches of the Hugging Face Hub and torch, then downloaded (see <see cref="Download"/>). Saved only with referenced weights; it is
    /// used by the loaded model where it lies in a folder of weights (see <c>TIMM_FEATURES_WEIGHTS</c>), otherwise the weights are looked up by name.
    /// </summary>
    public string? WeightsPath { get; init; }

    /// <summary>Where the weights are a part of a larger model's file: what stands before this model's keys (<c>backbone.</c>, <c>encoder.</c>); other keys are left aside.
    /// Default null.</summary>
    public string? KeyPrefix { get; init; }

    /// <summary>Whether published weights that are not on this machine are downloaded. Default <see cref="DownloadMode.WhenMissing"/>, as timm's <c>pretrained=True</c>: the context's log
    /// gets name, size, license and source. The environment can forbid it (<c>TIMM_FEATURES_OFFLINE=1</c>, <c>HF_HUB_OFFLINE=1</c>).</summary>
    public DownloadMode Download { get; init; }

    /// <summary>Folder where downloads are kept and looked for, as <see cref="BackboneOptions.CacheDir"/>. Default null: the caches that Python has, too. Not saved, as other machines have other folders.</summary>
    public string? CacheDir { get; init; }

    /// <summary>Use random weights, the same ones every time: for tests and measurements only. Never done unasked; default false.</summary>
    public bool RandomWeights { get; init; }

    /// <summary>Input size in pixels (square). Default null: the model's own. Position embeddings are resampled as timm does.</summary>
    public int? ImageSize { get; init; }

    /// <summary>Take the input size and crop that test best where the weights' config has them, as timm's <c>use_test_size</c>. An <see cref="ImageSize"/> of one's own counts
    /// before. Default false.</summary>
    public bool UseTestSize { get; init; }

    /// <summary>Changes what the weights' config says, before the model is made: crop, filter, mean and deviation of the image transform, or how the model is made
    /// (<see cref="PretrainedConfig.WithModelArgs"/>). timm's <c>pretrained_cfg_overlay</c>. Default null; what it made of the config is saved.</summary>
    /// <example><code>ConfigOverlay = config => config with { CropPct = 1, CropMode = "squash" }</code></example>
    public Func<PretrainedConfig, PretrainedConfig>? ConfigOverlay { get; init; }

    /// <summary>Rows computed together. Default 0: 16, or fewer where their values would take more than 256 MB.</summary>
    public int BatchSize { get; init; }

    /// <summary>Threads of the engine, at most 256. Default 0: all cores.</summary>
    public int Threads { get; init; }

    /// <summary>
    /// Where the backbone runs: <c>auto</c> (the default: <see cref="MLContext.GpuDeviceId"/> where that is set, otherwise CUDA where its engine and
    /// a device are there, otherwise the CPU), <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>. A device that is not there is an error, or with
    /// <see cref="MLContext.FallbackToCpu"/> a warning and the CPU.
    /// </summary>
    public string Device { get; init; } = "auto";

    /// <summary>Number format of the computation. Default <see cref="Precision.Auto"/>; the CPU's engine has <see cref="Precision.Float32"/> and <see cref="Precision.Float16Weights"/>.</summary>
    public Precision Precision { get; init; }

    /// <summary>What happens to a row whose image cannot be read. Default <see cref="ImageErrorMode.Throw"/>.</summary>
    public ImageErrorMode OnImageError { get; init; }

    /// <summary>Folder that relative paths of a text input column start from. Default null: the current directory.</summary>
    public string? ImageFolder { get; init; }

    /// <summary>Turn images as their EXIF or XMP orientation says (path and byte inputs), as phones and cameras need it. Default false, as timm and Pillow.</summary>
    public bool ApplyExifOrientation { get; init; }

    /// <summary>Where weights are when the model is saved. Default <see cref="WeightStorage.Embedded"/>.</summary>
    public WeightStorage WeightStorage { get; init; }

    /// <summary>Gets the progress of every pass over the data, a batch at a time. Default null; not saved.</summary>
    public IProgress<FeaturizationProgress>? Progress { get; init; }

    /// <summary>Stops a pass over the data with <see cref="OperationCanceledException"/>. Default none; not saved.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>Rows to compute together: those asked for, or as many as suit the size of a row.</summary>
    /// <exception cref="ArgumentOutOfRangeException">So many rows cannot be in one buffer.</exception>
    internal int RowsPerBatch(FeatureExtractor extractor) => RowsPerBatch(extractor.InputShape, extractor.Outputs);

    /// <inheritdoc cref="RowsPerBatch(FeatureExtractor)"/>
    internal int RowsPerBatch(Shape input, IReadOnlyCollection<FeatureOutput> outputs)
    {
        const int autoRows = 16;
        const long autoBytes = 256 << 20;
        long values = input.Length + outputs.Sum(o => o.Shape.Length);
        long largest = Array.MaxLength / Math.Max(input.Length, outputs.Max(o => o.Shape.Length));
        if (BatchSize > largest)
            throw new ArgumentOutOfRangeException(nameof(BatchSize), BatchSize, $"One row of '{ModelName}' takes {values} values; batches can have at most {largest} rows.");
        return BatchSize > 0 ? BatchSize : (int)Math.Clamp(autoBytes / (values * sizeof(float)), 1, autoRows);
    }

    internal BackboneOptions ToBackboneOptions(IProgress<DownloadProgress>? downloads = null) => new()
    {
        WeightsPath = WeightsPath,
        KeyPrefix = KeyPrefix,
        Download = Download,
        CacheDir = CacheDir,
        DownloadProgress = downloads,
        RandomWeights = RandomWeights,
        ImageSize = ImageSize is { } size ? size : null,
        UseTestSize = UseTestSize,
        ConfigOverlay = ConfigOverlay,
    };

    /// <exception cref="ArgumentException">A setting makes no sense.</exception>
    internal void Check()
    {
        if (string.IsNullOrWhiteSpace(ModelName))
            throw new ArgumentException("No model name was given; use one of timm's, such as 'resnet50.a1_in1k'.", nameof(ModelName));
        if (RandomWeights && (WeightsPath ?? KeyPrefix) is { } ofFile)
            throw new ArgumentException($"Either random weights or those of a file: both were given for '{ModelName}' ('{ofFile}').", nameof(RandomWeights));
        if (BatchSize < 0)
            throw new ArgumentOutOfRangeException(nameof(BatchSize), BatchSize, "Valid batch sizes are 1 or more rows, or 0 for as many as suit the model.");
        if (Threads is < 0 or > MaxThreads)
            throw new ArgumentOutOfRangeException(nameof(Threads), Threads, $"Valid numbers of threads are 1 to {MaxThreads}, or 0 for all cores.");
        if (ImageSize is < 1 or > MaxImageSize)
            throw new ArgumentOutOfRangeException(nameof(ImageSize), ImageSize, $"Valid image sizes are 1 to {MaxImageSize} pixels, or null for the model's own.");
        CheckDefined(Download, nameof(Download));
        CheckDefined(OnImageError, nameof(OnImageError));
        CheckDefined(WeightStorage, nameof(WeightStorage));
        CheckDefined(Precision, nameof(Precision));
        EngineProvider.Check(Device);
    }

    private static void CheckDefined<T>(T value, string name) where T : struct, Enum
    {
        if (!Enum.IsDefined(value))
            throw new ArgumentOutOfRangeException(name, value, $"Valid values are {string.Join(", ", Enum.GetNames<T>())}.");
    }
}
