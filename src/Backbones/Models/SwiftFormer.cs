using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// SwiftFormer: convolutional blocks, and at the end of each stage one with additive attention, which needs no products between tokens.
/// timm: <c>swiftformer.py</c>. Paper: SwiftFormer, https://arxiv.org/abs/2303.15446
/// </summary>
internal static class SwiftFormer
{
    /// <summary>What tells one variant from another.</summary>
    internal sealed record Config(ImmutableArray<int> Depths, ImmutableArray<int> Channels)
    {
        public int MlpRatio { get; init; } = 4;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x = Stem(b, config.Channels[0]);
        var levels = new List<FeatureLevel>();
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            using (b.Scope($"stages.{stage}"))
            {
                x = stage == 0 ? b.Identity("downsample", x) : Downsample(b, x, config.Channels[stage]);
                for (int i = 0; i < config.Depths[stage]; i++)
                {
                    using (b.Scope($"blocks.{i}"))
                        x = i == config.Depths[stage] - 1 ? AttentionBlock(b, config, x) : ConvBlock(b, x, config.MlpRatio * x.Shape[0]);
                }
            }
            levels.Add(new FeatureLevel(config.Channels[stage], 4 << stage, $"stages.{stage}", x));
        }
        Node last = x, features = b.BatchNorm("norm", x);
        Node pooled = MeanPool.Build(b, features, options.GlobalPool, [1, 2]);
        Classifier.RequirePool(pooled, options.NumClasses, options.GlobalPool);
        pooled = b.Identity("head_drop", pooled);
        Node logits = DistilledHead.Build(b, name => options.NumClasses > 0 ? Classifier.TimmLinear(b, name, pooled, options.NumClasses) : b.Identity(name, pooled));
        return BackboneGraph.OfLevels(b, levels, features, (pooled, logits)) with
        {
            // timm norms the last stage alone: the norm fits no other.
            Intermediates = [.. levels.Select(l => new IntermediateLevel(l.Node, Norm: l.Node == last ? (_, _) => features : null))],
        };
    }

    private static Node Stem(GraphBuilder b, int channels)
    {
        using (b.Scope("stem"))
        {
            Node x = b.Act("2", b.BatchNorm("1", b.Conv2d("0", b.Input, channels / 2, 3, stride: 2, padding: 1, bias: true)), UnaryKind.Relu);
            return b.Act("5", b.BatchNorm("4", b.Conv2d("3", x, channels, 3, stride: 2, padding: 1, bias: true)), UnaryKind.Relu);
        }
    }

    private static Node Downsample(GraphBuilder b, Node x, int channels)
    {
        using (b.Scope("downsample"))
            return b.BatchNorm("norm", b.Conv2d("proj", x, channels, 3, stride: 2, padding: 1, bias: true));
    }

    private static Node ConvBlock(GraphBuilder b, Node x, int hidden)
    {
        int channels = x.Shape[0];
        Node y = b.BatchNorm("norm", b.Conv2d("dwconv", x, channels, 3, padding: 1, groups: channels, bias: true));
        y = b.Act("act", b.Conv2d("pwconv1", y, hidden, 1, bias: true), UnaryKind.Gelu);
        y = Scale(b, "layer_scale", b.Conv2d("pwconv2", y, channels, 1, bias: true));
        return b.Add(x, b.Identity("drop_path", y));
    }

    private static Node AttentionBlock(GraphBuilder b, Config config, Node x)
    {
        b.Declare("local_representation", "attn", "linear");
        using (b.Scope("local_representation"))
            x = ConvBlock(b, x, x.Shape[0]);
        x = b.Add(x, b.Identity("drop_path", Scale(b, "layer_scale_1", AdditiveAttention(b, x))));
        return b.Add(x, b.Identity("drop_path", Scale(b, "layer_scale_2", Perceptron(b, config, x))));
    }

    private static Node Perceptron(GraphBuilder b, Config config, Node x)
    {
        using (b.Scope("linear"))
        {
            Node y = b.Act("act", b.Conv2d("fc1", b.BatchNorm("norm1", x), config.MlpRatio * x.Shape[0], 1, bias: true), UnaryKind.Gelu);
            return b.Identity("drop", b.Conv2d("fc2", b.Identity("drop", y), x.Shape[0], 1, bias: true));
        }
    }

    /// <summary>The queries' weighted sum is one global query, with which all keys are multiplied.</summary>
    private static Node AdditiveAttention(GraphBuilder b, Node x)
    {
        Shape map = x.Shape;
        int channels = map[0];
        using (b.Scope("attn"))
        {
            Node weight = b.Parameter("w_g", [channels, 1]);
            x = b.Permute(b.Flatten(x, 1), [1, 0]);
            Node query = Norms.L2Normalize(b, b.Linear("to_query", x, channels)), key = Norms.L2Normalize(b, b.Linear("to_key", x, channels));
            // One number a token, of length 1 over all tokens.
            Node scores = b.Affine(b.MatMul(query, weight), 1 / MathF.Sqrt(channels));
            Node attention = b.Reshape(Norms.L2Normalize(b, b.Reshape(scores, [1, scores.Shape[0]])), scores.Shape);
            Node global = b.Reduce(b.Multiply(attention, query), ReduceKind.Sum, [0], keepDims: true);
            x = b.Add(b.Linear("proj", b.Multiply(global, key), channels), query);
            return b.Reshape(b.Permute(b.Linear("final", x, channels), [1, 0]), map);
        }
    }

    private static Node Scale(GraphBuilder b, string name, Node x)
    {
        using (b.Scope(name))
            return b.Multiply(x, b.Parameter("gamma", [x.Shape[0], 1, 1]));
    }

    /// <summary>The authors' files, which count stages and the convolutions between them alike.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        c.Rename(("patch_embed.", "stem."), ("dist_head.", "head_dist."), ("attn.Proj.", "attn.proj."));
        c.RenameMatches((@"\.(layer_scale(?:_\d)?)$", ".$1.gamma"));
        c.RenameMatches(@"^network\.(\d+)\.", m =>
        {
            int number = Checkpoint.Number(m.Groups[1]);
            return number % 2 == 0 ? $"stages.{number / 2}.blocks." : $"stages.{(number + 1) / 2}.downsample.";
        });
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["layers"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["embed_dims"] = (c, v) => c with { Channels = v.PerStage(c.Channels.Length) },
        ["mlp_ratios"] = (c, v) => c with { MlpRatio = v.Number() },
        ["layer_scale_init_value"] = (c, _) => c, // what the scales are before training
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        Remap = Remap,
        ["swiftformer_xs"] = new([3, 3, 6, 4], [48, 56, 112, 220]),
        ["swiftformer_s"] = new([3, 3, 9, 6], [48, 64, 168, 224]),
        ["swiftformer_l1"] = new([4, 3, 10, 5], [48, 96, 192, 384]),
        ["swiftformer_l3"] = new([4, 4, 12, 6], [64, 128, 320, 512]),
    };
}
