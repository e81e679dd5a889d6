using System.Text.Json;
using System.Text.RegularExpressions;
using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Conformance;

/// <summary>
/// Compares node names with FX's, without those that exist only because of Python: attribute reads, shape and type arithmetic, assertions, parameters.
/// In token models FX also names arithmetic over parameters alone (a learned query, λ of differential attention, the angles of rotary embeddings), which has no nodes here, and so it does with standardised weights.
/// </summary>
internal static partial class NodeNames
{
    public static void Check(Checks checks, BackboneGraph backbone)
    {
        if (!checks.Root.TryGetProperty("fx_eval_nodes", out JsonElement nodes) || nodes.ValueKind != JsonValueKind.Array)
            return;
        // FX names the reading of a parameter after its key, without a number at its end: layer1.0.layer1_0_gamma.
        HashSet<string> parameters = [.. backbone.Graph.Parameters.Select(p => NumberAtEnd().Replace(p.Name.Replace('.', '_'), ""))];
        HashSet<string> sizes = [.. UnpackedSizes([.. nodes.EnumerateArray().Select(n => n.GetString()!)])];
        bool IsComputed(string name) => !PythonOnly().IsMatch(name) && !sizes.Contains(name) && !parameters.Contains(NumberAtEnd().Replace(name[(name.LastIndexOf('.') + 1)..], ""));
        HashSet<string> named = [.. backbone.Graph.NodeNames];
        string[] expected = [.. WithoutPositions(WithoutSizes(WithoutStandardization([.. nodes.EnumerateArray().Select(n => n.GetString()!)]), named), n => Position().IsMatch(n) && !named.Contains(n) && IsComputed(n)).Where(IsComputed)];
        string[] actual = [.. backbone.Graph.NodeNames.Where(IsComputed)];
        if (backbone.Graph.Nodes.Any(n => n.Operator is AttentionOp))
            expected = [.. expected.Where(n => named.Contains(n) || !ParameterArithmetic().IsMatch(n))];
        // Hiera was traced with a mask, with which timm's model has no head.
        if (nodes[1].GetString() == "mask")
            actual = [.. actual.Where(n => !n.StartsWith("head.", StringComparison.Ordinal))];
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
        checks.Fail("node names", $"name {at} expected {expected.ElementAtOrDefault(at)}, got {actual.ElementAtOrDefault(at)}; missing: {Some(expected.Except(actual))}; none of timm's: {Some(actual.Except(expected))}");

        static string Some(IEnumerable<string> names) => names.Count() <= 12 ? string.Join(", ", names) : $"{string.Join(", ", names.Take(12))} and {names.Count() - 12} more";
    }

    // A weight is standardised by a batch norm over its filters: S.reshape, S.mul (with the gain), S.batch_norm, S.reshape_as.
    private static string[] WithoutStandardization(string[] names)
    {
        HashSet<string> modules = [.. names.Zip(names.Skip(1)).Where(p => p.First.EndsWith(".batch_norm", StringComparison.Ordinal) && p.Second.EndsWith(".reshape_as", StringComparison.Ordinal))
            .Select(p => p.First[..p.First.LastIndexOf('.')])];
        return [.. names.Where(n => !(n.LastIndexOf('.') is > 0 and int dot && (n[dot..] is ".mul" or ".batch_norm" or ".reshape_as") && modules.Contains(n[..dot])))];
    }

    // A product right behind the reading of one dimension of a shape is a size and no tensor, and so is one behind the reading of two (H·W), or a product or sum
    // right before a reshape, that has no node here; so is the rest of a division rounded up, (H - 1) // 2 + 1 or ceil(H / 2), and the parameter that gets an axis more.
    private static IEnumerable<string> WithoutSizes(string[] names, HashSet<string> named) => names.Where((name, i) => !(
        (Product().IsMatch(name) && i >= 2 && ItemRead().IsMatch(names[i - 1]) && (AttributeRead().IsMatch(names[i - 2]) || (ItemRead().IsMatch(names[i - 2]) && !named.Contains(name))))
        || (ProductOrSum().IsMatch(name) && !named.Contains(name) && names.Skip(i + 1).FirstOrDefault(n => named.Contains(n) || !SizeArithmetic().IsMatch(n)) is { } next && Reshape().IsMatch(next))
        || (Difference().IsMatch(name) && i + 1 < names.Length && Division().IsMatch(names[i + 1]))
        || (Sum().IsMatch(name) && i >= 1 && Division().IsMatch(names[i - 1]))
        || RoundingUp().IsMatch(name) || (i + 1 < names.Length && RoundingUp().IsMatch(names[i + 1]))
        || (name.EndsWith(".unsqueeze", StringComparison.Ordinal) && !named.Contains(name))
        || (RelativePosition().IsMatch(name) && !named.Contains(name))));

