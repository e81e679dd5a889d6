using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// EfficientFormer V2: inverted residual blocks over maps, with attention between pixels in the last blocks of the later stages and in the last change of resolution.
/// timm: <c>efficientformer_v2.py</c>. Paper: Rethinking Vision Transformers for MobileNet Size and Speed, https://arxiv.org/abs/2212.08059
/// </summary>
internal static class EfficientFormerV2
{
    private const int Heads = 8;

    /// <summary>What tells one variant from another.</summary>
    /// <param name="Depths">Blocks of each stage.</param>
    /// <param name="Channels">Channels of each stage.</param>
    /// <param name="AttentionBlocks">How many blocks at the end of the last two stages attend.</param>
    internal sealed record Config(ImmutableArray<int> Depths, ImmutableArray<int> Channels, int AttentionBlocks)
    {
        /// <summary>Blocks in the middle of the last two stages whose perceptrons are 3 and not 4 times as wide: the first of them, and their number.</summary>
        public required ImmutableArray<(int First, int Count)> Narrow { get; init; }

        /// <summary>A second classifier that learned from a teacher.</summary>
        public bool Distilled { get; init; } = true;

        /// <summary>Trained with stochastic depth, which leaves a trace of its own in the first block alone.</summary>
        public bool DropPath { get; init; }

        public int Expansion(int stage, int block)
            => stage >= 2 && block >= Narrow[stage - 2].First && block < Narrow[stage - 2].First + Narrow[stage - 2].Count ? 3 : 4;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x = ConvNorm(b, "stem.conv1", b.Input, config.Channels[0] / 2, 3, stride: 2, act: UnaryKind.Gelu);
        x = ConvNorm(b, "stem.conv2", x, config.Channels[0], 3, stride: 2, act: UnaryKind.Gelu);
        var levels = new List<FeatureLevel>();
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            using (b.Scope($"stages.{stage}"))
            {
                x = stage == 0 ? b.Identity("downsample", x) : Downsample(b, x, config.Channels[stage], attends: stage == 3);
                for (int i = 0; i < config.Depths[stage]; i++)
                {
                    using (b.Scope($"blocks.{i}"))
                        x = Block(b, x, config.Expansion(stage, i), attends: stage >= 2 && i >= config.Depths[stage] - config.AttentionBlocks, stride: stage == 2 ? 2 : 1, dropPath: !config.DropPath || (stage, i) == (0, 0));
                }
            }
            levels.Add(new FeatureLevel(config.Channels[stage], 4 << stage, $"stages.{stage}", x));
        }
        Node last = x, features = b.BatchNorm("norm", x);
        Node pooled = MeanPool.Build(b, features, options.GlobalPool, [1, 2]);
        Classifier.RequirePool(pooled, options.NumClasses, options.GlobalPool);
        pooled = b.Identity("head_drop", pooled);
        Node logits = config.Distilled ? DistilledHead.Build(b, Head) : Head("head");
        return BackboneGraph.OfLevels(b, levels, features, (pooled, logits)) with
        {
            // timm norms the last stage alone: the norm fits no other.
            Intermediates = [.. levels.Select(l => new IntermediateLevel(l.Node, Norm: l.Node == last ? (_, _) => features : null))],
        };

