using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// Deep layer aggregation: the blocks of a stage are a tree, whose roots merge what is below them.
/// timm: <c>dla.py</c>. Papers: Deep Layer Aggregation, https://arxiv.org/abs/1707.06484; Res2Net, https://arxiv.org/abs/1904.01169
/// </summary>
internal static class Dla
{
    /// <summary>A block in its scope: x <c>[C, H, W]</c> → <c>[outChannels, H/stride, W/stride]</c>, with the shortcut given.</summary>
    internal delegate Node BlockLayers(GraphBuilder b, Config config, Node x, Node shortcut, int outChannels, int stride);

    /// <summary>What tells one variant from another: depth of each level (blocks of the first two, of the tree of the others), channels, kind of block.</summary>
    internal sealed record Config(ImmutableArray<int> Levels, ImmutableArray<int> Channels, BlockLayers Block)
    {
        public int Cardinality { get; init; } = 1;

        public int BaseWidth { get; init; } = 64;

        /// <summary>Roots add their first input.</summary>
        public bool ShortcutRoot { get; init; }
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x;
        using (b.Scope("base_layer"))
            x = b.Act("2", b.BatchNorm("1", b.Conv2d("0", b.Input, config.Channels[0], 7, padding: 3)), UnaryKind.Relu);
        var levels = new List<FeatureLevel>();
        for (int level = 0; level < config.Levels.Length; level++)
        {
            string name = $"level{level}";
            x = level < 2 ? ConvLevel(b, name, x, config.Channels[level], config.Levels[level], stride: level + 1)
                : Tree(b, config, name, x, config.Channels[level], config.Levels[level], stride: 2, levelRoot: level > 2, []);
            levels.Add(new FeatureLevel(x.Shape[0], 1 << level, name, x));
        }
        return BackboneGraph.OfLevels(b, levels, x, ClassifierHeads.PoolConv(b, x, options.NumClasses, options.GlobalPool, dropName: "head_drop")) with
        {
            Intermediates = null,
            DefaultOutIndices = [1, 2, 3, 4, 5],
        };
    }

    private static Node ConvLevel(GraphBuilder b, string name, Node x, int channels, int count, int stride)
    {
        using (b.Scope(name))
        {
            for (int i = 0; i < count; i++)
            {
                x = b.Conv2d($"{3 * i}", x, channels, 3, i == 0 ? stride : 1, 1);
                x = b.Act($"{3 * i + 2}", b.BatchNorm($"{3 * i + 1}", x), UnaryKind.Relu);
            }
            return x;
        }
    }

    /// <summary>A tree: two blocks and a root, or two trees, the second of which merges what the first ones left.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="config">The variant.</param>
    /// <param name="name">Module name.</param>
    /// <param name="x">The map.</param>
    /// <param name="channels">Channels of the result.</param>
    /// <param name="depth">Depth of the tree.</param>
    /// <param name="stride">Stride.</param>
    /// <param name="levelRoot">The root merges the tree's input too.</param>
    /// <param name="children">What other trees left for the root.</param>
    private static Node Tree(GraphBuilder b, Config config, string name, Node x, int channels, int depth, int stride, bool levelRoot, ImmutableArray<Node> children)
    {
        using (b.Scope(name))
        {
            Node bottom = stride > 1 ? b.MaxPool2d("downsample", x, stride) : b.Identity("downsample", x);
            Node shortcut = depth == 1 && x.Shape[0] != channels ? Project(b, bottom, channels) : b.Identity("project", bottom);
            if (levelRoot)
                children = children.Add(bottom);
            if (depth > 1)
            {
                Node first = Tree(b, config, "tree1", x, channels, depth - 1, stride, levelRoot: false, []);
                return Tree(b, config, "tree2", first, channels, depth - 1, 1, levelRoot: false, children.Add(first));
            }
            Node x1, x2;
            using (b.Scope("tree1"))
                x1 = config.Block(b, config, x, shortcut, channels, stride);
            using (b.Scope("tree2"))
                x2 = config.Block(b, config, x1, x1, channels, 1);
            return Root(b, config, [x2, x1, .. children], channels);
        }
    }

    private static Node Project(GraphBuilder b, Node x, int channels)
    {
        using (b.Scope("project"))
            return b.BatchNorm("1", b.Conv2d("0", x, channels, 1));
    }

