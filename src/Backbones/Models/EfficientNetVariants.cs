using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <content>The architectures, each a list of block definitions for every stage, and the entry points.</content>
internal static partial class EfficientNet
{
    private static readonly ImmutableArray<string> s_stages =
    [
        "ds_r1_k3_s1_e1_c16_se0.25",
        "ir_r2_k3_s2_e6_c24_se0.25",
        "ir_r2_k5_s2_e6_c40_se0.25",
        "ir_r3_k3_s2_e6_c80_se0.25",
        "ir_r3_k5_s1_e6_c112_se0.25",
        "ir_r4_k5_s2_e6_c192_se0.25",
        "ir_r1_k3_s1_e6_c320_se0.25",
    ];

    private static readonly ImmutableArray<string> s_xStages =
    [
        "ds_r1_k3_s1_e1_c16_se0.25_d1",
        "er_r2_k3_s2_e6_c24_se0.25_nre",
        "er_r2_k5_s2_e6_c40_se0.25_nre",
        "ir_r3_k3_s2_e6_c80_se0.25",
        "ir_r3_k5_s1_e6_c112_se0.25",
        "ir_r4_k5_s2_e6_c192_se0.25",
        "ir_r1_k3_s1_e6_c320_se0.25",
    ];

    private static readonly ImmutableArray<string> s_hStages =
    [
        "ds_r1_k3_s1_e1_c16_se0.25_d1",
        "er_r2_k3_s2_e4_c24_se0.25_nre",
        "er_r2_k5_s2_e4_c40_se0.25_nre",
        "ir_r3_k3_s2_e4_c80_se0.25",
        "ir_r3_k5_s1_e6_c112_se0.25",
        "ir_r4_k5_s2_e6_c192_se0.25",
        "ir_r1_k3_s1_e6_c320_se0.25",
    ];

    // MnasNet: https://arxiv.org/abs/1807.11626

    private static EfficientNetConfig MnasNetA1(double width) => new(
    [
        "ds_r1_k3_s1_e1_c16_noskip",
        "ir_r2_k3_s2_e6_c24",
        "ir_r3_k5_s2_e3_c40_se0.25",
        "ir_r4_k3_s2_e6_c80",
        "ir_r2_k3_s1_e6_c112_se0.25",
        "ir_r3_k5_s2_e6_c160_se0.25",
        "ir_r1_k3_s1_e6_c320",
    ])
    { Width = width };

    private static EfficientNetConfig MnasNetB1(double width) => new(
    [
        "ds_r1_k3_s1_c16_noskip",
        "ir_r3_k3_s2_e3_c24",
        "ir_r3_k5_s2_e3_c40",
        "ir_r3_k5_s2_e6_c80",
        "ir_r2_k3_s1_e6_c96",
        "ir_r4_k5_s2_e6_c192",
        "ir_r1_k3_s1_e6_c320_noskip",
    ])
    { Width = width };

    private static EfficientNetConfig MnasNetSmall => new(
    [
        "ds_r1_k3_s1_c8",
        "ir_r1_k3_s2_e3_c16",
        "ir_r2_k3_s2_e6_c16",
        "ir_r4_k5_s2_e6_c32_se0.25",
        "ir_r3_k3_s1_e6_c32_se0.25",
        "ir_r3_k5_s2_e6_c88_se0.25",
        "ir_r1_k3_s1_e6_c144",
    ])
    { StemSize = 8 };

    // MobileNet: https://arxiv.org/abs/1704.04861, https://arxiv.org/abs/1801.04381

    private static EfficientNetConfig MobileNetV1(double width) => new(
    [
        "dsa_r1_k3_s1_c64",
        "dsa_r2_k3_s2_c128",
        "dsa_r2_k3_s2_c256",
        "dsa_r6_k3_s2_c512",
        "dsa_r2_k3_s2_c1024",
    ])
    { Width = width, Features = 0, Act = UnaryKind.Relu6 };

