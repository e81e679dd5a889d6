using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Backbones.Graphs;

namespace Backbones.Registry;

/// <summary>Reads a config as timm writes it: its fields' names, absent ones at their defaults, unknown ones ignored.</summary>
internal static class PretrainedConfigReader
{
    /// <summary>Reads a config.</summary>
    /// <param name="json">The object.</param>
    /// <param name="architecture">The architecture that it belongs to.</param>
    /// <param name="tag">The tag; empty if there is none.</param>
    /// <exception cref="FormatException">A field has the wrong type; the message names it and says what it must be.</exception>
    public static PretrainedConfig Read(JsonElement json, string architecture, string tag)
    {
        PretrainedConfig standard = new() { Architecture = architecture, Tag = tag };
        return standard with
        {
            Url = Text(json, "url"),
            HfHubId = Text(json, "hf_hub_id"),
            HfHubFilename = Text(json, "hf_hub_filename"),
            InputSize = Size(json, "input_size", 3) ?? standard.InputSize,
            TestInputSize = Size(json, "test_input_size", 3),
            Interpolation = Text(json, "interpolation") ?? standard.Interpolation,
            CropPct = Number(json, "crop_pct") ?? standard.CropPct,
            TestCropPct = Number(json, "test_crop_pct"),
            CropMode = Text(json, "crop_mode") ?? standard.CropMode,
            Mean = Numbers(json, "mean") ?? standard.Mean,
            Std = Numbers(json, "std") ?? standard.Std,
            NumClasses = Integer(json, "num_classes") ?? standard.NumClasses,
            PoolSize = Size(json, "pool_size", 2),
            FirstConv = Texts(json, "first_conv"),
            Classifier = Texts(json, "classifier"),
            License = Text(json, "license"),
            LabelNames = Labels(json) ?? [],
        };
    }

    /// <summary>A text field; null if it is absent, null or empty.</summary>
    public static string? Text(JsonElement json, string field) => Get(json, field) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } value => value.GetString() is { Length: > 0 } text ? text : null,
        { } value => throw Wrong(field, value, "a text"),
    };

    /// <summary>A whole number that is not negative; null if it is absent or null.</summary>
    public static int? Integer(JsonElement json, string field) => Get(json, field) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Number } value when value.TryGetInt32(out int number) && number >= 0 => number,
        { } value => throw Wrong(field, value, "a whole number, 0 or more"),
    };

    /// <summary>Class names: a list, or an object with a class's number for each name's key, as timm takes them. Null if absent.</summary>
    /// <param name="json">The config's object.</param>
    /// <param name="field">The field's name.</param>
    public static ImmutableArray<string>? Labels(JsonElement json, string field = "label_names")
    {
        switch (Get(json, field))
        {
            case null:
                return null;
            case { ValueKind: JsonValueKind.Array } list when list.EnumerateArray().All(v => v.ValueKind == JsonValueKind.String):
                return [.. list.EnumerateArray().Select(v => v.GetString()!)];
            case { ValueKind: JsonValueKind.Object } map when map.EnumerateObject().All(p => p.Value.ValueKind == JsonValueKind.String):
                string[] names = [.. Enumerable.Range(0, map.EnumerateObject().Count())
                    .Select(i => map.TryGetProperty(i.ToString(CultureInfo.InvariantCulture), out JsonElement name) ? name.GetString()! : throw Wrong(field, map, "names for the classes from 0 on"))];
                return [.. names];
            case { } value:
                throw Wrong(field, value, "a list of names, or an object of numbers and names");
        }
    }

    private static double? Number(JsonElement json, string field) => Get(json, field) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Number } value => value.GetDouble(),
        { } value => throw Wrong(field, value, "a number"),
    };

    private static ImmutableArray<double>? Numbers(JsonElement json, string field) => Get(json, field) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Array } value when value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.Number)
            => [.. value.EnumerateArray().Select(v => v.GetDouble())],
        { } value => throw Wrong(field, value, "a list of numbers"),
    };

    private static Shape? Size(JsonElement json, string field, int rank) => Get(json, field) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Array } value when value.GetArrayLength() == rank
            && value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.Number && v.TryGetInt32(out int d) && d > 0)
            => [.. value.EnumerateArray().Select(v => v.GetInt32())],
        { } value => throw Wrong(field, value, $"a list of {rank} whole numbers above 0"),
    };

    private static ImmutableArray<string> Texts(JsonElement json, string field) => Get(json, field) switch
    {
        null => [],
        { ValueKind: JsonValueKind.String } value => [value.GetString()!],
        { ValueKind: JsonValueKind.Array } value when value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.String)
            => [.. value.EnumerateArray().Select(v => v.GetString()!)],
        { } value => throw Wrong(field, value, "a text or a list of texts"),
    };

    private static JsonElement? Get(JsonElement json, string field)
        => json.TryGetProperty(field, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static FormatException Wrong(string field, JsonElement value, string valid)
        => new($"'{field}' is {value.GetRawText()}; it must be {valid}.");
}
