using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// Next-ViT: blocks of grouped convolutions, and as the last of every few one that attends with most of its channels and convolves the rest.
/// timm: <c>nextvit.py</c>. Paper: Next-ViT, https://arxiv.org/abs/2207.05501
/// </summary>
internal static class NextViT
{
    /// <summary>What tells one variant from another: blocks of the stages, of the third a multiple of five.</summary>
    internal sealed record Config(ImmutableArray<int> Depths)
    {
        /// <summary>Channels of the stem's first three convolutions; the fourth has the third's.</summary>
        public (int First, int Second, int Third) Stem { get; init; } = (64, 32, 64);

        /// <summary>Side of the squares of tokens that are pooled to one, stage by stage.</summary>
        public ImmutableArray<int> PoolRatios { get; init; } = [8, 4, 2, 1];

        public int HeadDim { get; init; } = 32;

        /// <summary>The part of a block's channels that attends.</summary>
        public double MixRatio { get; init; } = 0.75;
    }

    /// <summary>A stage: channels of its first blocks, how many of those come before each block that attends, and that block's channels.</summary>
    private readonly record struct Stage(int ConvChannels, int ConvBlocks, int OutChannels, int Repeats, int PoolRatio);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        if (config.Depths[2] % 5 != 0)
            throw new GraphException($"The third stage of Next-ViT has a multiple of 5 blocks, not {config.Depths[2]}.");
        ImmutableArray<Stage> stages =
        [
            new(96, config.Depths[0], 96, 1, config.PoolRatios[0]), new(192, config.Depths[1] - 1, 256, 1, config.PoolRatios[1]),
            new(384, 4, 512, config.Depths[2] / 5, config.PoolRatios[2]), new(768, config.Depths[3] - 1, 1024, 1, config.PoolRatios[3]),
        ];
        Node x = b.Input;
        foreach ((int i, (int channels, int stride)) in new[] { (config.Stem.First, 2), (config.Stem.Second, 1), (config.Stem.Third, 1), (config.Stem.Third, 2) }.Index())
        {
            using (b.Scope($"stem.{i}"))
                x = b.Act("act", b.BatchNorm("norm", b.Conv2d("conv", x, channels, 3, stride, padding: 1)), UnaryKind.Relu);
        }
        var levels = new List<FeatureLevel>();
        foreach ((int i, Stage stage) in stages.Index())
        {
            int block = 0;
            for (int repeat = 0; repeat < stage.Repeats; repeat++)
            {
                for (int conv = 0; conv < stage.ConvBlocks; conv++)
                {
                    using (b.Scope($"stages.{i}.blocks.{block}"))
                        x = ConvBlock(b, config, x, stage.ConvChannels, stride: i > 0 && block == 0 ? 2 : 1);
                    block++;
                }
                if (i > 0)
                {
                    using (b.Scope($"stages.{i}.blocks.{block}"))
                        x = TransformerBlock(b, config, x, stage.OutChannels, stage.PoolRatio, stride: block == 0 ? 2 : 1);
                    block++;
                }
            }
            levels.Add(new FeatureLevel(stage.OutChannels, 4 << i, $"stages.{i}", x));
        }
        Node last = x, features = b.BatchNorm("norm", x);
        return BackboneGraph.OfLevels(b, levels, features, ClassifierHeads.Pool(b, features, options.NumClasses, options.GlobalPool)) with
        {
            // timm norms the last stage alone: the norm fits no other.
            Intermediates = [.. levels.Select(l => new IntermediateLevel(l.Node, Norm: l.Node == last ? (_, _) => features : null))],
        };
    }

    private static Node ConvBlock(GraphBuilder b, Config config, Node x, int channels, int stride)
    {
        x = PatchEmbed(b, "patch_embed", x, channels, stride);
        x = b.Add(x, ConvAttention(b, config, x));
        return b.Add(x, ConvMlp.Build(b, "mlp", b.BatchNorm("norm", x), 3 * channels, Relu));
    }

    private static Node TransformerBlock(GraphBuilder b, Config config, Node x, int channels, int poolRatio, int stride)
    {
        int attending = ChannelAttention.MakeDivisible((int)(channels * config.MixRatio), 32);
        x = PatchEmbed(b, "patch_embed", x, attending, stride);
        Shape map = x.Shape;
        Node y = b.Transpose(b.Reshape(b.BatchNorm("norm1", x), [map[0], map[1] * map[2]]), -1, -2);
        x = b.Add(x, b.Reshape(b.Transpose(Attend(b, config, y, poolRatio), -1, -2), map));

        y = PatchEmbed(b, "projection", x, channels - attending, stride: 1);
        y = b.Add(y, ConvAttention(b, config, y));
        x = b.Concat(0, [x, y]);
        return b.Add(x, ConvMlp.Build(b, "mlp", b.BatchNorm("norm2", x), 2 * channels, Relu));
    }

    private static Node PatchEmbed(GraphBuilder b, string name, Node x, int channels, int stride)
    {
        bool changes = stride > 1 || x.Shape[0] != channels;
        using (b.Scope(name))
        {
            x = stride > 1 ? b.AvgPool2d("pool", x, 2, 2, ceilMode: true, countIncludePad: false) : b.Identity("pool", x);
            x = changes ? b.Conv2d("conv", x, channels, 1) : b.Identity("conv", x);
            return changes ? b.BatchNorm("norm", x) : b.Identity("norm", x);
        }
    }

    // Called attention in the paper; a grouped convolution.
    private static Node ConvAttention(GraphBuilder b, Config config, Node x)
    {
        int channels = x.Shape[0];
        using (b.Scope("mhca"))
        {
            x = b.BatchNorm("norm", b.Conv2d("group_conv3x3", x, channels, 3, padding: 1, groups: channels / config.HeadDim));
            return b.Conv2d("projection", b.Act("act", x, UnaryKind.Relu), channels, 1);
        }
    }

    /// <summary>Attention of tokens <c>[L, C]</c> to the means of poolRatio² tokens that follow one another.</summary>
    private static Node Attend(GraphBuilder b, Config config, Node x, int poolRatio)
    {
        (int length, int width) = (x.Shape[0], x.Shape[1]);
        int heads = width / config.HeadDim, pooled = poolRatio * poolRatio;
        using (b.Scope("e_mhsa"))
        {
            b.Declare("q", "k", "v", "proj", "norm");
            Node q = b.Permute(b.Reshape(b.Linear("q", x, width), [length, heads, config.HeadDim]), [1, 0, 2]);
            if (poolRatio > 1)
            {
                // timm has the tokens last for pooling and norm.
                b.Transpose(x, 0, 1);
                int groups = length / pooled;
                x = b.Reduce(b.Reshape(b.Slice(x, 0, 0, groups * pooled), [groups, pooled, width]), ReduceKind.Mean, [1], target: "sr");
                x = b.Identity("transpose", b.BatchNorm("norm", x, axis: -1));
            }
            Node k = Heads(b.Linear("k", x, width)), v = Heads(b.Linear("v", x, width));
            x = Attention.MergeHeads(b, Attention.Dot(b, q, k, v));
            return b.Identity("proj_drop", b.Linear("proj", x, width));

            Node Heads(Node y) => b.Transpose(b.Reshape(y, [y.Shape[0], heads, config.HeadDim]), 0, 1);
        }
    }

    private static ActLayer Relu { get; } = ActLayers.Torch(UnaryKind.Relu);

    /// <summary>The authors' files have other names in the same order; what each ends in must be the same at least.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        if (c.Keys.Zip(c.ModelKeys).All(p => Path.GetExtension(p.First) == Path.GetExtension(p.Second)))
            c.RenameInOrder(c.ModelKeys);
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["depths"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["stem_chs"] = (c, v) => c with { Stem = v.Triple() },
        ["sr_ratios"] = (c, v) => c with { PoolRatios = v.PerStage(c.PoolRatios.Length) },
        ["head_dim"] = (c, v) => c with { HeadDim = v.GetInt32() },
        ["mix_block_ratio"] = (c, v) => c with { MixRatio = v.GetDouble() is var r and > 0 and < 1 ? r : throw new ArgumentValueException("between 0 and 1") },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        Remap = Remap,
        ["nextvit_small"] = new([3, 4, 10, 3]),
        ["nextvit_base"] = new([3, 4, 20, 3]),
        ["nextvit_large"] = new([3, 4, 30, 3]),
    };
}
