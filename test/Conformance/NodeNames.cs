using System.Text.Json;
using System.Text.RegularExpressions;
using Backbones.Graphs;

namespace Backbones.Conformance;

/// <summary>Compares node names with FX's, without those that exist only because of Python: attribute reads, shape arithmetic, assertions, parameters.</summary>
internal static partial class NodeNames
{
    public static void Check(Checks checks, Graph graph)
    {
        if (!checks.Root.TryGetProperty("fx_eval_nodes", out JsonElement nodes) || nodes.ValueKind != JsonValueKind.Array)
            return;
        // FX names the reading of a parameter after its key: layer1.0.layer1_0_gamma.
        HashSet<string> parameters = [.. graph.Parameters.Select(p => p.Name.Replace('.', '_'))];
        bool IsComputed(string name) => !PythonOnly().IsMatch(name) && !parameters.Contains(name[(name.LastIndexOf('.') + 1)..]);
        string[] expected = [.. nodes.EnumerateArray().Select(n => n.GetString()!).Where(IsComputed)];
        string[] actual = [.. graph.NodeNames.Where(IsComputed)];
        if (expected.SequenceEqual(actual))
        {
            checks.Done.Add("node names");
            return;
        }
        int at = Enumerable.Range(0, Math.Min(expected.Length, actual.Length)).FirstOrDefault(i => expected[i] != actual[i], Math.Min(expected.Length, actual.Length));
        checks.Fail("node names", $"name {at} expected {expected.ElementAtOrDefault(at)}, got {actual.ElementAtOrDefault(at)}");
    }

    [GeneratedRegex(@"(^|\.)(getattr|getitem|size|eq|_assert|floordiv|view|reshape|expand_as|contiguous)(_\d+)?$")]
    private static partial Regex PythonOnly();
}
