using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// EfficientFormer: blocks that mix by pooling a map, and at the end of the last stage some that attend to its pixels.
/// timm: <c>efficientformer.py</c>. Paper: EfficientFormer, https://arxiv.org/abs/2206.01191
/// </summary>
internal static class EfficientFormer
{
    /// <summary>Side of the map that the attention is made for, whatever the image.</summary>
    private const int AttentionSize = 7;

    /// <summary>What tells one variant from another.</summary>
    /// <param name="Depths">Blocks of each stage.</param>
    /// <param name="Channels">Channels of each stage.</param>
    /// <param name="AttentionBlocks">How many of the last stage's blocks attend.</param>
    internal sealed record Config(ImmutableArray<int> Depths, ImmutableArray<int> Channels, int AttentionBlocks)
    {
        public double MlpRatio { get; init; } = 4;

        /// <summary>Side of the squares that the blocks mix.</summary>
        public int PoolSize { get; init; } = 3;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        // timm's model takes any output_stride and leaves its strides as they are.
        options.RequireOutputStride(8, 16, 32);
        Node x = Stem(b, config.Channels[0]);
        var levels = new List<FeatureLevel>();
        Size2 grid = default;
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            using (b.Scope($"stages.{stage}"))
            {
                x = stage == 0 ? b.Identity("downsample", x) : Downsample(b, x, config.Channels[stage]);
                grid = (x.Shape[1], x.Shape[2]);
                x = Blocks(b, config, x, config.Depths[stage], stage == config.Depths.Length - 1 ? config.AttentionBlocks : 0);
            }
            levels.Add(new FeatureLevel(config.Channels[stage], 4 << stage, $"stages.{stage}", x));
        }
        Node last = x, features = b.LayerNorm("norm", x);
        Node pooled = b.Identity("head_drop", MeanPool.Build(b, features, options.GlobalPool, [0]));
        Node logits = DistilledHead.Build(b, name => Classifier.Fc(b, name, pooled, options.NumClasses));
        return BackboneGraph.OfLevels(b, levels, features, (pooled, logits)) with
        {
            NumFeatures = config.Channels[^1],
            HeadHiddenSize = config.Channels[^1],
            Intermediates = [.. levels.Select(l => l.Node == last ? new IntermediateLevel(l.Node, FeatureLayout.Nlc, grid, 0, (_, _) => features) : new IntermediateLevel(l.Node))],
            FeaturesFromIntermediates = true,
        };
    }

    private static Node Stem(GraphBuilder b, int channels)
    {
        using (b.Scope("stem"))
        {
            Node x = b.Act("act1", b.BatchNorm("norm1", b.Conv2d("conv1", b.Input, channels / 2, 3, stride: 2, padding: 1, bias: true)), UnaryKind.Relu);
            return b.Act("act2", b.BatchNorm("norm2", b.Conv2d("conv2", x, channels, 3, stride: 2, padding: 1, bias: true)), UnaryKind.Relu);
        }
    }

    private static Node Downsample(GraphBuilder b, Node x, int channels)
    {
        using (b.Scope("downsample"))
            return b.BatchNorm("norm", b.Conv2d("conv", x, channels, 3, stride: 2, padding: 1, bias: true));
    }

    /// <summary>The blocks of a stage: a map, which becomes tokens before the first block that attends.</summary>
    private static Node Blocks(GraphBuilder b, Config config, Node x, int depth, int attentionBlocks)
    {
        int index = 0;
        for (int i = 0; i < depth; i++, index++)
        {
            if (attentionBlocks > 0 && i == Math.Max(depth - attentionBlocks, 0))
            {
                if (x.Shape is not [_, AttentionSize, AttentionSize])
                    throw new GraphException($"EfficientFormer attends to a map of {AttentionSize}×{AttentionSize}, and an image of {b.Input.Shape[1]}×{b.Input.Shape[2]} gives {x.Shape[1]}×{x.Shape[2]}; sides from 193 to 224 fit.");
                using (b.Scope($"blocks.{index++}"))
                    x = b.Transpose(b.Flatten(x, 1), 0, 1);
            }
            using (b.Scope($"blocks.{index}"))
                x = i >= depth - attentionBlocks ? AttentionBlock(b, config, x) : PoolBlock(b, config, x);
        }
        return x;
    }

    private static Node PoolBlock(GraphBuilder b, Config config, Node x)
    {
        Node y;
        using (b.Scope("token_mixer"))
            y = b.Subtract(b.AvgPool2d("pool", x, config.PoolSize, stride: 1, padding: config.PoolSize / 2, countIncludePad: false), x);
        x = b.Add(x, b.Identity("drop_path1", LayerScale.Build2d(b, "ls1", y, enabled: true)));
        using (b.Scope("mlp"))
        {
            y = b.Act("act", b.BatchNorm("norm1", b.Conv2d("fc1", x, (int)(config.MlpRatio * x.Shape[0]), 1, bias: true)), UnaryKind.Gelu);
            y = b.BatchNorm("norm2", b.Conv2d("fc2", b.Identity("drop", y), x.Shape[0], 1, bias: true));
            y = b.Identity("drop", y);
        }
        return b.Add(x, b.Identity("drop_path2", LayerScale.Build2d(b, "ls2", y, enabled: true)));
    }

    private static Node AttentionBlock(GraphBuilder b, Config config, Node x)
    {
        Node y = Attend(b, b.LayerNorm("norm1", x));
        x = b.Add(x, b.Identity("drop_path1", LayerScale.Build(b, "ls1", y, enabled: true)));
        y = Mlp.Build(b, "mlp", b.LayerNorm("norm2", x), (int)(config.MlpRatio * x.Shape[1]), ActLayers.Torch(UnaryKind.Gelu));
        return b.Add(x, b.Identity("drop_path2", LayerScale.Build(b, "ls2", y, enabled: true)));
    }

    private static Node Attend(GraphBuilder b, Node x)
    {
        const int heads = 8, keyDim = 32, valueDim = 4 * keyDim;
        (int length, int width) = (x.Shape[0], x.Shape[1]);
        using (b.Scope("token_mixer"))
        {
            Node biases = AttentionBiases.Build(b, heads, AttentionSize);
            b.Unused("attention_bias_idxs", [length, length], ElementType.Int64);
            Node qkv = b.Permute(b.Reshape(b.Linear("qkv", x, heads * (2 * keyDim + valueDim)), [length, heads, 2 * keyDim + valueDim]), [1, 0, 2]);
            Node q = b.Slice(qkv, 2, 0, keyDim), k = b.Slice(qkv, 2, keyDim, keyDim), v = b.Slice(qkv, 2, 2 * keyDim, valueDim);
            b.Transpose(k, -2, -1);
            return b.Linear("proj", Attention.MergeHeads(b, AttentionBiases.Attend(b, q, k, v, biases)), width);
        }
    }

    /// <summary>The authors' files, which count stages and the convolutions between them alike.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        c.Rename(("patch_embed.0", "stem.conv1"), ("patch_embed.1", "stem.norm1"), ("patch_embed.3", "stem.conv2"), ("patch_embed.4", "stem.norm2"), ("dist_head", "head_dist"));
        c.RenameMatches(@"^network\.(\d+)\.(proj|norm|\d+)", m => m.Groups[2].Value switch
        {
            "proj" => $"stages.{(Checkpoint.Number(m.Groups[1]) + 1) / 2}.downsample.conv",
            "norm" => $"stages.{(Checkpoint.Number(m.Groups[1]) + 1) / 2}.downsample.norm",
            string block => $"stages.{Checkpoint.Number(m.Groups[1]) / 2}.blocks.{block}",
        });
        c.RenameMatches((@"layer_scale_(\d)", "ls$1.gamma"));
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["depths"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["embed_dims"] = (c, v) => c with { Channels = v.PerStage(c.Channels.Length) },
        ["num_vit"] = (c, v) => c with { AttentionBlocks = v.Number(n => n > 0, "1 or more: the norm behind the last block is of tokens") },
        ["mlp_ratios"] = (c, v) => c with { MlpRatio = v.Ratio() },
        ["pool_size"] = (c, v) => c with { PoolSize = v.OddKernel() },
        ["layer_scale_init_value"] = (c, _) => c, // what the scales are before training
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        Remap = Remap,
        ["efficientformer_l1"] = new([3, 2, 6, 4], [48, 96, 224, 448], AttentionBlocks: 1),
        ["efficientformer_l3"] = new([4, 4, 12, 6], [64, 128, 320, 512], AttentionBlocks: 4),
        ["efficientformer_l7"] = new([6, 6, 18, 8], [96, 192, 384, 768], AttentionBlocks: 8),
    };
}