    private static EfficientNetConfig MobileNetV2(double width)
    {
        var config = new EfficientNetConfig(
        [
            "ds_r1_k3_s1_c16",
            "ir_r2_k3_s2_e6_c24",
            "ir_r3_k3_s2_e6_c32",
            "ir_r4_k3_s2_e6_c64",
            "ir_r3_k3_s1_e6_c96",
            "ir_r3_k3_s2_e6_c160",
            "ir_r1_k3_s1_e6_c320",
        ])
        { Width = width, Act = UnaryKind.Relu6 };
        return config with { Features = Math.Max(1280, config.RoundChannels(1280)) };
    }

    private static EfficientNetConfig MobileNetV2Deep(double width, double depth)
        => MobileNetV2(width) with { Depth = [depth], FixStem = true, FixFirstLast = true, Features = 1280 };

    // FBNet-C: https://arxiv.org/abs/1812.03443. Its weights were trained with TensorFlow's eps, which timm sets with pretrained=True.

    private static EfficientNetConfig FBNetC => new(
    [
        "ir_r1_k3_s1_e1_c16",
        "ir_r1_k3_s2_e6_c24 ir_r2_k3_s1_e1_c24",
        "ir_r1_k5_s2_e6_c32 ir_r1_k5_s1_e3_c32 ir_r1_k5_s1_e6_c32 ir_r1_k3_s1_e6_c32",
        "ir_r1_k5_s2_e6_c64 ir_r1_k5_s1_e3_c64 ir_r2_k5_s1_e6_c64",
        "ir_r3_k5_s1_e6_c112 ir_r1_k5_s1_e3_c112",
        "ir_r4_k5_s2_e6_c184",
        "ir_r1_k3_s1_e6_c352",
    ])
    { StemSize = 16, Features = 1984, Norm = NormActs.BatchNormWith(EfficientNetConfig.TensorFlowEps) };

    // Single-Path NAS: https://arxiv.org/abs/1904.02877

    private static EfficientNetConfig SpNasNet => new(
    [
        "ds_r1_k3_s1_c16_noskip",
        "ir_r3_k3_s2_e3_c24",
        "ir_r1_k5_s2_e6_c40 ir_r3_k3_s1_e3_c40",
        "ir_r1_k5_s2_e6_c80 ir_r3_k3_s1_e3_c80",
        "ir_r1_k5_s1_e6_c96 ir_r3_k5_s1_e3_c96",
        "ir_r4_k5_s2_e6_c192",
        "ir_r1_k3_s1_e6_c320_noskip",
    ]);

    // EfficientNet: https://arxiv.org/abs/1905.11946

    private static EfficientNetConfig Compound(double width, double depth, int divisor = 8)
    {
        var config = new EfficientNetConfig(s_stages) { Width = width, Depth = [depth], ChannelDivisor = divisor, Act = UnaryKind.Silu };
        return config with { Features = config.RoundChannels(1280) };
    }

    private static EfficientNetConfig X(ImmutableArray<string> stages, double width, double depth) => Compound(width, depth) with { Stages = stages };

    private static EfficientNetConfig Edge(double width, double depth)
    {
        var config = new EfficientNetConfig(
        [
            "er_r1_k3_s1_e4_c24_fc24_noskip",
            "er_r2_k3_s2_e8_c32",
            "er_r4_k3_s2_e8_c48",
            "ir_r5_k5_s2_e8_c96",
            "ir_r4_k5_s1_e8_c144",
            "ir_r2_k5_s2_e8_c192",
        ])
        { Width = width, Depth = [depth] };
        return config with { Features = config.RoundChannels(1280) };
    }

    // CondConv: https://arxiv.org/abs/1904.04971

    private static EfficientNetConfig CondConv(double depth, int expertsMultiplier) => new(
    [
        "ds_r1_k3_s1_e1_c16_se0.25",
        "ir_r2_k3_s2_e6_c24_se0.25",
        "ir_r2_k5_s2_e6_c40_se0.25",
        "ir_r3_k3_s2_e6_c80_se0.25",
        "ir_r3_k5_s1_e6_c112_se0.25_cc4",
        "ir_r4_k5_s2_e6_c192_se0.25_cc4",
        "ir_r1_k3_s1_e6_c320_se0.25_cc4",
    ])
    { Depth = [depth], ExpertsMultiplier = expertsMultiplier, Act = UnaryKind.Silu };

