using System.Text.Json;
using System.Text.RegularExpressions;
using Backbones.Models;

namespace Backbones.Conformance;

/// <summary>
/// Compares node names with FX's, without those that exist only because of Python: attribute reads, shape and type arithmetic, assertions, parameters.
/// In token models FX also names arithmetic over parameters alone (a learned query, λ of differential attention), which has no nodes here.
/// </summary>
internal static partial class NodeNames
{
    public static void Check(Checks checks, BackboneGraph backbone)
    {
        if (!checks.Root.TryGetProperty("fx_eval_nodes", out JsonElement nodes) || nodes.ValueKind != JsonValueKind.Array)
            return;
        // FX names the reading of a parameter after its key, layer1.0.layer1_0_gamma; a number at the end it takes for a count of its own.
        HashSet<string> parameters = [.. backbone.Graph.Parameters.Select(p => p.Name.Replace('.', '_')).SelectMany(n => new[] { n, NumberAtEnd().Replace(n, "") })];
        bool IsComputed(string name) => !PythonOnly().IsMatch(name) && !parameters.Contains(name[(name.LastIndexOf('.') + 1)..]);
        HashSet<string> named = [.. backbone.Graph.NodeNames];
        string[] expected = [.. WithoutSizes([.. nodes.EnumerateArray().Select(n => n.GetString()!)], named).Where(IsComputed)];
        string[] actual = [.. backbone.Graph.NodeNames.Where(IsComputed)];
        if (backbone.Intermediates is [{ Layout: FeatureLayout.Nlc }, ..])
        {
            expected = [.. expected.Where(n => named.Contains(n) || !ParameterArithmetic().IsMatch(n))];
        }
        Compare(checks, expected, actual);
    }

    /// <summary>Compares two lists of names, name by name.</summary>
    public static void Compare(Checks checks, IReadOnlyList<string> expected, IReadOnlyList<string> actual)
    {
        if (expected.SequenceEqual(actual))
        {
            checks.Done.Add("node names");
            return;
        }
        int at = Enumerable.Range(0, Math.Min(expected.Count, actual.Count)).FirstOrDefault(i => expected[i] != actual[i], Math.Min(expected.Count, actual.Count));
        checks.Fail("node names", $"name {at} expected {expected.ElementAtOrDefault(at)}, got {actual.ElementAtOrDefault(at)}");
    }

    // A product right behind the reading of one dimension of a shape is a size and no tensor, and so is one right before a reshape (of H·W) that has no node here,
    // with more size arithmetic between or not.
    private static IEnumerable<string> WithoutSizes(string[] names, HashSet<string> named) => names.Where((name, i) => !(Product().IsMatch(name)
        && ((i >= 2 && ItemRead().IsMatch(names[i - 1]) && AttributeRead().IsMatch(names[i - 2])) || (Reshape().IsMatch(names.Skip(i + 1).FirstOrDefault(n => named.Contains(n) || !SizeArithmetic().IsMatch(n)) ?? "") && !named.Contains(name)))));

    [GeneratedRegex(@"(^|\.)(getattr|getitem|size|dim|eq|mod|_assert|floordiv|to|float|view|reshape|expand|expand_as|contiguous|unbind|chunk|split|attn_mask|is_causal|resolve_self_attn_mask|maybe_add_mask|resample_abs_pos_embed)(_\d+)?$")]
    private static partial Regex PythonOnly();

    [GeneratedRegex(@"(^attn_pool\.(q|transpose|q_norm|mul)|\.(mul|mul_1|sum|sum_1|exp|exp_1|sub|add|type_as)|(^|\.)(shared_)?rel_pos\.(mlp\.\w+|permute|bias_act|unsqueeze|pad)|^(permute|unsqueeze|pad))$")]
    private static partial Regex ParameterArithmetic();

    [GeneratedRegex(@"_\d+$")]
    private static partial Regex NumberAtEnd();

    [GeneratedRegex(@"(^|\.)mul(_\d+)?$")]
    private static partial Regex Product();

    [GeneratedRegex(@"(^|\.)(mul|floordiv)(_\d+)?$")]
    private static partial Regex SizeArithmetic();

    [GeneratedRegex(@"(^|\.)(reshape|view)(_\d+)?$")]
    private static partial Regex Reshape();

    [GeneratedRegex(@"(^|\.)getitem(_\d+)?$")]
    private static partial Regex ItemRead();

    [GeneratedRegex(@"(^|\.)getattr(_\d+)?$")]
    private static partial Regex AttributeRead();
}
