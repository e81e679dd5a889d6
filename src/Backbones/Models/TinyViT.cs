using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// TinyViT: a first stage of inverted bottlenecks, then attention within windows and a depthwise convolution in each block.
/// timm: <c>tiny_vit.py</c>. Paper: TinyViT: Fast Pretraining Distillation for Small Vision Transformers, https://arxiv.org/abs/2207.10666
/// </summary>
internal static class TinyViT
{
    /// <summary>What tells one variant from another: channels, heads and window sizes of the stages (the first has only convolutions).</summary>
    internal sealed record Config(ImmutableArray<int> Channels, ImmutableArray<int> Heads, ImmutableArray<int> Windows)
    {
        public ImmutableArray<int> Depths { get; init; } = [2, 2, 6, 2];

        public double MlpRatio { get; init; } = 4;

        /// <summary>Width inside the first stage's blocks, relative to their input.</summary>
        public double ExpandRatio { get; init; } = 4;

        /// <summary>Kernel of the convolution between attention and perceptron.</summary>
        public int LocalKernel { get; init; } = 3;

        /// <summary>timm's drop path is a module (an identity) where its rate is 0: in the first block, or in all.</summary>
        public bool HasDropPath { get; init; } = true;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x = b.Input;
        using (b.Scope("patch_embed"))
        {
            x = Act(b, "act", ConvNorm(b, "conv1", x, config.Channels[0] / 2, 3, stride: 2));
            x = ConvNorm(b, "conv2", x, config.Channels[0], 3, stride: 2);
        }
        var levels = new List<FeatureLevel>();
        var adapters = ImmutableDictionary.CreateBuilder<string, ParameterAdapter>();
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            using (b.Scope($"stages.{stage}"))
            {
                if (stage > 0)
                    x = b.Permute(Downsample(b, x, config.Channels[stage]), [1, 2, 0]);
                for (int i = 0; i < config.Depths[stage]; i++)
                {
                    if (stage == 0)
                    {
                        using (b.Scope($"blocks.{i}"))
                            x = MBConv(b, x, config.ExpandRatio, hasDropPath: i == 0 || !config.HasDropPath);
                        continue;
                    }
                    x = b.Leaf($"blocks.{i}", () => WindowBlock(b, config, x, config.Heads[stage], config.Windows[stage]));
                    adapters[$"stages.{stage}.blocks.{i}.attn.attention_biases"] = ResizedBiases;
                }
                if (stage > 0)
                    x = b.Permute(x, [2, 0, 1]);
            }
            levels.Add(new FeatureLevel(config.Channels[stage], 4 << stage, $"stages.{stage}", x));
        }
        (Node PreLogits, Node Logits) head = ClassifierHeads.PoolNormMlp(b, x, options.NumClasses, options.GlobalPool, Norms.LayerNorm2d(1e-5f), hidden: null, ActLayers.Timm(UnaryKind.Gelu));
        return BackboneGraph.OfLevels(b, levels, x, head) with { Adapters = adapters.ToImmutable() };
    }

    private static Node MBConv(GraphBuilder b, Node x, double ratio, bool hasDropPath)
    {
        int hidden = (int)(ratio * x.Shape[0]);
        Node y = Act(b, "act1", ConvNorm(b, "conv1", x, hidden, 1));
        y = Act(b, "act2", ConvNorm(b, "conv2", y, hidden, 3, groups: hidden));
        y = ConvNorm(b, "conv3", y, x.Shape[0], 1);
        return Act(b, "act3", b.Add(hasDropPath ? b.Identity("drop_path", y) : y, x));
    }

    private static Node Downsample(GraphBuilder b, Node x, int channels)
    {
        using (b.Scope("downsample"))
        {
            x = Act(b, "act1", ConvNorm(b, "conv1", x, channels, 1));
            x = Act(b, "act2", ConvNorm(b, "conv2", x, channels, 3, stride: 2, groups: channels));
            return ConvNorm(b, "conv3", x, channels, 1);
        }
    }

    /// <summary>x <c>[H, W, C]</c> → <c>[H, W, C]</c>.</summary>
    private static Node WindowBlock(GraphBuilder b, Config config, Node x, int heads, int window)
    {
        (int h, int w, int channels) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        Node y = Windows.Attend(b, x, window, shift: 0, masksPadding: true, (b, windows, _) => Attend(b, windows, heads, window));
        b.Declare("attn", "mlp");
        y = ConvNorm(b, "local_conv", b.Permute(b.Add(x, y), [2, 0, 1]), channels, config.LocalKernel, groups: channels);
        y = b.Transpose(b.Reshape(y, [channels, h * w]), 0, 1);
        return b.Reshape(b.Add(y, Perceptron(b, y, config.MlpRatio)), [h, w, channels], "view");
    }

    private static Node Perceptron(GraphBuilder b, Node x, double ratio)
    {
        int width = x.Shape[1];
        using (b.Scope("mlp"))
        {
            x = Act(b, "act", b.Linear("fc1", b.LayerNorm("norm", x), (int)(ratio * width)));
            return b.Linear("fc2", x, width);
        }
    }

    private static Node Attend(GraphBuilder b, Node x, int heads, int window)
    {
        (int windows, int length, int width) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        int depth = Attention.HeadWidth(width, heads);
        using (b.Scope("attn"))
        {
            Node bias = AttentionBiases.Build(b, heads, window);
            x = b.Linear("qkv", b.LayerNorm("norm", x), 3 * width);
            x = b.Permute(b.Reshape(x, [windows, length, heads, 3 * depth], "view"), [0, 2, 1, 3]);
            x = b.Attention(b.Slice(x, 3, 0, depth), b.Slice(x, 3, depth, depth), b.Slice(x, 3, 2 * depth, depth), mask: bias);
            return b.Linear("proj", b.Reshape(b.Transpose(x, 1, 2), [windows, length, width]), width);
        }
    }

    /// <summary>timm's <c>resize_rel_pos_bias_table_levit</c>: biases <c>[heads, window²]</c> for another window, resized bicubically with antialiasing.</summary>
    private static Node ResizedBiases(GraphBuilder b, Node source, Shape target)
    {
        (int from, int to) = ((int)Math.Sqrt(source.Shape[1]), (int)Math.Sqrt(target[1]));
        if (source.Shape[0] != target[0] || from * from != source.Shape[1])
            throw new GraphException($"'{source.Name}' {source.Shape} cannot be resized to {target}: it must have a square of biases for each of {target[0]} heads.");
        Node map = b.Reshape(source, [target[0], from, from]);
        return from == to ? source : b.Reshape(b.Resize(map, to, to, ResizeMode.Bicubic, antialias: true), target);
    }

    private static Node ConvNorm(GraphBuilder b, string name, Node x, int channels, int kernel, int stride = 1, int groups = 1)
        => ConvNormAct.Build(b, name, x, channels, kernel, NormActs.BatchNorm, act: null, stride, groups: groups);

    private static Node Act(GraphBuilder b, string name, Node x) => b.Act(name, x, UnaryKind.Gelu);

    /// <summary>The authors' files.</summary>
    private static void Remap(Checkpoint c, Config config) => c.Drop(@"\.attention_bias_idxs$");

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["embed_dims"] = (c, v) => c with { Channels = v.PerStage(c.Channels.Length) },
        ["depths"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["num_heads"] = (c, v) => c with { Heads = v.PerStage(c.Heads.Length) },
        ["window_sizes"] = (c, v) => c with { Windows = v.PerStage(c.Windows.Length) },
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
        ["mbconv_expand_ratio"] = (c, v) => c with { ExpandRatio = v.GetDouble() },
        ["local_conv_size"] = (c, v) => c with { LocalKernel = v.OddKernel() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        Remap = Remap,
        ["tiny_vit_5m_224"] = new([64, 128, 160, 320], [2, 4, 5, 10], [7, 7, 14, 7]) { HasDropPath = false },
        ["tiny_vit_11m_224"] = new([64, 128, 256, 448], [2, 4, 8, 14], [7, 7, 14, 7]),
        ["tiny_vit_21m_224"] = new([96, 192, 384, 576], [3, 6, 12, 18], [7, 7, 14, 7]),
        ["tiny_vit_21m_384"] = new([96, 192, 384, 576], [3, 6, 12, 18], [12, 12, 24, 12]),
        ["tiny_vit_21m_512"] = new([96, 192, 384, 576], [3, 6, 12, 18], [16, 16, 32, 16]),
    };
}
