using System.Text.Json.Nodes;
using Backbones.Engines;
using TimmFeatures.Extraction;
using TimmFeatures.Orleans;
using TimmFeatures.Service;

namespace TimmFeatures.Cli.Serving;

/// <summary>What a service serves, said to the workers with each of its questions: they need to know nothing before. Equal setups share what is loaded.</summary>
/// <param name="Models">The models.</param>
/// <param name="AnyModel">Every model of timm.</param>
/// <param name="Precision">Number format.</param>
/// <param name="Exif">Turn photographs by their EXIF data.</param>
/// <param name="MaxBatch">Pictures computed together.</param>
/// <param name="MaxWait">How long a picture waits for others.</param>
/// <param name="Memory">Bytes that loaded models may take on each worker.</param>
/// <param name="MaxPixels">The largest picture.</param>
internal sealed record ServingSetup(IReadOnlyList<ServedModel> Models, bool AnyModel, Precision Precision, bool Exif, int MaxBatch, TimeSpan MaxWait, long Memory, long MaxPixels) : BackboneSetup
{
    /// <summary>What <c>serve</c> would do itself, for others to do.</summary>
    /// <param name="options">Its options.</param>
    /// <param name="configOverlay">What they change about the weights' configs.</param>
    public static ServingSetup Of(LocalBackendOptions options, JsonObject? configOverlay)
        => new ServingSetup(options.Models, options.AnyModel, options.Engine?.Precision ?? Precision.Auto, options.Exif, options.MaxBatch, options.MaxWait, options.Memory, options.MaxPixels)
            .With(options.Backbone, configOverlay);

    /// <summary>The same on this worker.</summary>
    /// <exception cref="NotSupportedException">Its device has no such number format.</exception>
    public LocalBackendOptions ToOptions(string device, int threads) => new()
    {
        Models = Models,
        AnyModel = AnyModel,
        Backbone = ToBackboneOptions(),
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
