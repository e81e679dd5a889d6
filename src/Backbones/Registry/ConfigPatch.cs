using System.Text.Json;
using System.Text.Json.Nodes;

namespace Backbones.Registry;

/// <summary>What is changed about a config, as JSON: fields of config.json with their new values, null where they go (a merge patch, RFC 7396). Unlike a function it can be sent to where a model is made.</summary>
internal static class ConfigPatch
{
    /// <summary>The fields in which two configs differ, with the second one's values; null where they do not.</summary>
    public static JsonObject? Between(PretrainedConfig from, PretrainedConfig to) => Difference(ToJson(from), ToJson(to)) is { Count: > 0 } patch ? patch : null;

    /// <summary>The overlay that makes these changes; null for none.</summary>
    /// <remarks>It throws a FormatException where a value is not of its field's type.</remarks>
    public static Func<PretrainedConfig, PretrainedConfig>? ToOverlay(JsonObject? patch) => patch is null ? null : config =>
    {
        JsonObject json = ToJson(config);
        Merge(json, patch);
        return PretrainedConfigWriter.FromJson(JsonSerializer.SerializeToElement(json));
    };

    private static JsonObject ToJson(PretrainedConfig config) => JsonObject.Create(PretrainedConfigWriter.ToJson(config))!;

    private static JsonObject Difference(JsonObject from, JsonObject to)
    {
        JsonObject patch = [];
        foreach (string key in from.Select(p => p.Key).Union(to.Select(p => p.Key)).Where(k => !JsonNode.DeepEquals(from[k], to[k])))
            patch[key] = from[key] is JsonObject before && to[key] is JsonObject after ? Difference(before, after) : to[key]?.DeepClone();
        return patch;
    }

    private static void Merge(JsonObject target, JsonObject patch)
    {
        foreach ((string key, JsonNode? value) in patch)
        {
            if (value is null)
                target.Remove(key);
            else if (value is JsonObject inner && target[key] is JsonObject own)
                Merge(own, inner);
            else
                target[key] = value.DeepClone();
        }
    }
}