    private static EfficientNetConfig Lite(double width, double depth) => new(
    [
        "ds_r1_k3_s1_e1_c16",
        "ir_r2_k3_s2_e6_c24",
        "ir_r2_k5_s2_e6_c40",
        "ir_r3_k3_s2_e6_c80",
        "ir_r3_k5_s1_e6_c112",
        "ir_r4_k5_s2_e6_c192",
        "ir_r1_k3_s1_e6_c320",
    ])
    { Width = width, Depth = [depth], FixStem = true, FixFirstLast = true, Act = UnaryKind.Relu6 };

    // EfficientNetV2: https://arxiv.org/abs/2104.00298

    private static EfficientNetConfig V2Base(double width, double depth)
    {
        var config = new EfficientNetConfig(
        [
            "cn_r1_k3_s1_e1_c16_skip",
            "er_r2_k3_s2_e4_c32",
            "er_r2_k3_s2_e4_c48",
            "ir_r3_k3_s2_e4_c96_se0.25",
            "ir_r5_k3_s1_e6_c112_se0.25",
            "ir_r8_k3_s2_e6_c192_se0.25",
        ])
        { Width = width, Depth = [depth], RoundLimit = 0, Act = UnaryKind.Silu };
        return config with { Features = config.RoundChannels(1280) };
    }

    private static EfficientNetConfig V2S(double width, double depth)
    {
        var config = new EfficientNetConfig(
        [
            "cn_r2_k3_s1_e1_c24_skip",
            "er_r4_k3_s2_e4_c48",
            "er_r4_k3_s2_e4_c64",
            "ir_r6_k3_s2_e4_c128_se0.25",
            "ir_r9_k3_s1_e6_c160_se0.25",
            "ir_r15_k3_s2_e6_c256_se0.25",
        ])
        { Width = width, Depth = [depth], StemSize = 24, Act = UnaryKind.Silu };
        return config with { Features = config.RoundChannels(1280) };
    }

    // What timm made of the paper's figures before the official release.
    private static EfficientNetConfig V2SmallRw(double width, ImmutableArray<double> depth)
    {
        var config = V2S(width, 1) with
        {
            Stages =
            [
                "er_r2_k3_s1_e1_c24",
                "er_r4_k3_s2_e4_c48",
                "er_r4_k3_s2_e4_c64",
                "ir_r6_k3_s2_e4_c128_se0.25",
                "ir_r9_k3_s1_e6_c160_se0.25",
                "ir_r15_k3_s2_e6_c272_se0.25",
            ],
            Depth = depth,
        };
        return config with { Features = config.RoundChannels(1792) };
    }

    private static EfficientNetConfig V2M => new(
    [
        "cn_r3_k3_s1_e1_c24_skip",
        "er_r5_k3_s2_e4_c48",
        "er_r5_k3_s2_e4_c80",
        "ir_r7_k3_s2_e4_c160_se0.25",
        "ir_r14_k3_s1_e6_c176_se0.25",
        "ir_r18_k3_s2_e6_c304_se0.25",
        "ir_r5_k3_s1_e6_c512_se0.25",
    ])
    { StemSize = 24, Act = UnaryKind.Silu };

    private static EfficientNetConfig V2L => new(
    [
        "cn_r4_k3_s1_e1_c32_skip",
        "er_r7_k3_s2_e4_c64",
        "er_r7_k3_s2_e4_c96",
        "ir_r10_k3_s2_e4_c192_se0.25",
        "ir_r19_k3_s1_e6_c224_se0.25",
        "ir_r25_k3_s2_e6_c384_se0.25",
        "ir_r7_k3_s1_e6_c640_se0.25",
    ])
    { Act = UnaryKind.Silu };

