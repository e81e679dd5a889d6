using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Backbones.Graphs;

namespace Backbones.Registry;

/// <summary>Writes a config with timm's field names, so that <see cref="FromJson"/> (and timm) read it back.</summary>
internal static class PretrainedConfigWriter
{
    /// <summary>The config as timm writes it to config.json, with architecture and tag.</summary>
    public static JsonElement ToJson(PretrainedConfig config) => JsonSerializer.SerializeToElement(new JsonObject
    {
        ["architecture"] = config.Architecture,
        ["tag"] = config.Tag,
        ["url"] = config.Url,
        ["hf_hub_id"] = config.HfHubId,
        ["hf_hub_filename"] = config.HfHubFilename,
        ["input_size"] = Sizes(config.InputSize),
        ["test_input_size"] = Sizes(config.TestInputSize),
        ["interpolation"] = config.Interpolation,
        ["crop_pct"] = config.CropPct,
        ["test_crop_pct"] = config.TestCropPct,
        ["crop_mode"] = config.CropMode,
        ["mean"] = new JsonArray([.. config.Mean.Select(m => JsonValue.Create(m))]),
        ["std"] = new JsonArray([.. config.Std.Select(s => JsonValue.Create(s))]),
        ["num_classes"] = config.NumClasses,
        ["pool_size"] = Sizes(config.PoolSize),
        ["first_conv"] = Names(config.FirstConv),
        ["classifier"] = Names(config.Classifier),
        ["license"] = config.License,
        ["model_args"] = ModelArgs.Of(config),
        ["label_names"] = Names(config.LabelNames),
    });

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="FormatException">A field is missing or has the wrong type.</exception>
    public static PretrainedConfig FromJson(JsonElement json) => ModelArgs.ApplyFrom(PretrainedConfigReader.Read(json,
        PretrainedConfigReader.Text(json, "architecture") ?? throw new FormatException("The config has no architecture."),
        PretrainedConfigReader.Text(json, "tag") ?? ""), json);

    private static JsonArray? Sizes(Shape? shape) => shape is { } s ? new JsonArray([.. s.Dimensions.ToArray().Select(d => JsonValue.Create(d))]) : null;

    private static JsonArray? Names(ImmutableArray<string> names) => names.IsEmpty ? null : new JsonArray([.. names.Select(n => JsonValue.Create(n))]);
}
