using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// VoVNet: blocks that gather the maps of all their layers once, at the end (one-shot aggregation).
/// timm: <c>vovnet.py</c>. Papers: An Energy and GPU-Computation Efficient Backbone Network, https://arxiv.org/abs/1904.09730; CenterMask,
/// https://arxiv.org/abs/1911.06667
/// </summary>
internal static class VovNet
{
    internal enum Attention
    {
        None,
        EffectiveSqueezeExcite,
        Eca,
    }

    /// <summary>What tells one variant from another: layers per block and blocks per stage; the other defaults are VoVNet V1's.</summary>
    internal sealed record Config(int Layers, ImmutableArray<int> Blocks)
    {
        /// <summary>Channels of the stem's convolutions.</summary>
        public (int First, int Second, int Third) Stem { get; init; } = (64, 64, 128);

        /// <summary>Channels of each stage's layers.</summary>
        public ImmutableArray<int> LayerChannels { get; init; } = [128, 160, 192, 224];

        /// <summary>Channels that leave each stage.</summary>
        public ImmutableArray<int> Channels { get; init; } = [256, 512, 768, 1024];

        /// <summary>Blocks behind a stage's first add their input.</summary>
        public bool Residual { get; init; }

        /// <summary>3×3 convolutions are depthwise separable.</summary>
        public bool Depthwise { get; init; }

        /// <summary>Channel attention of each stage's last block.</summary>
        public Attention Attention { get; init; }

        public UnaryKind Act { get; init; } = UnaryKind.Relu;

        public NormActLayer Norm { get; init; } = NormActs.BatchNorm;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x = ConvNormAct.Build(b, "stem.0", b.Input, config.Stem.First, 3, config.Norm, config.Act, stride: 2);
        x = Conv3x3(b, config, "stem.1", x, config.Stem.Second);
        var levels = new List<FeatureLevel> { new(config.Stem.Second, 2, "stem.1", x) };
        x = Conv3x3(b, config, "stem.2", x, config.Stem.Third, stride: 2);

        for (int stage = 0; stage < config.Blocks.Length; stage++)
        {
            using (b.Scope($"stages.{stage}"))
            {
                if (stage > 0)
                    x = b.MaxPool2d("pool", x, 3, stride: 2, ceilMode: true);
                for (int i = 0; i < config.Blocks[stage]; i++)
                {
                    using (b.Scope($"blocks.{i}"))
                        x = Block(b, config, x, stage, residual: config.Residual && i > 0, attention: i == config.Blocks[stage] - 1);
                }
            }
            levels.Add(new FeatureLevel(config.Channels[stage], 4 << stage, $"stages.{stage}", x));
        }

        return BackboneGraph.OfLevels(b, levels, x, ClassifierHeads.Pool(b, x, options.NumClasses, options.GlobalPool));
    }

    private static Node Block(GraphBuilder b, Config config, Node x, int stage, bool residual, bool attention)
    {
        Node shortcut = x;
        int channels = config.LayerChannels[stage];
        var maps = new List<Node> { x };
        if (config.Depthwise && x.Shape[0] != channels && residual)
            throw new GraphException($"Depthwise blocks of VoVNet are no residual ones where they reduce their channels, here from {x.Shape[0]} to {channels}: 'stage_conv_chs' must be 'stage_out_chs' in stages of several blocks, or 'residual' false.");
        if (config.Depthwise && x.Shape[0] != channels)
            x = ConvNormAct.Build(b, "conv_reduction", x, channels, 1, config.Norm, config.Act);
        using (b.Scope("conv_mid"))
        {
            for (int i = 0; i < config.Layers; i++)
                maps.Add(x = Conv3x3(b, config, $"{i}", x, channels));
            x = b.Concat(0, [.. maps]);
        }
        x = ConvNormAct.Build(b, "conv_concat", x, config.Channels[stage], 1, config.Norm, config.Act);
        x = (attention ? config.Attention : Attention.None) switch
        {
            Attention.EffectiveSqueezeExcite => ChannelAttention.EffectiveSqueezeExcite(b, "attn", x),
            Attention.Eca => ChannelAttention.Eca(b, "attn", x),
            _ => x,
        };
        return residual ? b.Add(x, shortcut) : x;
    }

    private static Node Conv3x3(GraphBuilder b, Config config, string name, Node x, int channels, int stride = 1) => config.Depthwise
        ? SeparableConvNormAct.Build(b, name, x, channels, 3, config.Norm, config.Act, stride)
        : ConvNormAct.Build(b, name, x, channels, 3, config.Norm, config.Act, stride);

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["stem_chs"] = (c, v) => c with { Stem = v.Triple() },
        ["stage_conv_chs"] = (c, v) => c with { LayerChannels = v.PerStage(c.LayerChannels.Length) },
        ["stage_out_chs"] = (c, v) => c with { Channels = v.PerStage(c.Channels.Length) },
        ["layer_per_block"] = (c, v) => c with { Layers = v.GetInt32() },
        ["block_per_stage"] = (c, v) => c with { Blocks = v.PerStage(c.Blocks.Length) },
        ["residual"] = (c, v) => c with { Residual = v.GetBoolean() },
        ["depthwise"] = (c, v) => c with { Depthwise = v.GetBoolean() },
        ["attn"] = (c, v) => c with { Attention = v.OneOf(("ese", Attention.EffectiveSqueezeExcite), ("eca", Attention.Eca), ("", Attention.None)) },
        ["act_layer"] = (c, v) => c with { Act = v.Activation() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        ["vovnet39a"] = new(5, [1, 1, 2, 2]),
        ["vovnet57a"] = new(5, [1, 1, 4, 3]),
        ["ese_vovnet19b_slim_dw"] = V2(3, [1, 1, 1, 1]) with { Stem = (64, 64, 64), LayerChannels = [64, 80, 96, 112], Channels = [112, 256, 384, 512], Depthwise = true },
        ["ese_vovnet19b_dw"] = V2(3, [1, 1, 1, 1]) with { Stem = (64, 64, 64), Depthwise = true },
        ["ese_vovnet19b_slim"] = V2(3, [1, 1, 1, 1]) with { LayerChannels = [64, 80, 96, 112], Channels = [112, 256, 384, 512] },
        ["ese_vovnet39b"] = V2(5, [1, 1, 2, 2]),
        ["ese_vovnet57b"] = V2(5, [1, 1, 4, 3]),
        ["ese_vovnet99b"] = V2(5, [1, 3, 9, 3]),
        ["eca_vovnet39b"] = V2(5, [1, 1, 2, 2]) with { Attention = Attention.Eca },
        // 32 groups, whatever the number of channels.
        ["ese_vovnet39b_evos"] = V2(5, [1, 1, 2, 2]) with { Norm = (b, name, x, act) => NormActs.EvoNorm2dS0(x.Shape[0] / 32)(b, name, x, act) },
    };

    private static Config V2(int layers, ImmutableArray<int> blocks) => new(layers, blocks) { Residual = true, Attention = Attention.EffectiveSqueezeExcite };
}