        Node Head(string name) => Classifier.Fc(b, name, pooled, options.NumClasses);
    }

    private static Node Downsample(GraphBuilder b, Node x, int channels, bool attends)
    {
        using (b.Scope("downsample"))
        {
            Node down = ConvNorm(b, "conv", x, channels, 3, stride: 2);
            return attends ? b.Add(AttentionDownsample(b, x, channels), down) : down;
        }
    }

    private static Node Block(GraphBuilder b, Node x, int expansion, bool attends, int stride, bool dropPath)
    {
        if (attends)
            x = b.Add(x, DropPath("drop_path1", LayerScale.Build2d(b, "ls1", Attend(b, x, stride), enabled: true)));
        Node y;
        using (b.Scope("mlp"))
        {
            y = ConvNorm(b, "fc1", x, expansion * x.Shape[0], act: UnaryKind.Gelu);
            y = b.Identity("drop1", ConvNorm(b, "mid", y, y.Shape[0], 3, groups: y.Shape[0], act: UnaryKind.Gelu));
            y = b.Identity("drop2", ConvNorm(b, "fc2", y, x.Shape[0]));
        }
        return b.Add(x, DropPath("drop_path2", LayerScale.Build2d(b, "ls2", y, enabled: true)));

        Node DropPath(string name, Node branch) => dropPath ? b.Identity(name, branch) : branch;
    }

    /// <summary>Attention whose heads are mixed before and behind the softmax (talking heads), at a smaller resolution where there is a stride.</summary>
    private static Node Attend(GraphBuilder b, Node x, int stride)
    {
        const int keyDim = 32, valueDim = 4 * keyDim;
        (int channels, Size2 whole) = (x.Shape[0], (x.Shape[1], x.Shape[2]));
        if (whole.H % stride != 0 || whole.W % stride != 0)
            throw new GraphException($"EfficientFormer V2 halves a map of {whole.H}×{whole.W} and enlarges it again, which needs even sides: give an image whose sides are multiples of 32.");
        using (b.Scope("token_mixer"))
        {
            if (stride > 1)
                x = ConvNorm(b, "stride_conv", x, channels, 3, stride, groups: channels);
            Size2 grid = (x.Shape[1], x.Shape[2]);
            int length = grid.H * grid.W;
            Node biases = AttentionBiases.Build(b, Heads, grid);
            Node q = b.Permute(b.Reshape(ConvNorm(b, "q", x, Heads * keyDim), [Heads, keyDim, length]), [0, 2, 1]);
            Node k = b.Permute(b.Reshape(ConvNorm(b, "k", x, Heads * keyDim), [Heads, keyDim, length]), [0, 1, 2]);
            Node v = ConvNorm(b, "v", x, Heads * valueDim);
            Node local = ConvNorm(b, "v_local", v, Heads * valueDim, 3, groups: Heads * valueDim);
            v = b.Permute(b.Reshape(v, [Heads, valueDim, length]), [0, 2, 1]);

            Node scores = b.Add(b.Affine(b.MatMul(q, k), Attention.Scale(q)), biases);
            Node maps = b.Softmax(b.Conv2d("talking_head1", scores, Heads, 1, bias: true), -1);
            maps = b.Conv2d("talking_head2", maps, Heads, 1, bias: true);
            x = b.Add(b.Reshape(b.Transpose(b.MatMul(maps, v), 1, 2), local.Shape), local);
            if (stride > 1)
                x = b.Resize(x, whole.H, whole.W, ResizeMode.Bilinear, target: "upsample");
            return ConvNorm(b, "proj", ActLayers.Timm(UnaryKind.Gelu)(b, "act", x), channels);
        }
    }

    /// <summary>Attention of every second row's and column's pixels to all pixels.</summary>
    private static Node AttentionDownsample(GraphBuilder b, Node x, int channels)
    {
        const int keyDim = 16, valueDim = 4 * keyDim;
        int inChannels = x.Shape[0], keys = x.Shape[1] * x.Shape[2];
        using (b.Scope("attn"))
        {
            Node biases = AttentionBiases.Build(b, Heads, (x.Shape[1], x.Shape[2]), stride: 2);
            Node q;
            using (b.Scope("q"))
            {
                Node local = b.Conv2d("local", x, inChannels, 3, stride: 2, padding: 1, groups: inChannels, bias: true);
                q = ConvNorm(b, "proj", b.Add(local, b.AvgPool2d("pool", x, 1, 2)), Heads * keyDim);
            }
            q = b.Permute(b.Reshape(q, [Heads, keyDim, q.Shape[1] * q.Shape[2]]), [0, 2, 1]);
            Node k = b.Permute(b.Reshape(ConvNorm(b, "k", x, Heads * keyDim), [Heads, keyDim, keys]), [0, 1, 2]);
            Node v = ConvNorm(b, "v", x, Heads * valueDim);
            Node localValues = ConvNorm(b, "v_local", v, Heads * valueDim, 3, stride: 2, groups: Heads * valueDim);
            v = b.Permute(b.Reshape(v, [Heads, valueDim, keys]), [0, 2, 1]);

            Node attended = AttentionBiases.Attend(b, q, b.Transpose(k, 1, 2, "#k"), v, biases);
            x = b.Add(b.Reshape(b.Transpose(attended, 1, 2), localValues.Shape), localValues);
            return ConvNorm(b, "proj", ActLayers.Timm(UnaryKind.Gelu)(b, "act", x), channels);
        }
    }

    private static Node ConvNorm(GraphBuilder b, string name, Node x, int channels, int kernel = 1, int stride = 1, int groups = 1, UnaryKind? act = null)
    {
        using (b.Scope(name))
            return NormActs.BatchNorm(b, "bn", Conv2dPadding.Conv2d(b, "conv", x, channels, kernel, PadType.Symmetric, stride, groups: groups, bias: true), act);
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["embed_dims"] = (c, v) => c with { Channels = v.PerStage(c.Channels.Length) },
        ["num_vit"] = (c, v) => c with { AttentionBlocks = v.GetInt32() },
        ["distillation"] = (c, v) => c with { Distilled = v.GetBoolean() },
        ["layer_scale_init_value"] = (c, _) => c, // what the scales are before training
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        ["efficientformerv2_s0"] = new([2, 2, 6, 4], [32, 48, 96, 176], AttentionBlocks: 2) { Narrow = [(1, 3), (1, 2)] },
        ["efficientformerv2_s1"] = new([3, 3, 9, 6], [32, 48, 120, 224], AttentionBlocks: 2) { Narrow = [(2, 4), (2, 2)] },
        ["efficientformerv2_s2"] = new([4, 4, 12, 8], [32, 64, 144, 288], AttentionBlocks: 4) { Narrow = [(2, 6), (2, 4)], DropPath = true },
        ["efficientformerv2_l"] = new([5, 5, 15, 10], [40, 80, 192, 384], AttentionBlocks: 6) { Narrow = [(4, 7), (3, 4)], DropPath = true },
    };
}
