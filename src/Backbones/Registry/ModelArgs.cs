using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Backbones.Graphs;

namespace Backbones.Registry;

/// <summary>The <c>model_args</c> of a config.json, which timm passes to <c>create_model</c>: they become part of the config.</summary>
internal static class ModelArgs
{
    /// <summary>Arguments that change neither parameters nor results: training's, and timm's dynamic image size, which only looks at the size later.</summary>
    private static readonly string[] WithoutEffect =
    [
        "drop_rate", "drop_path_rate", "drop_block_rate", "pos_drop_rate", "patch_drop_rate", "proj_drop_rate", "attn_drop_rate", "weight_init", "dynamic_img_size",
    ];

    private static readonly string[] Applied = ["global_pool", "img_size", "in_chans", "layers", "mean_image", "num_classes", "output_stride"];

    /// <summary>More stages, or blocks in one, no network has; a config is no way to make one that fills the memory.</summary>
    private const int MaxStages = 16, MaxBlocks = 512;

    /// <summary>The config of the model that is made with the arguments in <paramref name="json"/>.</summary>
    /// <param name="config">The config without them.</param>
    /// <param name="json">The config's object.</param>
    /// <exception cref="FormatException">An argument that is not known, or not of its type.</exception>
    public static PretrainedConfig Apply(PretrainedConfig config, JsonElement json)
    {
        if (!json.TryGetProperty("model_args", out JsonElement arguments) || arguments.ValueKind == JsonValueKind.Null)
        {
            return config;
        }
        if (arguments.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException($"'model_args' is {arguments.GetRawText()}; it must be an object.");
        }
        foreach (JsonProperty argument in arguments.EnumerateObject().Where(a => a.Value.ValueKind != JsonValueKind.Null))
        {
            config = Apply(config, argument.Name, argument.Value);
        }
        return config;
    }

    /// <summary>The arguments that a config holds; null where there are none.</summary>
    public static JsonObject? Of(PretrainedConfig config)
    {
        JsonObject arguments = [];
        if (config.GlobalPool is { } pool)
        {
            arguments["global_pool"] = pool;
        }
        if (config.OutputStride != 32)
        {
            arguments["output_stride"] = config.OutputStride;
        }
        if (!config.Layers.IsDefaultOrEmpty)
        {
            arguments["layers"] = new JsonArray([.. config.Layers.Select(l => JsonValue.Create(l))]);
        }
        if (config.MeanImage)
        {
            arguments["mean_image"] = true;
        }
        return arguments.Count == 0 ? null : arguments;
    }

    private static PretrainedConfig Apply(PretrainedConfig config, string name, JsonElement value) => name switch
    {
        "global_pool" => config with { GlobalPool = value.ValueKind == JsonValueKind.String ? value.GetString() : throw Wrong(name, value, "a text") },
        "img_size" => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 2
            ? config with { InputSize = [config.InputSize[0], Number(name, value[0]), Number(name, value[1])] }
            : config with { InputSize = [config.InputSize[0], Number(name, value), Number(name, value)] },
        "in_chans" => config with { InputSize = config.InputSize.With(0, Number(name, value)) },
        "layers" => config with { Layers = Blocks(name, value) },
        "mean_image" => config with { MeanImage = value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Wrong(name, value, "true or false") },
        "num_classes" => config with { NumClasses = Number(name, value, least: 0) },
        "output_stride" => config with { OutputStride = Number(name, value) },
        _ when WithoutEffect.Contains(name) => config,
        _ => throw new FormatException($"'model_args' has '{name}', which is not known here. Known are {string.Join(", ", Applied.Select(a => $"'{a}'"))}; "
            + $"arguments of training such as '{WithoutEffect[0]}' have no effect.{NearestName.Suggest(name, [.. Applied, .. WithoutEffect])}"),
    };

    private static ImmutableArray<int> Blocks(string name, JsonElement value)
        => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() is > 0 and <= MaxStages && value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.Number && v.TryGetInt32(out int n) && n is > 0 and <= MaxBlocks)
            ? [.. value.EnumerateArray().Select(v => v.GetInt32())]
            : throw Wrong(name, value, $"a list of at most {MaxStages} whole numbers from 1 to {MaxBlocks}");

    private static int Number(string name, JsonElement value, int least = 1)
        => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= least ? number : throw Wrong(name, value, $"a whole number, {least} or more");

    private static FormatException Wrong(string name, JsonElement value, string valid) => new($"'{name}' of 'model_args' is {value.GetRawText()}; it must be {valid}.");
}
