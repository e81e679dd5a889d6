using System.Text.Json;
using Backbones.Graphs;
using Backbones.Weights;

namespace Backbones.Conformance;

/// <summary>Names, shapes and types of a model's parameters, in order, and the checksum of the recipe's values for them.</summary>
internal static class StateDictChecks
{
    /// <summary>Parameters of the largest model whose recipe's values are made and summed, which follow from the names and shapes; all models, but in the quick tests.</summary>
    public static long LargestChecksum { get; set; } = long.MaxValue;

    public static void Run(Checks checks, Graph graph)
    {
        JsonElement root = checks.Root;
        Compare(checks, "state_dict", root.GetProperty("state_dict"), graph.Parameters);
        if (!root.TryGetProperty("weights_crc32", out JsonElement crc) || graph.ParameterCount > LargestChecksum)
            return;
        // Entries that the model makes itself (timm) have no recipe.
        HashSet<string?> keep = root.TryGetProperty("keep", out JsonElement kept) ? [.. kept.EnumerateArray().Select(k => k.GetString())] : [];
        checks.Equal("weights_crc32", crc.GetString(), $"0x{RecipeWeights.Checksum(graph.Parameters.Where(p => !keep.Contains(p.Name)), checks.ConvGain):x8}");
    }

    public static void Compare(Checks checks, string what, JsonElement stateDict, IEnumerable<ParameterSpec> parameters)
    {
        // Files of detection and segmentation say nothing of types.
        bool hasTypes = stateDict.EnumerateArray().Any(e => e.GetArrayLength() > 2);
        string[] expected = [.. stateDict.EnumerateArray().Select(e => $"{e[0].GetString()} {ModelChecks.Text(e[1])}{(e.GetArrayLength() > 2 ? " " + e[2].GetString() : "")}")];
        string[] actual = [.. parameters.Select(p => $"{p.Name} {p.Shape}{(hasTypes && p.ElementType == ElementType.Int64 ? " int64" : "")}")];
        int at = Enumerable.Range(0, Math.Max(expected.Length, actual.Length)).FirstOrDefault(i => i >= expected.Length || i >= actual.Length || expected[i] != actual[i], -1);
        if (at >= 0)
            checks.Fail(what, $"entry {at} expected {(at < expected.Length ? expected[at] : "end")}, got {(at < actual.Length ? actual[at] : "end")} ({expected.Length} against {actual.Length} entries)");
    }
}