    private static EfficientNetConfig V2XL => new(
    [
        "cn_r4_k3_s1_e1_c32_skip",
        "er_r8_k3_s2_e4_c64",
        "er_r8_k3_s2_e4_c96",
        "ir_r16_k3_s2_e4_c192_se0.25",
        "ir_r24_k3_s1_e6_c256_se0.25",
        "ir_r32_k3_s2_e6_c512_se0.25",
        "ir_r8_k3_s1_e6_c640_se0.25",
    ])
    { Act = UnaryKind.Silu };

    // MixNet: https://arxiv.org/abs/1907.09595

    private static EfficientNetConfig MixNetS => new(
    [
        "ds_r1_k3_s1_e1_c16",
        "ir_r1_k3_a1.1_p1.1_s2_e6_c24 ir_r1_k3_a1.1_p1.1_s1_e3_c24",
        "ir_r1_k3.5.7_s2_e6_c40_se0.5_nsw ir_r3_k3.5_a1.1_p1.1_s1_e6_c40_se0.5_nsw",
        "ir_r1_k3.5.7_p1.1_s2_e6_c80_se0.25_nsw ir_r2_k3.5_p1.1_s1_e6_c80_se0.25_nsw",
        "ir_r1_k3.5.7_a1.1_p1.1_s1_e6_c120_se0.5_nsw ir_r2_k3.5.7.9_a1.1_p1.1_s1_e3_c120_se0.5_nsw",
        "ir_r1_k3.5.7.9.11_s2_e6_c200_se0.5_nsw ir_r2_k3.5.7.9_p1.1_s1_e6_c200_se0.5_nsw",
    ])
    { StemSize = 16, Features = 1536 };

    private static EfficientNetConfig MixNetM(double width, double depth) => new(
    [
        "ds_r1_k3_s1_e1_c24",
        "ir_r1_k3.5.7_a1.1_p1.1_s2_e6_c32 ir_r1_k3_a1.1_p1.1_s1_e3_c32",
        "ir_r1_k3.5.7.9_s2_e6_c40_se0.5_nsw ir_r3_k3.5_a1.1_p1.1_s1_e6_c40_se0.5_nsw",
        "ir_r1_k3.5.7_s2_e6_c80_se0.25_nsw ir_r3_k3.5.7.9_a1.1_p1.1_s1_e6_c80_se0.25_nsw",
        "ir_r1_k3_s1_e6_c120_se0.5_nsw ir_r3_k3.5.7.9_a1.1_p1.1_s1_e3_c120_se0.5_nsw",
        "ir_r1_k3.5.7.9_s2_e6_c200_se0.5_nsw ir_r3_k3.5.7.9_p1.1_s1_e6_c200_se0.5_nsw",
    ])
    { Width = width, Depth = [depth], RoundDepth = true, StemSize = 24, Features = 1536 };

    // TinyNet: https://arxiv.org/abs/2010.14819

    private static EfficientNetConfig TinyNet(double width, double depth)
    {
        var config = new EfficientNetConfig(s_stages) { Width = width, Depth = [depth], RoundDepth = true, FixStem = true, Act = UnaryKind.Silu };
        return config with { Features = Math.Max(1280, config.RoundChannels(1280)) };
    }

    // MobileNet-EdgeTPU

    private static EfficientNetConfig EdgeTpu => new(
    [
        "cn_r1_k1_s1_c16",
        "er_r1_k3_s2_e8_c32 er_r3_k3_s1_e4_c32",
        "er_r1_k3_s2_e8_c48 er_r3_k3_s1_e4_c48",
        "ir_r1_k3_s2_e8_c96 ir_r3_k3_s1_e4_c96",
        "ir_r1_k3_s1_e8_c96_noskip ir_r3_k3_s1_e4_c96",
        "ir_r1_k5_s2_e8_c160 ir_r3_k5_s1_e4_c160",
        "ir_r1_k3_s1_e8_c192",
    ]);

