using System.Collections.Immutable;
using Backbones.Graphs;

namespace Backbones.Models;

/// <summary>A backbone as a family built it: the whole graph, and which of its nodes timm's mechanisms mean.</summary>
public sealed record BackboneGraph
{
    /// <summary>All nodes; the only output is the result of <c>forward</c> (logits).</summary>
    public required Graph Graph { get; init; }

    /// <summary>The result of <c>forward_features</c>: unpooled features.</summary>
    public required Node Features { get; init; }

    /// <summary>The result of <c>forward_head(x, pre_logits=True)</c>: what the classifier gets.</summary>
    public required Node PreLogits { get; init; }

    /// <summary>Channels of <see cref="Features"/> (<c>num_features</c>).</summary>
    public required int NumFeatures { get; init; }

    /// <summary>Channels that the classifier gets (<c>head_hidden_size</c>).</summary>
    public required int HeadHiddenSize { get; init; }

    /// <summary>The levels of <c>features_only</c> (<c>feature_info</c>), first to last.</summary>
    public required ImmutableArray<FeatureLevel> Levels { get; init; }

    /// <summary>The blocks of <c>forward_intermediates</c>; null where timm's model has none. Convolutional families have their levels here.</summary>
    public ImmutableArray<IntermediateLevel>? Intermediates { get; init; }

    /// <summary>Default <c>out_indices</c> of <c>features_only</c>; null for all levels (timm's 0 to 4 as far as they exist).</summary>
    public ImmutableArray<int>? DefaultOutIndices { get; init; }

    /// <summary>Whether <c>features_only</c> goes over <see cref="Intermediates"/> (timm's FeatureGetterNet) and not over <see cref="Levels"/>' nodes.</summary>
    public bool FeaturesFromIntermediates { get; init; }

    /// <summary>How parameters of the default model become those of this one (other image size, other input channels), by key.</summary>
    public ImmutableDictionary<string, ParameterAdapter> Adapters { get; init; } = ImmutableDictionary<string, ParameterAdapter>.Empty;
}

/// <summary>One level of a feature pyramid.</summary>
/// <param name="Channels">Channels of the map (<c>num_chs</c>).</param>
/// <param name="Reduction">Input pixels per map pixel (<c>reduction</c>).</param>
/// <param name="Module">timm's module name.</param>
/// <param name="Node">The node whose value it is.</param>
public sealed record FeatureLevel(int Channels, int Reduction, string Module, Node Node);

/// <summary>How a hidden state is laid out.</summary>
public enum FeatureLayout
{
    /// <summary>Map <c>[C, H, W]</c>.</summary>
    Nchw,

    /// <summary>Map with channels last <c>[H, W, C]</c>.</summary>
    Nhwc,

    /// <summary>Prefix tokens, then patch tokens row by row: <c>[P + H·W, C]</c>.</summary>
    Nlc,
}

/// <summary>One block of <c>forward_intermediates</c>.</summary>
/// <param name="Node">The hidden state after the block.</param>
/// <param name="Layout">Its layout.</param>
/// <param name="Grid">Height and width of the patch grid (tokens), unused for maps.</param>
/// <param name="PrefixTokens">Class and register tokens before the patches.</param>
/// <param name="Norm">Applies the model's final norm (<c>norm=True</c>); null where timm ignores it.</param>
public sealed record IntermediateLevel(Node Node, FeatureLayout Layout = FeatureLayout.Nchw, Size2 Grid = default, int PrefixTokens = 0, Func<GraphBuilder, Node, Node>? Norm = null);

/// <summary>Parameter arithmetic that turns a checkpoint's entry into the one a changed model needs.</summary>
/// <param name="b">Builder at the root scope.</param>
/// <param name="source">The entry as the default model has it.</param>
/// <param name="target">The shape wanted.</param>
public delegate Node ParameterAdapter(GraphBuilder b, Node source, Shape target);

/// <summary>One architecture: a line of a family's table.</summary>
/// <param name="Name">timm's name, without tag.</param>
/// <param name="Build">Builds the graph.</param>
public sealed record ModelEntry(string Name, Func<BuildOptions, BackboneGraph> Build);