    private static Node Root(GraphBuilder b, Config config, ImmutableArray<Node> inputs, int channels)
    {
        using (b.Scope("root"))
        {
            Node x = b.BatchNorm("bn", b.Conv2d("conv", b.Concat(0, inputs.AsSpan()), channels, 1));
            return b.Act("relu", config.ShortcutRoot ? b.Add(x, inputs[0]) : x, UnaryKind.Relu);
        }
    }

    private static Node Basic(GraphBuilder b, Config config, Node x, Node shortcut, int outChannels, int stride)
    {
        x = b.Act("relu", b.BatchNorm("bn1", b.Conv2d("conv1", x, outChannels, 3, stride, 1)), UnaryKind.Relu);
        x = b.BatchNorm("bn2", b.Conv2d("conv2", x, outChannels, 3, 1, 1));
        return b.Act("relu", b.Add(x, shortcut), UnaryKind.Relu);
    }

    private static Node Bottleneck(GraphBuilder b, Config config, Node x, Node shortcut, int outChannels, int stride)
    {
        int width = WidthOf(config, outChannels);
        x = b.Act("relu", b.BatchNorm("bn1", b.Conv2d("conv1", x, width, 1)), UnaryKind.Relu);
        x = b.Act("relu", b.BatchNorm("bn2", b.Conv2d("conv2", x, width, 3, stride, 1, groups: config.Cardinality)), UnaryKind.Relu);
        x = b.BatchNorm("bn3", b.Conv2d("conv3", x, outChannels, 1));
        return b.Act("relu", b.Add(x, shortcut), UnaryKind.Relu);
    }

    private static Node Bottle2neck(GraphBuilder b, Config config, Node x, Node shortcut, int outChannels, int stride)
        => Res2Net.Bottle2neck(b, x, new(WidthOf(config, outChannels), 4, config.Cardinality, stride, 1, Separate: stride > 1), outChannels, () => shortcut);

    private static int WidthOf(Config config, int outChannels) => outChannels * config.BaseWidth / 64 * config.Cardinality / 2;

    private static readonly ImmutableArray<int> s_compact = [16, 32, 64, 64, 128, 256], s_wide = [16, 32, 128, 256, 512, 1024];

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["levels"] = (c, v) => c with { Levels = v.PerStage(c.Levels.Length) },
        ["channels"] = (c, v) => c with { Channels = v.PerStage(c.Channels.Length) },
        ["cardinality"] = (c, v) => c with { Cardinality = v.GetInt32() },
        ["base_width"] = (c, v) => c with { BaseWidth = v.GetInt32() },
        ["shortcut_root"] = (c, v) => c with { ShortcutRoot = v.GetBoolean() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        ["dla60_res2net"] = new([1, 1, 1, 2, 3, 1], s_wide, Bottle2neck) { BaseWidth = 28 },
        ["dla60_res2next"] = new([1, 1, 1, 2, 3, 1], s_wide, Bottle2neck) { Cardinality = 8, BaseWidth = 4 },
        ["dla34"] = new([1, 1, 1, 2, 2, 1], [16, 32, 64, 128, 256, 512], Basic),
        ["dla46_c"] = new([1, 1, 1, 2, 2, 1], s_compact, Bottleneck),
        ["dla46x_c"] = new([1, 1, 1, 2, 2, 1], s_compact, Bottleneck) { Cardinality = 32, BaseWidth = 4 },
        ["dla60x_c"] = new([1, 1, 1, 2, 3, 1], s_compact, Bottleneck) { Cardinality = 32, BaseWidth = 4 },
        ["dla60"] = new([1, 1, 1, 2, 3, 1], s_wide, Bottleneck),
        ["dla60x"] = new([1, 1, 1, 2, 3, 1], s_wide, Bottleneck) { Cardinality = 32, BaseWidth = 4 },
        ["dla102"] = new([1, 1, 1, 3, 4, 1], s_wide, Bottleneck) { ShortcutRoot = true },
        ["dla102x"] = new([1, 1, 1, 3, 4, 1], s_wide, Bottleneck) { Cardinality = 32, BaseWidth = 4, ShortcutRoot = true },
        ["dla102x2"] = new([1, 1, 1, 3, 4, 1], s_wide, Bottleneck) { Cardinality = 64, BaseWidth = 4, ShortcutRoot = true },
        ["dla169"] = new([1, 1, 2, 3, 5, 1], s_wide, Bottleneck) { ShortcutRoot = true },
    };
}
