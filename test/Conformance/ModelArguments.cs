using System.Collections.Immutable;
using System.Reflection;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Conformance;

/// <summary>Models made with timm's arguments (<c>create_model(name, depth=2, …)</c>): sizes by setting the family's config, the others by <see cref="BuildOptions"/>.</summary>
internal static class ModelArguments
{
    /// <summary>Names that configs have for timm's arguments; timm's own in C# casing is tried as well.</summary>
    private static readonly Dictionary<string, string[]> s_properties = new()
    {
        ["depth"] = ["Depth"],
        ["depths"] = ["Depths", "Layers"],
        ["embed_dim"] = ["Width", "EmbedDim", "Channels"],
        ["embed_dims"] = ["EmbedDims", "Channels", "Widths", "Width"],
        ["dims"] = ["Dims", "Channels", "Widths"],
        ["num_heads"] = ["Heads", "NumHeads"],
        ["window_size"] = ["WindowSize", "Window", "Windows"],
        ["patch_size"] = ["PatchSize"],
    };

    /// <summary>The architecture and its options.</summary>
    /// <exception cref="NotSupportedException">The family's config has no such argument.</exception>
    public static (ModelEntry Model, BuildOptions Options) Create(string name, JsonElement? arguments)
    {
        ModelEntry model = ModelCatalog.Find(name);
        BuildOptions options = BuildOptions.Default;
        foreach (JsonProperty argument in arguments is { ValueKind: JsonValueKind.Object } given ? given.EnumerateObject() : default)
        {
            switch (argument.Name)
            {
                case "img_size": options = options with { ImageSize = Size(argument.Value) }; break;
                case "in_chans": options = options with { InChannels = argument.Value.GetInt32() }; break;
                case "num_classes": options = options with { NumClasses = argument.Value.GetInt32() }; break;
                case "global_pool": options = options with { GlobalPool = argument.Value.GetString() }; break;
                default: model = model.WithConfig(Set(model.Config, argument)); break;
            }
        }
        return (model, options);
    }

    private static object Set(object config, JsonProperty argument)
    {
        string cased = string.Concat(argument.Name.Split('_').Select(part => char.ToUpperInvariant(part[0]) + part[1..]));
        foreach (string name in s_properties.GetValueOrDefault(argument.Name, []).Append(cased))
        {
            if (config.GetType().GetProperty(name) is not { CanWrite: true } property)
                continue;
            object copy = config.GetType().GetMethod("<Clone>$")!.Invoke(config, null)!;
            property.SetValue(copy, Value(property.PropertyType, argument.Value));
            return copy;
        }
        throw new NotSupportedException($"the config of this family has no '{argument.Name}'");
    }

    private static object Value(Type type, JsonElement value)
        => type == typeof(int) ? (value.ValueKind == JsonValueKind.Array ? value[0] : value).GetInt32()
            : type == typeof(double) ? value.GetDouble()
            : type == typeof(Size2) ? Size(value)
            : type == typeof(ImmutableArray<int>) && value.ValueKind == JsonValueKind.Number ? [.. Enumerable.Repeat(value.GetInt32(), 4)]
            : type == typeof(ImmutableArray<int>) ? ImmutableArray.CreateRange(value.EnumerateArray().Select(v => v.GetInt32()))
            : throw new NotSupportedException($"'{value.GetRawText()}' cannot be given as {type.Name}");

    private static Size2 Size(JsonElement value) => value.ValueKind == JsonValueKind.Array ? (value[0].GetInt32(), value[1].GetInt32()) : value.GetInt32();
}
