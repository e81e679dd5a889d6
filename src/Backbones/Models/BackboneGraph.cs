using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Weights;

namespace Backbones.Models;

/// <summary>A backbone as a family built it: the whole graph, and which of its nodes timm's mechanisms mean.</summary>
internal sealed record BackboneGraph
{
    /// <summary>All nodes; the only output is the result of <c>forward</c> (logits).</summary>
    public required Graph Graph { get; init; }

    /// <summary>The result of <c>forward_features</c>: unpooled features.</summary>
    public required Node Features { get; init; }

    /// <summary>All results of <c>forward_features</c> where they are several, one for each branch or scale, <see cref="Features"/> among them; empty where it is one.</summary>
    public ImmutableArray<Node> FeatureBranches { get; init; } = [];

    /// <summary>The result of <c>forward_head(x, pre_logits=True)</c>: what the classifier gets.</summary>
    public required Node PreLogits { get; init; }

    /// <summary>Channels of <see cref="Features"/> (<c>num_features</c>).</summary>
    public required int NumFeatures { get; init; }

    /// <summary>Channels that the classifier gets (<c>head_hidden_size</c>).</summary>
    public required int HeadHiddenSize { get; init; }

    /// <summary>The levels of <c>features_only</c> (<c>feature_info</c>), first to last.</summary>
    public required ImmutableArray<FeatureLevel> Levels { get; init; }

    /// <summary>How the maps of <see cref="Levels"/> are laid out: as timm gives them.</summary>
    public FeatureLayout LevelLayout { get; init; } = FeatureLayout.Nchw;

    /// <summary>timm refuses <c>features_only</c>, whatever <c>feature_info</c> says.</summary>
    public bool RefusesPyramid { get; init; }

    /// <summary>Whether there is a <c>features_only</c>.</summary>
    public bool HasPyramid => !RefusesPyramid && !Levels.IsEmpty;

    /// <summary>The blocks of <c>forward_intermediates</c>; null where timm's model has none. Convolutional families have their levels here.</summary>
    public ImmutableArray<IntermediateLevel>? Intermediates { get; init; }

    /// <summary>Default <c>out_indices</c> of <c>features_only</c>; null for all levels (timm's 0 to 4 as far as they exist).</summary>
    public ImmutableArray<int>? DefaultOutIndices { get; init; }

    /// <summary>Whether timm refuses the final norm on hidden states. Where it leaves it out without a word, it is left out here, too.</summary>
    public bool RefusesIntermediateNorm { get; init; }

    /// <summary>Whether <c>features_only</c> goes over <see cref="Intermediates"/> (timm's FeatureGetterNet) and not over <see cref="Levels"/>' nodes.</summary>
    public bool FeaturesFromIntermediates { get; init; }

    /// <summary>The last value that an assertion of torchvision's reads; null for none. Its extraction of nodes leaves assertions alone, and with them the parameters that they need.</summary>
    public Node? Asserted { get; init; }

    /// <summary>How a checkpoint's entries become this model's (other image size, other input channels), by key.</summary>
    public ImmutableDictionary<string, ParameterAdapter> Adapters { get; init; } = ImmutableDictionary<string, ParameterAdapter>.Empty;

    /// <summary>The parameters as weights have them: what can be adapted may have another shape there.</summary>
    /// <param name="weights">The weights.</param>
    /// <param name="parameters">The parameters of a part of the graph; all of them if left out.</param>
    internal IEnumerable<ParameterSpec> AsStored(ParameterStore weights, IEnumerable<ParameterSpec>? parameters = null) => (parameters ?? Graph.Parameters).Select(p
        => Adapters.ContainsKey(p.Name) && weights.TryGet(p.Name, out ParameterTensor? entry) && entry.Shape.Rank == p.Shape.Rank ? p with { Shape = entry.Shape } : p);

    /// <summary>A convolutional network, whose levels are also the blocks of <c>forward_intermediates</c>.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="levels">The pyramid, first to last.</param>
    /// <param name="features">The unpooled features <c>[C, H, W]</c>; C is <see cref="NumFeatures"/> and <see cref="HeadHiddenSize"/> unless set otherwise.</param>
    /// <param name="head">The classifier's input and its result.</param>
    internal static BackboneGraph OfLevels(GraphBuilder b, IReadOnlyCollection<FeatureLevel> levels, Node features, (Node PreLogits, Node Logits) head) => new()
    {
        Graph = b.Build(head.Logits),
        Features = features,
        PreLogits = head.PreLogits,
        NumFeatures = features.Shape[0],
        HeadHiddenSize = features.Shape[0],
        Levels = [.. levels],
        Intermediates = [.. levels.Select(l => new IntermediateLevel(l.Node))],
    };

    /// <summary>A transformer of one width, whose pyramid (timm's FeatureGetterNet) is the last three of its blocks.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="blocks">The hidden states after the blocks, tokens <c>[P + H·W, C]</c>.</param>
    /// <param name="patchSize">Input pixels per patch.</param>
    /// <param name="grid">Height and width of the grid of patches.</param>
    /// <param name="prefixTokens">Tokens before the patches.</param>
    /// <param name="features">The unpooled features, with the final norm where the model has it there.</param>
    /// <param name="norm">That norm, <c>norm</c>; null for none.</param>
    /// <param name="head">The classifier's input and its result.</param>
    internal static BackboneGraph OfBlocks(GraphBuilder b, IReadOnlyList<Node> blocks, int patchSize, Size2 grid, int prefixTokens, Node features, NormLayer? norm, (Node PreLogits, Node Logits) head)
    {
        int width = features.Shape[^1];
        return new()
        {
            Graph = b.Build(head.Logits),
            Features = features,
            PreLogits = head.PreLogits,
            NumFeatures = width,
            HeadHiddenSize = width,
            Levels = [.. blocks.Select((node, i) => new FeatureLevel(width, patchSize, $"blocks.{i}", node))],
            Intermediates = [.. blocks.Select(node => new IntermediateLevel(node, FeatureLayout.Nlc, grid, prefixTokens, Norm(node)))],
            DefaultOutIndices = [-3, -2, -1],
            FeaturesFromIntermediates = true,
        };

        // The last block's is there already.
        Func<GraphBuilder, Node, Node>? Norm(Node block) => norm is null ? null : block == blocks[^1] ? (_, _) => features : (extended, node) => norm(extended, "norm", node);
    }
}

/// <summary>One level of a feature pyramid.</summary>
/// <param name="Channels">Channels of the map (<c>num_chs</c>).</param>
/// <param name="Reduction">Input pixels per map pixel (<c>reduction</c>).</param>
/// <param name="Module">timm's module name.</param>
/// <param name="Node">The node whose value it is.</param>
internal sealed record FeatureLevel(int Channels, int Reduction, string Module, Node Node);

/// <summary>How a hidden state is laid out.</summary>
internal enum FeatureLayout
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
/// <param name="Final">The last result where the blocks behind this one are left out, if it is not the hidden state itself (PiT's class tokens).</param>
internal sealed record IntermediateLevel(
    Node Node, FeatureLayout Layout = FeatureLayout.Nchw, Size2 Grid = default, int PrefixTokens = 0, Func<GraphBuilder, Node, Node>? Norm = null, Node? Final = null);
