using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Models;

namespace Backbones;

/// <summary>One output of a selection.</summary>
/// <param name="Name">The output's name: <c>features</c>, a level's index, or the name given for a node.</param>
/// <param name="Shape">Shape of one batch item, such as <c>[C, H, W]</c>.</param>
/// <param name="Level">Channels, reduction and module where the output is a level of the pyramid or an intermediate.</param>
public sealed record FeatureOutput(string Name, Shape Shape, FeatureInfo? Level = null);

/// <summary>What a selection's outputs are called outside of it, where a level's bare number would say too little.</summary>
internal static class OutputNames
{
    /// <summary>Levels of a pyramid are <c>level_0</c>, blocks <c>block_0</c> and <c>block_0_prefix</c>; others keep their names.</summary>
    public static string Of(FeatureSelection selection, FeatureOutput output)
    {
        string prefix = selection switch
        {
            PyramidSelection => "level_",
            IntermediatesSelection => "block_",
            _ => "",
        };
        return $"{prefix}{output.Name.Replace(".prefix", "_prefix", StringComparison.Ordinal)}";
    }
}

/// <summary>timm's <c>feature_info</c> of one level.</summary>
/// <param name="Index">Number of the level or block.</param>
/// <param name="Channels">Channels (<c>num_chs</c>).</param>
/// <param name="Reduction">Input pixels per map pixel.</param>
/// <param name="Module">timm's module name.</param>
public sealed record FeatureInfo(int Index, int Channels, int Reduction, string Module)
{
    /// <summary>How the map is laid out: timm's pyramids of some transformers (Swin) have their channels last.</summary>
    public FeatureFormat Format { get; init; } = FeatureFormat.Nchw;
}

/// <summary>A backbone's graph with the wanted nodes as its outputs and everything else removed.</summary>
public sealed record SelectedFeatures
{
    internal SelectedFeatures(Graph graph, ImmutableArray<FeatureOutput> outputs, BackboneGraph backbone)
    {
        Graph = graph;
        Outputs = outputs;
        Backbone = backbone;
    }

    /// <summary>What is left to compute.</summary>
    public Graph Graph { get; private init; }

    /// <summary>Descriptions of <c>Graph.Outputs</c>, in the same order.</summary>
    public ImmutableArray<FeatureOutput> Outputs { get; private init; }

    /// <summary>The whole backbone it was cut from.</summary>
    internal BackboneGraph Backbone { get; }

    /// <summary>The backbone with its weights, and the same selection for another image size; null where it was not made by <see cref="Backbones.Backbone.Select(FeatureSelection)"/>.</summary>
    internal SelectionSource? Source { get; init; }

    /// <summary>State_dict keys of the backbone that this selection does not need (what timm's pruning removes).</summary>
    public IEnumerable<string> RemovedParameters => Backbone.Graph.Parameters.Select(p => p.Name).Except(Graph.Parameters.Select(p => p.Name));

    /// <summary>Builds a backbone and chooses its outputs.</summary>
    /// <param name="model">The architecture.</param>
    /// <param name="selection">What is wanted.</param>
    /// <param name="options">Image size, channels and so on. The selection's own settings (pool, output stride) take precedence.</param>
    /// <exception cref="GraphException">A name, pool or stride that the model does not have.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An index outside the model's levels.</exception>
    internal static SelectedFeatures Create(ModelEntry model, FeatureSelection selection, BuildOptions? options = null)
        => Choose(model.Build(OptionsFor(selection, options ?? BuildOptions.Default)), selection);

    /// <summary>What a selection changes in the structure of the backbone: a pool in place of the classifier, an output stride.</summary>
    internal static BuildOptions OptionsFor(FeatureSelection selection, BuildOptions options) => selection switch
    {
        PooledSelection pooled => options with { NumClasses = 0, ResetPool = pooled.Pool },
        // 32 is what is asked for by default: it leaves a model that was made with a smaller stride as it is.
        PyramidSelection { OutputStride: not 32 } pyramid => options with { OutputStride = pyramid.OutputStride },
        _ => options,
    };