    private static EfficientNetConfig EdgeTpuV2(ReadOnlySpan<int> channels, int groupSize = 64) => new(
    [
        $"cn_r1_k1_s1_c{channels[0]}",
        $"er_r1_k3_s2_e8_c{channels[1]} er_r1_k3_s1_e4_gs{groupSize}_c{channels[1]}",
        $"er_r1_k3_s2_e8_c{channels[2]} er_r1_k3_s1_e4_gs{groupSize}_c{channels[2]} er_r1_k3_s1_e4_c{channels[2]} er_r1_k3_s1_e4_gs{groupSize}_c{channels[2]}",
        $"er_r1_k3_s2_e8_c{channels[3]} ir_r3_k3_s1_e4_c{channels[3]}",
        $"ir_r1_k3_s1_e8_c{channels[4]} ir_r3_k3_s1_e4_c{channels[4]}",
        $"ir_r1_k3_s2_e8_c{channels[5]} ir_r3_k3_s1_e4_c{channels[5]}",
        $"ir_r1_k3_s1_e8_c{channels[6]}",
    ])
    { StemSize = 64, StemKernel = 5 };

    private static EfficientNetConfig Tiny => new(
    [
        "cn_r1_k3_s1_e1_c16_skip",
        "er_r1_k3_s2_e4_c24",
        "er_r1_k3_s2_e4_c32",
        "ir_r1_k3_s2_e4_c48_se0.25",
        "ir_r1_k3_s2_e4_c64_se0.25",
    ])
    { RoundLimit = 0, StemSize = 24, Features = 256, Act = UnaryKind.Silu };

