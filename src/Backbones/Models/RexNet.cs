using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// ReXNet: inverted residuals whose width grows by a little in every block; the block's input is added to as many channels as it has.
/// timm: <c>rexnet.py</c>. Paper: Rethinking Channel Dimensions for Efficient Model Design, https://arxiv.org/abs/2007.00992
/// </summary>
internal static class RexNet
{
    /// <summary>Blocks and stride of each stage.</summary>
    private static readonly (int Depth, int Stride)[] s_stages = [(1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (5, 2)];

    /// <summary>What tells one variant from another: the channel multiplier, and what channels are a multiple of.</summary>
    internal sealed record Config(double Width, int ChannelDivisor = 1)
    {
        /// <summary>Channels of the first block, and how many more the last one has, before the multiplier.</summary>
        public (int Initial, int Final) Channels { get; init; } = (16, 180);

        /// <summary>The multiplier of blocks.</summary>
        public double Depth { get; init; } = 1;

        public double SqueezeRatio { get; init; } = 1 / 12.0;

        public UnaryKind Act { get; init; } = UnaryKind.Silu;

        /// <summary>Activation of the depthwise convolutions.</summary>
        public UnaryKind DepthwiseAct { get; init; } = UnaryKind.Relu6;

        /// <summary>A multiplier below 1 leaves the first widths as they are.</summary>
        public double AtLeast(int channels) => Width < 1 ? channels / Width : channels;

        public int Round(double channels) => ChannelAttention.MakeDivisible(channels, ChannelDivisor);
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        var schedule = new StrideSchedule(options, stem: 2);
        Node x = ConvNormAct.Build(b, "stem", b.Input, config.Round(Math.Round(config.AtLeast(32) * config.Width)), 3, NormActs.BatchNorm, config.Act, stride: 2);
        var levels = new List<FeatureLevel>();
        double channels = config.AtLeast(config.Channels.Initial);
        int[] depths = [.. s_stages.Select(stage => (int)Math.Ceiling(stage.Depth * config.Depth))];
        int index = 0, blocks = depths.Sum();
        for (int stage = 0; stage < s_stages.Length; stage++)
        {
            for (int i = 0; i < depths[stage]; i++, index++)
            {
                int stride = i == 0 ? s_stages[stage].Stride : 1, dilation = schedule.Dilation;
                if (stride > 1)
                    levels.Add(new FeatureLevel(x.Shape[0], schedule.Reduction, $"features.{index - 1}", x));
                stride = schedule.Next(stride);
                bool shortcut = stride == 1 && dilation == schedule.Dilation;
                using (b.Scope($"features.{index}"))
                    x = LinearBottleneck(b, config, x, config.Round(Math.Round(channels * config.Width)), stride, dilation, expands: stage > 0, squeezes: stage > 1, shortcut);
                channels += config.Channels.Final / (double)blocks;
            }
        }
        levels.Add(new FeatureLevel(x.Shape[0], schedule.Reduction, $"features.{index - 1}", x));
        x = ConvNormAct.Build(b, $"features.{index}", x, config.Round(1280 * config.Width), 1, NormActs.BatchNorm, config.Act);
        return BackboneGraph.OfLevels(b, levels, x, ClassifierHeads.Pool(b, x, options.NumClasses, options.GlobalPool));
    }

    private static Node LinearBottleneck(GraphBuilder b, Config config, Node x, int outChannels, int stride, int dilation, bool expands, bool squeezes, bool shortcut)
    {
        Node input = x;
        int inChannels = x.Shape[0], width = expands ? config.Round(inChannels * 6) : inChannels;
        if (expands)
            x = ConvNormAct.Build(b, "conv_exp", x, width, 1, NormActs.BatchNorm, config.Act);
        x = ConvNormAct.Build(b, "conv_dw", x, width, 3, NormActs.BatchNorm, act: null, stride, dilation, groups: width);
        if (squeezes && config.SqueezeRatio > 0)
            x = ChannelAttention.SqueezeExcite(b, "se", x, reducedChannels: config.Round((int)(width * config.SqueezeRatio)), norm: Norms.BatchNorm);
        x = ActLayers.Timm(config.DepthwiseAct)(b, "act_dw", x);
        x = ConvNormAct.Build(b, "conv_pwl", x, outChannels, 1, NormActs.BatchNorm, act: null);
        if (!shortcut || inChannels > outChannels)
            return x;
        Node sum = b.Add(b.Slice(x, 0, 0, inChannels), input);
        // torch joins a part without channels; there is none here.
        return inChannels == outChannels ? b.Identity("cat", sum) : b.Concat(0, [sum, b.Slice(x, 0, inChannels, outChannels - inChannels)]);
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["initial_chs"] = (c, v) => c with { Channels = (v.GetInt32(), c.Channels.Final) },
        ["final_chs"] = (c, v) => c with { Channels = (c.Channels.Initial, v.GetInt32()) },
        ["width_mult"] = (c, v) => c with { Width = v.GetDouble() },
        ["depth_mult"] = (c, v) => c with { Depth = v.GetDouble() },
        ["se_ratio"] = (c, v) => c with { SqueezeRatio = v.GetDouble() },
        ["ch_div"] = (c, v) => c with { ChannelDivisor = v.GetInt32() },
        ["act_layer"] = (c, v) => c with { Act = v.Activation() },
        ["dw_act_layer"] = (c, v) => c with { DepthwiseAct = v.Activation() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        ["rexnet_100"] = new(1),
        ["rexnet_130"] = new(1.3),
        ["rexnet_150"] = new(1.5),
        ["rexnet_200"] = new(2),
        ["rexnet_300"] = new(3),
        ["rexnetr_100"] = new(1, 8),
        ["rexnetr_130"] = new(1.3, 8),
        ["rexnetr_150"] = new(1.5, 8),
        ["rexnetr_200"] = new(2, 8),
        ["rexnetr_300"] = new(3, 16),
    };
}
