using System.Text.Json.Nodes;
using Backbones;
using Backbones.Graphs;
using Backbones.Registry;
using Backbones.Weights.Hub;

namespace TimmFeatures.Orleans;

/// <summary>How workers open a model: what can be sent of <see cref="BackboneOptions"/>.</summary>
internal abstract record BackboneSetup
{
    /// <summary>Where the weights are, a full path; null where the model's name says it.</summary>
    public string? WeightsPath { get; init; }

    /// <summary>What stands before the model's keys.</summary>
    public string? KeyPrefix { get; init; }

    /// <summary>Weights made from their names.</summary>
    public bool RandomWeights { get; init; }

    /// <summary>Input size; null for the model's own.</summary>
    public Size2? ImageSize { get; init; }

    /// <summary>The size that tests best.</summary>
    public bool UseTestSize { get; init; }

    /// <summary>Never download.</summary>
    public bool Offline { get; init; }

    /// <summary>Where downloads are kept, a full path; null for the worker's own caches.</summary>
    public string? CacheDir { get; init; }

    /// <summary>What is changed about the weights' config (<see cref="ConfigPatch"/>); null for nothing.</summary>
    public JsonObject? ConfigOverlay { get; init; }

    /// <summary>The same on this machine.</summary>
    public BackboneOptions ToBackboneOptions() => new()
    {
        WeightsPath = WeightsPath,
        KeyPrefix = KeyPrefix,
        RandomWeights = RandomWeights,
        ImageSize = ImageSize,
        UseTestSize = UseTestSize,
        Download = Offline ? DownloadMode.Never : DownloadMode.WhenMissing,
        CacheDir = CacheDir,
        ConfigOverlay = ConfigPatch.ToOverlay(ConfigOverlay),
    };
}

/// <summary>Fills setups in.</summary>
internal static class BackboneSetups
{
    /// <summary>The setup with these options, but for the overlay, which is a function: what it changes is given beside it.</summary>
    public static T With<T>(this T setup, BackboneOptions options, JsonObject? configOverlay) where T : BackboneSetup => setup with
    {
        WeightsPath = options.WeightsPath is { } path ? Path.GetFullPath(path) : null,
        KeyPrefix = options.KeyPrefix,
        RandomWeights = options.RandomWeights,
        ImageSize = options.ImageSize,
        UseTestSize = options.UseTestSize,
        Offline = options.Download == DownloadMode.Never,
        CacheDir = options.CacheDir is { } cache ? Path.GetFullPath(cache) : null,
        ConfigOverlay = configOverlay,
    };
}