    public static ModelFamily<EfficientNetConfig> Models => new(Build)
    {
        Remap = TorchvisionMobileNet.Remap,
        Arguments = EfficientNetConfig.Arguments,
        ["mnasnet_050"] = MnasNetB1(0.5),
        ["mnasnet_075"] = MnasNetB1(0.75),
        ["mnasnet_100"] = MnasNetB1(1),
        ["mnasnet_140"] = MnasNetB1(1.4),
        ["semnasnet_050"] = MnasNetA1(0.5),
        ["semnasnet_075"] = MnasNetA1(0.75),
        ["semnasnet_100"] = MnasNetA1(1),
        ["semnasnet_140"] = MnasNetA1(1.4),
        ["mnasnet_small"] = MnasNetSmall,
        ["mobilenetv1_100"] = MobileNetV1(1),
        ["mobilenetv1_100h"] = MobileNetV1(1) with { Features = 1024 },
        ["mobilenetv1_125"] = MobileNetV1(1.25),
        ["mobilenetv2_035"] = MobileNetV2(0.35),
        ["mobilenetv2_050"] = MobileNetV2(0.5),
        ["mobilenetv2_075"] = MobileNetV2(0.75),
        ["mobilenetv2_100"] = MobileNetV2(1),
        ["mobilenetv2_140"] = MobileNetV2(1.4),
        ["mobilenetv2_110d"] = MobileNetV2Deep(1.1, 1.2),
        ["mobilenetv2_120d"] = MobileNetV2Deep(1.2, 1.4),
        ["fbnetc_100"] = FBNetC,
        ["spnasnet_100"] = SpNasNet,
        ["efficientnet_b0"] = Compound(1, 1),
        ["efficientnet_b1"] = Compound(1, 1.1),
        ["efficientnet_b2"] = Compound(1.1, 1.2),
        ["efficientnet_b3"] = Compound(1.2, 1.4),
        ["efficientnet_b4"] = Compound(1.4, 1.8),
        ["efficientnet_b5"] = Compound(1.6, 2.2),
        ["efficientnet_b6"] = Compound(1.8, 2.6),
        ["efficientnet_b7"] = Compound(2, 3.1),
        ["efficientnet_b8"] = Compound(2.2, 3.6),
        ["efficientnet_l2"] = Compound(4.3, 5.3),
        ["efficientnet_b0_gn"] = Compound(1, 1) with { Norm = NormActs.GroupNorm(8) },
        ["efficientnet_b0_g8_gn"] = Compound(1, 1) with { GroupSize = 8, Norm = NormActs.GroupNorm(8) },
        ["efficientnet_b0_g16_evos"] = Compound(1, 1, divisor: 16) with { GroupSize = 16 },
        ["efficientnet_b3_gn"] = Compound(1.2, 1.4, divisor: 16) with { Norm = NormActs.GroupNorm(16) },
        ["efficientnet_b3_g8_gn"] = Compound(1.2, 1.4, divisor: 16) with { GroupSize = 8, Norm = NormActs.GroupNorm(16) },
        ["efficientnet_blur_b0"] = Compound(1, 1) with { AntiAlias = AntiAlias.BlurConstant },
        ["efficientnet_es"] = Edge(1, 1),
        ["efficientnet_es_pruned"] = Edge(1, 1),
        ["efficientnet_em"] = Edge(1, 1.1),
        ["efficientnet_el"] = Edge(1.2, 1.4),
        ["efficientnet_el_pruned"] = Edge(1.2, 1.4),
        ["efficientnet_cc_b0_4e"] = CondConv(1, 1),
        ["efficientnet_cc_b0_8e"] = CondConv(1, 2),
        ["efficientnet_cc_b1_8e"] = CondConv(1.1, 2),
        ["efficientnet_lite0"] = Lite(1, 1),
        ["efficientnet_lite1"] = Lite(1, 1.1),
        ["efficientnet_lite2"] = Lite(1.1, 1.2),
        ["efficientnet_lite3"] = Lite(1.2, 1.4),
        ["efficientnet_lite4"] = Lite(1.4, 1.8),
        ["efficientnet_b1_pruned"] = Compound(1, 1.1).AsTensorFlow(),
        ["efficientnet_b2_pruned"] = Compound(1.1, 1.2).AsTensorFlow(),
        ["efficientnet_b3_pruned"] = Compound(1.2, 1.4).AsTensorFlow(),
        ["efficientnetv2_rw_t"] = V2S(0.8, 0.9),
        ["gc_efficientnetv2_rw_t"] = V2S(0.8, 0.9) with { Attention = EfficientNetBlocks.GlobalContextAttention },
        ["efficientnetv2_rw_s"] = V2SmallRw(1, [1]),
        ["efficientnetv2_rw_m"] = V2SmallRw(1.2, [1.2, 1.2, 1.2, 1.2, 1.6]),
        ["efficientnetv2_s"] = V2S(1, 1),
        ["efficientnetv2_m"] = V2M,
        ["efficientnetv2_l"] = V2L,
        ["efficientnetv2_xl"] = V2XL,
        ["tf_efficientnet_b0"] = Compound(1, 1).AsTensorFlow(),
        ["tf_efficientnet_b1"] = Compound(1, 1.1).AsTensorFlow(),
        ["tf_efficientnet_b2"] = Compound(1.1, 1.2).AsTensorFlow(),
        ["tf_efficientnet_b3"] = Compound(1.2, 1.4).AsTensorFlow(),
        ["tf_efficientnet_b4"] = Compound(1.4, 1.8).AsTensorFlow(),
        ["tf_efficientnet_b5"] = Compound(1.6, 2.2).AsTensorFlow(),
        ["tf_efficientnet_b6"] = Compound(1.8, 2.6).AsTensorFlow(),
        ["tf_efficientnet_b7"] = Compound(2, 3.1).AsTensorFlow(),
        ["tf_efficientnet_b8"] = Compound(2.2, 3.6).AsTensorFlow(),
        ["tf_efficientnet_l2"] = Compound(4.3, 5.3).AsTensorFlow(),
        ["tf_efficientnet_es"] = Edge(1, 1).AsTensorFlow(),
        ["tf_efficientnet_em"] = Edge(1, 1.1).AsTensorFlow(),
        ["tf_efficientnet_el"] = Edge(1.2, 1.4).AsTensorFlow(),
        ["tf_efficientnet_cc_b0_4e"] = CondConv(1, 1).AsTensorFlow(),
        ["tf_efficientnet_cc_b0_8e"] = CondConv(1, 2).AsTensorFlow(),
        ["tf_efficientnet_cc_b1_8e"] = CondConv(1.1, 2).AsTensorFlow(),
        ["tf_efficientnet_lite0"] = Lite(1, 1).AsTensorFlow(),
        ["tf_efficientnet_lite1"] = Lite(1, 1.1).AsTensorFlow(),
        ["tf_efficientnet_lite2"] = Lite(1.1, 1.2).AsTensorFlow(),
        ["tf_efficientnet_lite3"] = Lite(1.2, 1.4).AsTensorFlow(),
        ["tf_efficientnet_lite4"] = Lite(1.4, 1.8).AsTensorFlow(),
        ["tf_efficientnetv2_s"] = V2S(1, 1).AsTensorFlow(),
        ["tf_efficientnetv2_m"] = V2M.AsTensorFlow(),
        ["tf_efficientnetv2_l"] = V2L.AsTensorFlow(),
        ["tf_efficientnetv2_xl"] = V2XL.AsTensorFlow(),
        ["tf_efficientnetv2_b0"] = V2Base(1, 1).AsTensorFlow(),
        ["tf_efficientnetv2_b1"] = V2Base(1, 1.1).AsTensorFlow(),
        ["tf_efficientnetv2_b2"] = V2Base(1.1, 1.2).AsTensorFlow(),
        ["tf_efficientnetv2_b3"] = V2Base(1.2, 1.4).AsTensorFlow(),
        ["efficientnet_x_b3"] = X(s_xStages, 1.2, 1.4),
        ["efficientnet_x_b5"] = X(s_xStages, 1.6, 2.2),
        ["efficientnet_h_b5"] = X(s_hStages, 1.92, 2.2),
        ["mixnet_s"] = MixNetS,
        ["mixnet_m"] = MixNetM(1, 1),
        ["mixnet_l"] = MixNetM(1.3, 1),
        ["mixnet_xl"] = MixNetM(1.6, 1.2),
        ["mixnet_xxl"] = MixNetM(2.4, 1.3),
        ["tf_mixnet_s"] = MixNetS.AsTensorFlow(),
        ["tf_mixnet_m"] = MixNetM(1, 1).AsTensorFlow(),
        ["tf_mixnet_l"] = MixNetM(1.3, 1).AsTensorFlow(),
        ["tinynet_a"] = TinyNet(1, 1.2),
        ["tinynet_b"] = TinyNet(0.75, 1.1),
        ["tinynet_c"] = TinyNet(0.54, 0.85),
        ["tinynet_d"] = TinyNet(0.54, 0.695),
        ["tinynet_e"] = TinyNet(0.51, 0.6),
        ["mobilenet_edgetpu_100"] = EdgeTpu,
        ["mobilenet_edgetpu_v2_xs"] = EdgeTpuV2([16, 32, 48, 96, 144, 160, 192]) with { StemSize = 32, StemKernel = 3 },
        ["mobilenet_edgetpu_v2_s"] = EdgeTpuV2([24, 48, 64, 128, 160, 192, 256]),
        ["mobilenet_edgetpu_v2_m"] = EdgeTpuV2([32, 64, 80, 160, 192, 240, 320]) with { Features = 1344 },
        ["mobilenet_edgetpu_v2_l"] = EdgeTpuV2([32, 64, 96, 192, 240, 256, 384], groupSize: 128) with { StemKernel = 7, Features = 1408 },
        ["test_efficientnet"] = Tiny,
        ["test_efficientnet_gn"] = Tiny with { Norm = NormActs.GroupNorm(8) },
        ["test_efficientnet_ln"] = Tiny with { Norm = NormActs.LayerNorm2d },
        ["test_efficientnet_evos"] = Tiny with { Norm = NormActs.EvoNorm2dS0(8) },
    };
}
