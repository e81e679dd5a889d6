using Backbones;
using Backbones.Engines;
using Backbones.Graphs;
using Backbones.Weights.Hub;
using TimmFeatures.Extraction;
using TimmFeatures.Service;

namespace TimmFeatures.Cli.Serving;

/// <summary>What a service serves, said to the workers with each of its questions: they need to know nothing before. Equal setups share what is loaded.</summary>
/// <param name="Models">The models.</param>
/// <param name="AnyModel">Every model of timm.</param>
/// <param name="WeightsPath">Where the weights are on the workers.</param>
/// <param name="KeyPrefix">What stands before the model's keys.</param>
/// <param name="RandomWeights">Weights made from their names.</param>
/// <param name="ImageSize">Input size.</param>
/// <param name="UseTestSize">The size that tests best.</param>
/// <param name="Offline">Never download.</param>
/// <param name="Precision">Number format.</param>
/// <param name="Exif">Turn photographs by their EXIF data.</param>
/// <param name="MaxBatch">Pictures computed together.</param>
/// <param name="MaxWait">How long a picture waits for others.</param>
/// <param name="Memory">Bytes that loaded models may take on each worker.</param>
/// <param name="MaxPixels">The largest picture.</param>
internal sealed record ServingSetup(IReadOnlyList<ServedModel> Models, bool AnyModel, string? WeightsPath, string? KeyPrefix, bool RandomWeights, Size2? ImageSize, bool UseTestSize, bool Offline, Precision Precision, bool Exif, int MaxBatch,
    TimeSpan MaxWait, long Memory, long MaxPixels)
{
    /// <summary>What <c>serve</c> would do itself, for others to do.</summary>
    public static ServingSetup Of(LocalBackendOptions options) => new(options.Models, options.AnyModel, options.Backbone.WeightsPath is { } path ? Path.GetFullPath(path) : null, options.Backbone.KeyPrefix,
        options.Backbone.RandomWeights, options.Backbone.ImageSize, options.Backbone.UseTestSize, options.Backbone.Download == DownloadMode.Never,
        options.Engine?.Precision ?? Precision.Auto, options.Exif, options.MaxBatch, options.MaxWait, options.Memory,
        options.MaxPixels);

    /// <summary>The same on this worker.</summary>
    /// <exception cref="NotSupportedException">Its device has no such number format.</exception>
    public LocalBackendOptions ToOptions(string device, int threads) => new()
    {
        Models = Models,
        AnyModel = AnyModel,
        Backbone = new BackboneOptions
        {
            WeightsPath = WeightsPath,
            KeyPrefix = KeyPrefix,
            RandomWeights = RandomWeights,
            ImageSize = ImageSize,
            UseTestSize = UseTestSize,
            Download = Offline ? DownloadMode.Never : DownloadMode.WhenMissing,
        },
        Engine = EngineProvider.For(device, Precision),
        Threads = threads,
        Exif = Exif,
        MaxBatch = MaxBatch,
        MaxWait = MaxWait,
        Memory = Memory,
        MaxPixels = MaxPixels,
    };

    public string ToJson() => SnakeCaseJson.Write(this);
}