    // A position embedding that is computed from the map's size alone, and the steps over it until it is added, depend on no input and have no nodes here.
    private static IEnumerable<string> WithoutPositions(IEnumerable<string> names, Func<string, bool> isPosition)
    {
        bool inside = false;
        foreach (string name in names)
        {
            inside = (inside && !Sum().IsMatch(name)) || isPosition(name);
            if (!inside)
                yield return name;
        }
    }

    // A product right behind the reading of several dimensions of one shape (B, C, H, W = x.shape) is a size too.
    private static IEnumerable<string> UnpackedSizes(string[] names)
        => names.Where((name, i) => Product().IsMatch(name) && i > 2 && ItemRead().IsMatch(names[i - 1]) && ItemRead().IsMatch(names[i - 2])
            && names.Take(i).Reverse().FirstOrDefault(n => !ItemRead().IsMatch(n)) is { } read && AttributeRead().IsMatch(read));

    [GeneratedRegex(@"(^|\.)(getattr|getitem|size|dim|eq|mod|_assert|floordiv|to|float|view|reshape|expand|expand_as|contiguous|unbind|chunk|split|attn_mask|is_causal|resolve_self_attn_mask|maybe_add_mask|resample_abs_pos_embed)(_\d+)?$")]
    private static partial Regex PythonOnly();

    [GeneratedRegex(@"(^attn_pool\.(q|transpose|q_norm|mul)|\.(mul|mul_1|sum|sum_1|exp|exp_1|sub(_\d)?|add(_[1-3])?|type_as)|attn\.(permute_1|transpose_1|unsqueeze|cat|clamp|sigmoid|cpb_mlp\.\d|meta_mlp\.\w+)|rel_pos\.(permute|unsqueeze|pad|einsum(_1)?|bias_act|mlp\.\w+)|unroll\.mul(_\d)?|patch_embed\.(get_resized_mask|mul)|^(mask|pos_embed\w*|cls_token|interpolate|tile_1|permute|transpose|pad)|^(make_coords_dinov3|unsqueeze|matmul|mul|add|truediv|flatten|tile|sin|cos|repeat_interleave|cat)(_1)?)$")]
    private static partial Regex ParameterArithmetic();

    [GeneratedRegex(@"_\d+$")]
    private static partial Regex NumberAtEnd();

    [GeneratedRegex(@"(^|\.)mul(_\d+)?$")]
    private static partial Regex Product();

    // Attention with relative positions counts windows and distances, and turns the tables of its vectors.
    [GeneratedRegex(@"\.(self_attn|pos_embed)\.(mul|add|sub|transpose|unsqueeze)(_\d+)?$")]
    private static partial Regex RelativePosition();

    [GeneratedRegex(@"(^|\.)(mul|add)(_\d+)?$")]
    private static partial Regex ProductOrSum();

    [GeneratedRegex(@"(^|\.)add(_\d+)?$")]
    private static partial Regex Sum();

    [GeneratedRegex(@"(^|\.)ceil(_\d+)?$")]
    private static partial Regex RoundingUp();

    [GeneratedRegex(@"(^|\.)sub(_\d+)?$")]
    private static partial Regex Difference();

    [GeneratedRegex(@"(^|\.)floordiv(_\d+)?$")]
    private static partial Regex Division();

    [GeneratedRegex(@"(^|\.)(mul|floordiv)(_\d+)?$")]
    private static partial Regex SizeArithmetic();

    [GeneratedRegex(@"(^|\.)pos_embe?d$")]
    private static partial Regex Position();

    [GeneratedRegex(@"(^|\.)(reshape|view)(_\d+)?$")]
    private static partial Regex Reshape();

    [GeneratedRegex(@"(^|\.)getitem(_\d+)?$")]
    private static partial Regex ItemRead();

    [GeneratedRegex(@"(^|\.)getattr(_\d+)?$")]
    private static partial Regex AttributeRead();
}
