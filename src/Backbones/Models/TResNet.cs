using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// TResNet: a ResNet for fast GPUs, with a space-to-depth stem, anti-aliased strides and squeeze-excite.
/// timm: <c>tresnet.py</c>. Paper: TResNet: High Performance GPU-Dedicated Architecture, https://arxiv.org/abs/2003.13630
/// </summary>
internal static class TResNet
{
    private const int Expansion = 4;

    /// <summary>What tells one variant from another: blocks per stage, and the width of the first one, relative to 64.</summary>
    internal sealed record Config(ImmutableArray<int> Layers, double WidthFactor = 1)
    {
        /// <summary>All stages have bottlenecks, not the last two alone; widths are multiples of 8.</summary>
        public bool V2 { get; init; }

        public int Width => V2 ? (int)(64 * WidthFactor) / 8 * 8 : (int)(64 * WidthFactor);
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        var levels = new List<FeatureLevel>();
        Node x;
        using (b.Scope("body"))
        {
            x = SpaceToDepth.Build(b, "s2d", b.Input);
            x = ConvNormAct.Build(b, "conv1", x, config.Width, 3, NormActs.BatchNorm, UnaryKind.LeakyRelu);
            // timm has no module to this level: its features_only starts with the next one, and forward_intermediates gives this map.
            levels.Add(new FeatureLevel(config.Width, 2, "", x));
            for (int stage = 0; stage < config.Layers.Length; stage++)
            {
                bool bottleneck = config.V2 || stage >= 2;
                using (b.Scope($"layer{stage + 1}"))
                {
                    for (int i = 0; i < config.Layers[stage]; i++)
                    {
                        using (b.Scope($"{i}"))
                            x = Block(b, x, config.Width << stage, bottleneck, stride: i == 0 && stage > 0 ? 2 : 1, squeezeExcite: stage < 3);
                    }
                }
                levels.Add(new FeatureLevel(x.Shape[0], 4 << stage, $"body.layer{stage + 1}", x));
            }
        }

        return BackboneGraph.OfLevels(b, levels, x, ClassifierHeads.Pool(b, x, options.NumClasses, options.GlobalPool)) with { DefaultOutIndices = [1, 2, 3, 4] };
    }

    private static Node Block(GraphBuilder b, Node x, int planes, bool bottleneck, int stride, bool squeezeExcite)
    {
        int channels = bottleneck ? planes * Expansion : planes;
        Node shortcut = stride != 1 || x.Shape[0] != channels ? Downsample(b, x, channels, stride) : x;
        if (bottleneck)
            x = ConvNormAct.Build(b, "conv1", x, planes, 1, LeakyBatchNorm, UnaryKind.LeakyRelu);
        x = ConvNormAct.Build(b, bottleneck ? "conv2" : "conv1", x, planes, 3, LeakyBatchNorm, UnaryKind.LeakyRelu, stride, antiAlias: AntiAlias.Blur);
        if (!bottleneck)
            x = ConvNormAct.Build(b, "conv2", x, planes, 3, NormActs.BatchNorm, act: null);
        if (squeezeExcite)
            x = ChannelAttention.SqueezeExcite(b, "se", x, reducedChannels: Math.Max(bottleneck ? channels / 8 : channels / 4, 64));
        if (bottleneck)
            x = ConvNormAct.Build(b, "conv3", x, channels, 1, NormActs.BatchNorm, act: null);
        return b.Act("act", b.Add(b.Identity("drop_path", x), shortcut), UnaryKind.Relu);
    }

    private static Node Downsample(GraphBuilder b, Node x, int channels, int stride)
    {
        using (b.Scope("downsample"))
        {
            if (stride == 1)
                return ConvNormAct.Build(b, "0", x, channels, 1, NormActs.BatchNorm, act: null);
            return ConvNormAct.Build(b, "1", DownsamplePool.Build(b, "0", x, stride, dilation: 1), channels, 1, NormActs.BatchNorm, act: null);
        }
    }

    /// <summary>The blocks' leaky ReLU is flatter than the stem's.</summary>
    private static NormActLayer LeakyBatchNorm { get; } = (b, name, x, _) => b.Leaf(name, () => b.Act("act", b.BatchNorm("", x), new UnaryOp(UnaryKind.LeakyRelu, 1e-3f)));

    /// <summary>The authors' files, whose in-place batch norms scale by |weight| + 1e-5.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        c.RenameMatches(
            (@"(conv\d+)\.0\.0\.", "$1.conv."),
            (@"(conv\d+)\.0\.1\.", "$1.bn."),
            (@"(conv\d+|downsample\.\d+)\.0\.", "$1.conv."),
            (@"(conv\d+|downsample\.\d+)\.1\.", "$1.bn."));
        c.Change(@"\.bn\.weight$", weight => c.Ops.Affine(c.Ops.Unary(weight, UnaryKind.Abs, "abs"), 1, 1e-5f));
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["layers"] = (c, v) => c with { Layers = v.PerStage(c.Layers.Length) },
        ["width_factor"] = (c, v) => c with { WidthFactor = v.GetDouble() },
        ["v2"] = (c, v) => c with { V2 = v.GetBoolean() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        Remap = Remap,
        GlobalPool = _ => "fast",
        ["tresnet_m"] = new([3, 4, 11, 3]),
        ["tresnet_l"] = new([4, 5, 18, 3], 1.2),
        ["tresnet_xl"] = new([4, 5, 24, 3], 1.3),
        ["tresnet_v2_l"] = new([3, 4, 23, 3]) { V2 = true },
    };
}
