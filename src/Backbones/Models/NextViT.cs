using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// Next-ViT: blocks of grouped convolutions, and as the last of every few one that attends with most of its channels and convolves the rest.
/// timm: <c>nextvit.py</c>. Paper: Next-ViT, https://arxiv.org/abs/2207.05501
/// </summary>
internal static class NextViT
{
    private const int HeadDim = 32;

    /// <summary>What tells one variant from another: blocks of the third stage, a multiple of five.</summary>
    internal sealed record Config(int ThirdDepth);

    /// <summary>A stage: channels of its first blocks, how many of those come before each block that attends, and that block's channels.</summary>
    private readonly record struct Stage(int ConvChannels, int ConvBlocks, int OutChannels, int Repeats, int PoolRatio);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        ImmutableArray<Stage> stages = [new(96, 3, 96, 1, 8), new(192, 3, 256, 1, 4), new(384, 4, 512, config.ThirdDepth / 5, 2), new(768, 2, 1024, 1, 1)];
        Node x = b.Input;
        foreach ((int i, (int channels, int stride)) in new[] { (64, 2), (32, 1), (64, 1), (64, 2) }.Index())
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
                        x = ConvBlock(b, x, stage.ConvChannels, stride: i > 0 && block == 0 ? 2 : 1);
                    block++;
                }
                if (i > 0)
                {
                    using (b.Scope($"stages.{i}.blocks.{block++}"))
                        x = TransformerBlock(b, x, stage.OutChannels, stage.PoolRatio);
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

    private static Node ConvBlock(GraphBuilder b, Node x, int channels, int stride)
    {
        x = PatchEmbed(b, "patch_embed", x, channels, stride);
        x = b.Add(x, ConvAttention(b, x));
        return b.Add(x, ConvMlp.Build(b, "mlp", b.BatchNorm("norm", x), 3 * channels, Relu));
    }

    private static Node TransformerBlock(GraphBuilder b, Node x, int channels, int poolRatio)
    {
        int attending = ChannelAttention.MakeDivisible(channels * 3 / 4, 32);
        x = PatchEmbed(b, "patch_embed", x, attending, stride: 1);
        Shape map = x.Shape;
        Node y = b.Transpose(b.Reshape(b.BatchNorm("norm1", x), [map[0], map[1] * map[2]]), -1, -2);
        x = b.Add(x, b.Reshape(b.Transpose(Attend(b, y, poolRatio), -1, -2), map));

        y = PatchEmbed(b, "projection", x, channels - attending, stride: 1);
        y = b.Add(y, ConvAttention(b, y));
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
    private static Node ConvAttention(GraphBuilder b, Node x)
    {
        int channels = x.Shape[0];
        using (b.Scope("mhca"))
        {
            x = b.BatchNorm("norm", b.Conv2d("group_conv3x3", x, channels, 3, padding: 1, groups: channels / HeadDim));
            return b.Conv2d("projection", b.Act("act", x, UnaryKind.Relu), channels, 1);
        }
    }

    /// <summary>Attention of tokens <c>[L, C]</c> to the means of poolRatio² tokens that follow one another.</summary>
    private static Node Attend(GraphBuilder b, Node x, int poolRatio)
    {
        (int length, int width) = (x.Shape[0], x.Shape[1]);
        int heads = width / HeadDim, pooled = poolRatio * poolRatio;
        using (b.Scope("e_mhsa"))
        {
            b.Declare("q", "k", "v", "proj", "norm");
            Node q = b.Permute(b.Reshape(b.Linear("q", x, width), [length, heads, HeadDim]), [1, 0, 2]);
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

            Node Heads(Node y) => b.Transpose(b.Reshape(y, [y.Shape[0], heads, HeadDim]), 0, 1);
        }
    }

    private static ActLayer Relu { get; } = ActLayers.Torch(UnaryKind.Relu);

    /// <summary>The authors' files have other names in the same order; what each ends in must be the same at least.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        if (c.Keys.Zip(c.ModelKeys).All(p => Path.GetExtension(p.First) == Path.GetExtension(p.Second)))
            c.RenameInOrder(c.ModelKeys);
    }

    public static ModelFamily<Config> Models => new(Build)
    {
        Remap = Remap,
        ["nextvit_small"] = new(ThirdDepth: 10),
        ["nextvit_base"] = new(ThirdDepth: 20),
        ["nextvit_large"] = new(ThirdDepth: 30),
    };
}