    /// <summary>Chooses outputs of a backbone that was built with <see cref="OptionsFor"/>.</summary>
    internal static SelectedFeatures Choose(BackboneGraph backbone, FeatureSelection selection) => selection switch
    {
        PooledSelection => Choose(backbone, [("features", backbone.Graph.Outputs[0], null)]),
        UnpooledSelection => backbone.FeatureBranches.IsEmpty
            ? Choose(backbone, [("features", backbone.Features, null)])
            : Choose(backbone, [.. backbone.FeatureBranches.Select((node, i) => ($"features.{i}", node, (FeatureInfo?)null))]),
        LogitsSelection => Choose(backbone, [("logits", backbone.Graph.Outputs[0], null)]),
        NodesSelection nodes => KeepAsserted(Choose(backbone, [.. Named(nodes.Choices).Select(c => (c.Output, backbone.Graph.Find(c.Node), (FeatureInfo?)null))])),
        PyramidSelection pyramid => Pyramid(pyramid, backbone),
        IntermediatesSelection intermediates => Intermediates(intermediates, backbone),
        null => throw new ArgumentNullException(nameof(selection), "No selection was given; take one of FeatureSelection's, such as FeatureSelection.Pooled()."),
        _ => throw new ArgumentException($"Unknown selection {selection}.", nameof(selection)),
    };

    /// <summary>Nodes whose outputs can be told apart by their names.</summary>
    /// <exception cref="ArgumentException">There are none; or one has no name, or that of another.</exception>
    private static ImmutableArray<NodeChoice> Named(ImmutableArray<NodeChoice> choices)
    {
        if (choices.IsDefaultOrEmpty)
            throw new ArgumentException("No node asked for; give names of nodes, such as those of Backbone.NodeNames.", "selection");
        if (choices.Any(c => c is not { Node: not null, Output: not null }))
            throw new ArgumentException($"A node or its output is without a name: {string.Join(", ", choices.Select(c => $"'{c?.Node}' as '{c?.Output}'"))}. Name nodes, such as those of Backbone.NodeNames, and outputs.", "selection");
        return choices.GroupBy(c => c.Output).FirstOrDefault(g => g.Count() > 1) is not { } twice ? choices
            : throw new ArgumentException($"Several nodes are to be the output '{twice.Key}': {string.Join(", ", twice.Select(c => $"'{c.Node}'"))}. Give every output a name of its own.", "selection");
    }

    /// <summary>Several selections of the same backbone as one graph: computed in one run, outputs one after another.</summary>
    /// <exception cref="ArgumentException">The selections were not made from the same backbone.</exception>
    internal static SelectedFeatures Merge(IReadOnlyList<SelectedFeatures> selections)
    {
        BackboneGraph backbone = selections[0].Backbone;
        if (selections.Any(s => s.Backbone != backbone))
            throw new ArgumentException("The selections were not made from the same backbone.", nameof(selections));
        return new(
            new Graph(backbone.Graph.Inputs, [.. selections.SelectMany(s => s.Graph.Nodes).Distinct()], [.. selections.SelectMany(s => s.Graph.Outputs)], backbone.Graph.Parameters).WithOutputs(selections.SelectMany(s => s.Graph.Outputs)),
            [.. selections.SelectMany(s => s.Outputs)],
            backbone);
    }

    /// <summary>Some of the outputs, without what only the others need.</summary>
    public SelectedFeatures Only(Func<int, bool> isWanted)
    {
        int[] kept = [.. Enumerable.Range(0, Outputs.Length).Where(isWanted)];
        return kept.Length == Outputs.Length ? this : this with
        {
            Graph = Graph.WithOutputs(kept.Select(i => Graph.Outputs[i])),
            Outputs = [.. kept.Select(i => Outputs[i])],
            Source = Source?.Then(s => s.Only(isWanted)),
        };
    }

