using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// SHViT: attention with a single head over a part of the channels, on maps of stride 16 and more.
/// timm: <c>shvit.py</c>. Paper: SHViT, https://arxiv.org/abs/2401.16456
/// </summary>
internal static class SHViT
{
    /// <summary>What tells one variant from another, stage by stage: channels, blocks, and channels that attention is over.</summary>
    internal sealed record Config(ImmutableArray<int> Widths, ImmutableArray<int> Depths, ImmutableArray<int> PartialWidths)
    {
        /// <summary>Channels of queries and keys.</summary>
        public ImmutableArray<int> QueryWidths { get; init; } = [16, 16, 16];

        public ImmutableArray<bool> Attends { get; init; } = [false, true, true];
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x = b.Input;
        using (b.Scope("patch_embed"))
        {
            for (int i = 0; i < 4; i++)
            {
                x = ConvNorm.Build(b, $"{2 * i}", x, config.Widths[0] >> (3 - i), 3, stride: 2);
                x = i < 3 ? b.Act($"{2 * i + 1}", x, UnaryKind.Relu) : x;
            }
        }

        var levels = new List<FeatureLevel>();
        for (int stage = 0; stage < config.Widths.Length; stage++)
        {
            using (b.Scope($"stages.{stage}"))
            {
                x = x.Shape[0] == config.Widths[stage] ? b.Identity("downsample", x) : Downsample(b, x, config.Widths[stage]);
                for (int i = 0; i < config.Depths[stage]; i++)
                {
                    using (b.Scope($"blocks.{i}"))
                    {
                        x = ResidualDepthwise(b, "conv", x);
                        x = config.Attends[stage] ? ResidualAttention(b, x, config.PartialWidths[stage], config.QueryWidths[stage]) : b.Identity("mixer", x);
                        x = ResidualFfn(b, "ffn", x);
                    }
                }
            }
            levels.Add(new FeatureLevel(x.Shape[0], 16 << stage, $"stages.{stage}", x));
        }

        Classifier.RequirePool(x, options.NumClasses, options.GlobalPool);
        Node pooled = GlobalPool.Flatten(b, GlobalPool.Pool(b, "global_pool", x, options.GlobalPool, flatten: false), options.GlobalPool);
        return BackboneGraph.OfLevels(b, levels, x, (pooled, ConvNorm.Linear(b, "head", pooled, options.NumClasses)));
    }

    private static Node Downsample(GraphBuilder b, Node x, int width)
    {
        using (b.Scope("downsample"))
        {
            x = ResidualFfn(b, "1", ResidualDepthwise(b, "0", x));
            using (b.Scope("2"))
                x = PatchMerging(b, x, width);
            return ResidualFfn(b, "4", ResidualDepthwise(b, "3", x));
        }
    }

    private static Node PatchMerging(GraphBuilder b, Node x, int width)
    {
        int hidden = 4 * x.Shape[0];
        x = b.Act("act1", ConvNorm.Build(b, "conv1", x, hidden), UnaryKind.Relu);
        x = b.Act("act2", ConvNorm.Build(b, "conv2", x, hidden, 3, stride: 2, groups: hidden), UnaryKind.Relu);
        x = ChannelAttention.SqueezeExcite(b, "se", x, reductionRatio: 0.25f);
        return ConvNorm.Build(b, "conv3", x, width);
    }

    private static Node ResidualDepthwise(GraphBuilder b, string name, Node x)
    {
        using (b.Scope(name))
            return b.Add(x, ConvNorm.Build(b, "m", x, x.Shape[0], 3, groups: x.Shape[0]));
    }

    private static Node ResidualFfn(GraphBuilder b, string name, Node x)
    {
        Node y;
        using (b.Scope(name))
        {
            using (b.Scope("m"))
                y = ConvNorm.Build(b, "pw2", b.Act("act", ConvNorm.Build(b, "pw1", x, 2 * x.Shape[0]), UnaryKind.Relu), x.Shape[0]);
            return b.Add(x, y);
        }
    }

    private static Node ResidualAttention(GraphBuilder b, Node x, int partialWidth, int queryWidth)
    {
        using (b.Scope("mixer"))
        {
            Node y;
            using (b.Scope("m"))
                y = SingleHeadAttention(b, x, partialWidth, queryWidth);
            return b.Add(x, y);
        }
    }

    private static Node SingleHeadAttention(GraphBuilder b, Node x, int partialWidth, int queryWidth)
    {
        (int channels, int h, int w) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        Node part = Norms.GroupNorm1(b, "pre_norm", b.Slice(x, 0, 0, partialWidth));
        Node qkv = ConvNorm.Build(b, "qkv", part, 2 * queryWidth + partialWidth);
        Node q = b.Flatten(b.Slice(qkv, 0, 0, queryWidth), 1), k = b.Flatten(b.Slice(qkv, 0, queryWidth, queryWidth), 1);
        Node v = b.Flatten(b.Slice(qkv, 0, 2 * queryWidth, partialWidth), 1);
        Node scores = b.Affine(b.MatMul(b.Transpose(q, 0, 1), k), 1 / MathF.Sqrt(queryWidth));
        Node maps = b.Transpose(b.Softmax(scores, -1), 0, 1);
        part = b.Reshape(b.MatMul(v, maps), [partialWidth, h, w]);
        x = partialWidth == channels ? part : b.Concat(0, [part, b.Slice(x, 0, partialWidth, channels - partialWidth)]);
        using (b.Scope("proj"))
            return ConvNorm.Build(b, "1", b.Act("0", x, UnaryKind.Relu), channels);
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["embed_dim"] = (c, v) => c with { Widths = v.PerStage(c.Widths.Length) },
        ["partial_dim"] = (c, v) => c with { PartialWidths = v.PerStage(c.PartialWidths.Length) },
        ["qk_dim"] = (c, v) => c with { QueryWidths = v.PerStage(c.QueryWidths.Length) },
        ["depth"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["types"] = (c, v) => c with { Attends = v.EachOf(c.Attends.Length, ("s", true), ("i", false)) },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        ["shvit_s1"] = new([128, 224, 320], [2, 4, 5], [32, 48, 68]),
        ["shvit_s2"] = new([128, 308, 448], [2, 4, 5], [32, 66, 96]),
        ["shvit_s3"] = new([192, 352, 448], [3, 5, 5], [48, 75, 96]),
        ["shvit_s4"] = new([224, 336, 448], [4, 7, 6], [48, 72, 96]),
    };
}
