using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Backbones;

/// <summary>How features are laid out.</summary>
public enum FeatureFormat
{
    /// <summary>Maps <c>[C, H, W]</c>.</summary>
    Nchw,

    /// <summary>Tokens <c>[L, C]</c>.</summary>
    Nlc,

    /// <summary>Maps with channels last <c>[H, W, C]</c>.</summary>
    Nhwc,
}

/// <summary>
/// What is wanted from a backbone: the one way to say it for all of timm's and torchvision's mechanisms.
/// A value: it can be compared, stored as JSON and sent.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(UnpooledSelection), "unpooled")]
[JsonDerivedType(typeof(PooledSelection), "pooled")]
[JsonDerivedType(typeof(LogitsSelection), "logits")]
[JsonDerivedType(typeof(PyramidSelection), "pyramid")]
[JsonDerivedType(typeof(IntermediatesSelection), "intermediates")]
[JsonDerivedType(typeof(NodesSelection), "nodes")]
public abstract record FeatureSelection
{
    private protected FeatureSelection()
    {
    }

    /// <summary>Unpooled penultimate features (<c>forward_features</c>): a map, or all tokens with the final norm.</summary>
    public static FeatureSelection Unpooled { get; } = new UnpooledSelection();

    /// <summary>Class scores (<c>forward</c>).</summary>
    public static FeatureSelection Logits { get; } = new LogitsSelection();

    /// <summary>Pooled penultimate features (<c>num_classes=0</c>, <c>reset_classifier(0, pool)</c>).</summary>
    /// <param name="pool">timm's <c>global_pool</c>; null for the model's own, '' for none.</param>
    public static FeatureSelection Pooled(string? pool = null) => new PooledSelection(pool);

    /// <summary>A feature pyramid (<c>features_only=True</c>). Its outputs come in the order of the levels.</summary>
    /// <param name="outIndices">Levels in any order, negative ones from the end; null for timm's default.</param>
    /// <param name="outputStride">32, 16 or 8; smaller strides by dilation where the family supports it.</param>
    public static FeatureSelection Pyramid(IEnumerable<int>? outIndices = null, int outputStride = 32)
        => new PyramidSelection(outIndices is null ? null : [.. outIndices], outputStride);

    /// <summary>The last <paramref name="lastLevels"/> levels of the pyramid (<c>out_indices</c> as an int).</summary>
    public static FeatureSelection Pyramid(int lastLevels, int outputStride = 32) => new PyramidSelection(FeatureIndices.Last(lastLevels), outputStride);

    /// <summary>Hidden states after blocks (<c>forward_intermediates</c>). Its outputs come in the order of the blocks.</summary>
    /// <param name="indices">Blocks in any order, negative ones from the end; null for all.</param>
    /// <param name="norm">Apply the model's final norm to each.</param>
    /// <param name="returnPrefixTokens">Also give class and register tokens, as outputs of their own.</param>
    /// <param name="outputFormat">Maps or tokens.</param>
    /// <param name="stopEarly">The final output, if asked for, is the hidden state after the last wanted block.</param>
    /// <param name="intermediatesOnly">Leave out the final output.</param>
    public static FeatureSelection Intermediates(
        IEnumerable<int>? indices = null, bool norm = false, bool returnPrefixTokens = false,
        FeatureFormat outputFormat = FeatureFormat.Nchw, bool stopEarly = false, bool intermediatesOnly = true)
        => new IntermediatesSelection(indices is null ? null : [.. indices], norm, returnPrefixTokens, outputFormat, stopEarly, intermediatesOnly);

    /// <summary>Hidden states after the last <paramref name="lastBlocks"/> blocks.</summary>
    public static FeatureSelection Intermediates(int lastBlocks, bool norm = false, bool returnPrefixTokens = false, FeatureFormat outputFormat = FeatureFormat.Nchw)
        => new IntermediatesSelection(FeatureIndices.Last(lastBlocks), norm, returnPrefixTokens, outputFormat, false, true);

    /// <summary>Any nodes by name (<c>create_feature_extractor</c>); truncated names mean the last node below.</summary>
    /// <param name="names">Names of nodes, which are also the outputs' names.</param>
    public static FeatureSelection Nodes(params IEnumerable<string> names) => new NodesSelection([.. names.Select(n => new NodeChoice(n, n))]);

    /// <summary>Any nodes by name, with output names of one's own.</summary>
    public static FeatureSelection Nodes(IEnumerable<(string Node, string Output)> map) => new NodesSelection([.. map.Select(m => new NodeChoice(m.Node, m.Output))]);
}

/// <summary>See <see cref="FeatureSelection.Unpooled"/>.</summary>
internal sealed record UnpooledSelection : FeatureSelection;

/// <summary>See <see cref="FeatureSelection.Logits"/>.</summary>
internal sealed record LogitsSelection : FeatureSelection;

/// <summary>See <see cref="FeatureSelection.Pooled"/>.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record PooledSelection(string? Pool) : FeatureSelection;

/// <summary>See <see cref="FeatureSelection.Pyramid(IEnumerable{int}?, int)"/>.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record PyramidSelection(ImmutableArray<int>? OutIndices, int OutputStride) : FeatureSelection
{
    /// <inheritdoc/>
    public bool Equals(PyramidSelection? other) => other is not null && OutputStride == other.OutputStride && ArrayEquality.Same(OutIndices, other.OutIndices);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(OutputStride, OutIndices?.Length);
}

/// <summary>See <see cref="FeatureSelection.Intermediates(IEnumerable{int}?, bool, bool, FeatureFormat, bool, bool)"/>.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record IntermediatesSelection(
    ImmutableArray<int>? Indices, bool Norm, bool ReturnPrefixTokens, FeatureFormat OutputFormat, bool StopEarly, bool IntermediatesOnly) : FeatureSelection
{
    /// <inheritdoc/>
    public bool Equals(IntermediatesSelection? other) => other is not null
        && (Norm, ReturnPrefixTokens, OutputFormat, StopEarly, IntermediatesOnly) == (other.Norm, other.ReturnPrefixTokens, other.OutputFormat, other.StopEarly, other.IntermediatesOnly)
        && ArrayEquality.Same(Indices, other.Indices);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Norm, ReturnPrefixTokens, OutputFormat, StopEarly, IntermediatesOnly, Indices?.Length);
}

/// <summary>See <see cref="FeatureSelection.Nodes(IEnumerable{string})"/>.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record NodesSelection(ImmutableArray<NodeChoice> Choices) : FeatureSelection
{
    /// <inheritdoc/>
    public bool Equals(NodesSelection? other) => other is not null && Choices.SequenceEqual(other.Choices);

    /// <inheritdoc/>
    public override int GetHashCode() => Choices.Length;
}

/// <summary>A node and the name its value gets.</summary>
/// <param name="Node">Node name, possibly truncated.</param>
/// <param name="Output">Name of the output.</param>
internal sealed record NodeChoice(string Node, string Output);

internal static class ArrayEquality
{
    public static bool Same(ImmutableArray<int>? a, ImmutableArray<int>? b) => a is { } x && b is { } y ? x.SequenceEqual(y) : a is null && b is null;
}