    /// <summary>A neck or head on top: what <paramref name="build"/> makes of the outputs becomes the outputs. Its parameters are the graph's, beside the backbone's.</summary>
    /// <param name="build">Gets a builder that continues the graph, and the outputs with their names, maps always as <c>[C, H, W]</c>; gives the new ones.</param>
    public SelectedFeatures Extend(Func<GraphBuilder, IReadOnlyList<(string Name, Node Map)>, IEnumerable<(string Name, Node Map)>> build)
    {
        GraphBuilder b = GraphBuilder.Extend(Graph);
        (string Name, Node Map)[] outputs = [.. build(b, [.. Outputs.Zip(Graph.Outputs, (o, n) => (o.Name, o.Level is { Format: FeatureFormat.Nhwc } ? b.Permute(n, [2, 0, 1], "#channels_first") : n))])];
        return this with
        {
            Graph = b.Build(Graph.Outputs).WithOutputs(outputs.Select(o => o.Map)),
            Outputs = [.. outputs.Select(o => new FeatureOutput(o.Name, o.Map.Shape))],
            Source = Source?.Then(s => s.Extend(build)),
        };
    }

    /// <summary>The same outputs over a checkpoint: entries that it has for another image size or other channels are adapted as timm does.</summary>
    /// <param name="checkpoint">The checkpoint's entries, of which only names and shapes count.</param>
    /// <exception cref="GraphException">An entry has another shape, and there is no way to adapt it.</exception>
    internal SelectedFeatures AdaptedTo(IEnumerable<ParameterSpec> checkpoint) => this with
    {
        Graph = Graphs.Passes.AdaptParameters.Run(Graph, checkpoint, (b, source, target)
            => Backbone.Adapters.TryGetValue(source.Name, out ParameterAdapter? adapt) && source.Shape.Rank == target.Rank ? adapt(b, source, target) : null),
    };

    /// <summary>timm's <c>feature_info</c> for all levels of a backbone.</summary>
    internal static ImmutableArray<FeatureInfo> InfoOf(BackboneGraph backbone)
        => [.. backbone.Levels.Select((l, i) => new FeatureInfo(i, l.Channels, l.Reduction, l.Module) { Format = backbone is { LevelLayout: FeatureLayout.Nhwc, FeaturesFromIntermediates: false } ? FeatureFormat.Nhwc : FeatureFormat.Nchw })];

    /// <summary>The same nodes, with the parameters that torchvision keeps for its assertions. They are state_dict entries that no node reads.</summary>
    private static SelectedFeatures KeepAsserted(SelectedFeatures selected) => selected.Backbone.Asserted is not { } asserted ? selected : selected with
    {
        Graph = new Graph(selected.Graph.Inputs, selected.Graph.Nodes, selected.Graph.Outputs, selected.Backbone.Graph.WithOutputs(selected.Graph.Outputs.Append(asserted)).Parameters),
    };

    private static SelectedFeatures Pyramid(PyramidSelection selection, BackboneGraph backbone)
    {
        ImmutableArray<FeatureInfo> info = InfoOf(backbone);
        if (!backbone.HasPyramid)
            throw new GraphException($"This model has no feature pyramid in timm; use {(backbone.Intermediates is null ? "" : "Intermediates or ")}Nodes.");
        ImmutableArray<int> indices = FeatureIndices.Resolve(selection.OutIndices ?? backbone.DefaultOutIndices, info.Length, "level");
        if (!backbone.FeaturesFromIntermediates)
            return Choose(backbone, [.. indices.Select(i => ($"{i}", backbone.Levels[i].Node, (FeatureInfo?)info[i]))]);

        GraphBuilder b = GraphBuilder.Extend(backbone.Graph);
        ImmutableArray<IntermediateLevel> blocks = IntermediatesOf(backbone);
        return Choose(backbone, [.. indices.Select(i => ($"{i}", ToFormat(b, blocks[i], i, false, FeatureFormat.Nchw).Map, (FeatureInfo?)info[i]))], b);
    }

    private static SelectedFeatures Intermediates(IntermediatesSelection selection, BackboneGraph backbone)
    {
        if (!Enum.IsDefined(selection.OutputFormat))
            throw new ArgumentOutOfRangeException(nameof(selection), selection.OutputFormat, $"There is no such output format; valid ones are {string.Join(", ", Enum.GetNames<FeatureFormat>())}.");
        ImmutableArray<IntermediateLevel> blocks = IntermediatesOf(backbone);
        if (selection.Norm && backbone.RefusesIntermediateNorm)
            throw new GraphException("This model's final norm is for its pooled features alone; take its hidden states without it.");
        ImmutableArray<FeatureInfo> info = InfoOf(backbone);
        ImmutableArray<int> indices = FeatureIndices.Resolve(selection.Indices, blocks.Length, "block");
        GraphBuilder b = GraphBuilder.Extend(backbone.Graph);
        var outputs = new List<(string, Node, FeatureInfo?)>();
        foreach (int i in indices)
        {
            (Node map, Node? prefix) = ToFormat(b, blocks[i], i, selection.Norm, selection.OutputFormat);
            outputs.Add(($"{i}", map, info.Length == blocks.Length ? info[i] with { Format = selection.OutputFormat } : null));
            if (selection.ReturnPrefixTokens && prefix is not null)
                outputs.Add(($"{i}.prefix", prefix, null));
        }
        if (!selection.IntermediatesOnly)
        {
            IntermediateLevel last = blocks[indices[^1]];
            Node final = selection.StopEarly && indices[^1] < blocks.Length - 1 ? last.Final ?? last.Norm?.Invoke(b, last.Node) ?? last.Node : backbone.Features;
            outputs.Add(("features", final, null));
        }
        return Choose(backbone, outputs, b);
    }

    private static ImmutableArray<IntermediateLevel> IntermediatesOf(BackboneGraph backbone)
        => backbone.Intermediates ?? throw new GraphException($"This model has no forward_intermediates in timm; use {(backbone.HasPyramid ? "Pyramid or " : "")}Nodes.");

    private static (Node Map, Node? Prefix) ToFormat(GraphBuilder b, IntermediateLevel level, int index, bool norm, FeatureFormat format)
    {
        Node x = norm && level.Norm is { } apply ? apply(b, level.Node) : level.Node;
        using (b.Scope($"intermediates.{index}"))
        {
            if (level.Layout != FeatureLayout.Nlc)
            {
                bool last = level.Layout == FeatureLayout.Nhwc;
                return format switch
                {
                    FeatureFormat.Nchw => (last ? b.Permute(x, [2, 0, 1]) : x, null),
                    FeatureFormat.Nhwc => (last ? x : b.Permute(x, [1, 2, 0]), null),
                    _ => throw new GraphException($"'{level.Node.Name}' is a map {x.Shape}; output format NLC is for token models."),
                };
            }
            int length = level.Grid.H * level.Grid.W, channels = x.Shape[^1];
            Node? prefix = level.PrefixTokens == 0 ? null : b.Slice(x, 0, 0, level.PrefixTokens);
            Node tokens = level.PrefixTokens == 0 ? x : b.Slice(x, 0, level.PrefixTokens, length);
            return (format switch
            {
                FeatureFormat.Nlc => tokens,
                FeatureFormat.Nhwc => b.Reshape(tokens, [level.Grid.H, level.Grid.W, channels]),
                _ => b.Reshape(b.Permute(tokens, [1, 0]), [channels, level.Grid.H, level.Grid.W]),
            }, prefix);
        }
    }

    private static SelectedFeatures Choose(BackboneGraph backbone, IReadOnlyList<(string Name, Node Node, FeatureInfo? Info)> outputs, GraphBuilder? extended = null)
    {
        Graph whole = extended is null ? backbone.Graph : extended.Build(backbone.Graph.Outputs);
        return new(whole.WithOutputs(outputs.Select(o => o.Node)), [.. outputs.Select(o => new FeatureOutput(o.Name, o.Node.Shape, o.Info))], backbone);
    }
}

/// <summary>Where a selection is from.</summary>
/// <param name="Backbone">The backbone with its weights.</param>
/// <param name="AtSize">The same selection for images of another size.</param>
internal sealed record SelectionSource(Backbone Backbone, Func<Size2, SelectedFeatures> AtSize)
{
    /// <summary>The source of what is made of the selection.</summary>
    public SelectionSource Then(Func<SelectedFeatures, SelectedFeatures> change) => this with { AtSize = size => change(AtSize(size)) };
}
