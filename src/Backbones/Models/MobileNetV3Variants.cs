using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <content>The architectures, each a list of block definitions for every stage, and the entry points.</content>
internal static partial class MobileNetV3
{
    // MobileNetV3: https://arxiv.org/abs/1905.02244

    private static EfficientNetConfig Large(double width) => V3(width,
    [
        "ds_r1_k3_s1_e1_c16_nre",
        "ir_r1_k3_s2_e4_c24_nre ir_r1_k3_s1_e3_c24_nre",
        "ir_r3_k5_s2_e3_c40_se0.25_nre",
        "ir_r1_k3_s2_e6_c80 ir_r1_k3_s1_e2.5_c80 ir_r2_k3_s1_e2.3_c80",
        "ir_r2_k3_s1_e6_c112_se0.25",
        "ir_r3_k5_s2_e6_c160_se0.25",
        "cn_r1_k1_s1_c960",
    ]);

    private static EfficientNetConfig LargeMinimal => V3(1,
    [
        "ds_r1_k3_s1_e1_c16",
        "ir_r1_k3_s2_e4_c24 ir_r1_k3_s1_e3_c24",
        "ir_r3_k3_s2_e3_c40",
        "ir_r1_k3_s2_e6_c80 ir_r1_k3_s1_e2.5_c80 ir_r2_k3_s1_e2.3_c80",
        "ir_r2_k3_s1_e6_c112",
        "ir_r3_k3_s2_e6_c160",
        "cn_r1_k1_s1_c960",
    ]) with
    { Act = UnaryKind.Relu };

    private static EfficientNetConfig Small(double width) => V3(width,
    [
        "ds_r1_k3_s2_e1_c16_se0.25_nre",
        "ir_r1_k3_s2_e4.5_c24_nre ir_r1_k3_s1_e3.67_c24_nre",
        "ir_r1_k5_s2_e4_c40_se0.25 ir_r2_k5_s1_e6_c40_se0.25",
        "ir_r2_k5_s1_e3_c48_se0.25",
        "ir_r3_k5_s2_e6_c96_se0.25",
        "cn_r1_k1_s1_c576",
    ]) with
    { Features = 1024 };

    private static EfficientNetConfig SmallMinimal => V3(1,
    [
        "ds_r1_k3_s2_e1_c16",
        "ir_r1_k3_s2_e4.5_c24 ir_r1_k3_s1_e3.67_c24",
        "ir_r1_k3_s2_e4_c40 ir_r2_k3_s1_e6_c40",
        "ir_r2_k3_s1_e3_c48",
        "ir_r3_k3_s2_e6_c96",
        "cn_r1_k1_s1_c576",
    ]) with
    { Act = UnaryKind.Relu, Features = 1024 };

    private static EfficientNetConfig V3(double width, ImmutableArray<string> stages) => Base(stages) with
    {
        Width = width,
        FixStem = width < 0.75,
        Attention = EfficientNetBlocks.SqueezeExcite(UnaryKind.HardSigmoid, UnaryKind.Relu, channels => ChannelAttention.MakeDivisible(channels)),
    };

    private static EfficientNetConfig Rw => Base(
    [
        "ds_r1_k3_s1_e1_c16_nre_noskip",
        "ir_r1_k3_s2_e4_c24_nre ir_r1_k3_s1_e3_c24_nre",
        "ir_r3_k5_s2_e3_c40_se0.25_nre",
        "ir_r1_k3_s2_e6_c80 ir_r1_k3_s1_e2.5_c80 ir_r2_k3_s1_e2.3_c80",
        "ir_r2_k3_s1_e6_c112_se0.25",
        "ir_r3_k5_s2_e6_c160_se0.25",
        "cn_r1_k1_s1_c960",
    ]) with
    {
        HeadBias = false,
        Norm = NormActs.BatchNormWith(EfficientNetConfig.TensorFlowEps),
        Attention = EfficientNetBlocks.SqueezeExcite(UnaryKind.HardSigmoid),
    };

    // FBNetV3: https://arxiv.org/abs/2006.02049

    private static EfficientNetConfig FBNetV3B => FBNetV3(16,
    [
        "ds_r2_k3_s1_e1_c16",
        "ir_r1_k5_s2_e4_c24 ir_r3_k5_s1_e2_c24",
        "ir_r1_k5_s2_e5_c40_se0.25 ir_r4_k5_s1_e3_c40_se0.25",
        "ir_r1_k5_s2_e5_c72 ir_r4_k3_s1_e3_c72",
        "ir_r1_k3_s1_e5_c120_se0.25 ir_r5_k5_s1_e3_c120_se0.25",
        "ir_r1_k3_s2_e6_c184_se0.25 ir_r5_k5_s1_e4_c184_se0.25 ir_r1_k5_s1_e6_c224_se0.25",
        "cn_r1_k1_s1_c1344",
    ]);

    private static EfficientNetConfig FBNetV3D => FBNetV3(24,
    [
        "ds_r2_k3_s1_e1_c16",
        "ir_r1_k3_s2_e5_c24 ir_r5_k3_s1_e2_c24",
        "ir_r1_k5_s2_e4_c40_se0.25 ir_r4_k3_s1_e3_c40_se0.25",
        "ir_r1_k3_s2_e5_c72 ir_r4_k3_s1_e3_c72",
        "ir_r1_k3_s1_e5_c128_se0.25 ir_r6_k5_s1_e3_c128_se0.25",
        "ir_r1_k3_s2_e6_c208_se0.25 ir_r5_k5_s1_e5_c208_se0.25 ir_r1_k5_s1_e6_c240_se0.25",
        "cn_r1_k1_s1_c1440",
    ]);

    private static EfficientNetConfig FBNetV3G => FBNetV3(32,
    [
        "ds_r3_k3_s1_e1_c24",
        "ir_r1_k5_s2_e4_c40 ir_r4_k5_s1_e2_c40",
        "ir_r1_k5_s2_e4_c56_se0.25 ir_r4_k5_s1_e3_c56_se0.25",
        "ir_r1_k5_s2_e5_c104 ir_r4_k3_s1_e3_c104",
        "ir_r1_k3_s1_e5_c160_se0.25 ir_r8_k5_s1_e3_c160_se0.25",
        "ir_r1_k3_s2_e6_c264_se0.25 ir_r6_k5_s1_e5_c264_se0.25 ir_r2_k5_s1_e6_c288_se0.25",
        "cn_r1_k1_s1_c1728",
    ]);

    private static EfficientNetConfig FBNetV3(int stemSize, ImmutableArray<string> stages) => Base(stages) with
    {
        StemSize = stemSize,
        RoundLimit = 0.95,
        Features = 1984,
        HeadBias = false,
        AttentionFromExpansion = false,
        Attention = EfficientNetBlocks.SqueezeExcite(UnaryKind.HardSigmoid, round: channels => ChannelAttention.MakeDivisible(channels, roundLimit: 0.95)),
    };

    // PP-LCNet: https://arxiv.org/abs/2109.15099

    private static EfficientNetConfig LcNet(double width) => Base(
    [
        "dsa_r1_k3_s1_c32",
        "dsa_r2_k3_s2_c64",
        "dsa_r2_k3_s2_c128",
        "dsa_r1_k3_s2_c256 dsa_r1_k5_s1_c256",
        "dsa_r4_k5_s1_c256",
        "dsa_r2_k5_s2_c512_se0.25",
    ]) with
    { Width = width, Attention = EfficientNetBlocks.SqueezeExcite(UnaryKind.HardSigmoid, UnaryKind.Relu) };

    // MobileNetV4: https://arxiv.org/abs/2404.10518

    private static EfficientNetConfig V4ConvSmall(double width) => V4(width, 32,
    [
        "cn_r1_k3_s2_e1_c32 cn_r1_k1_s1_e1_c32",
        "cn_r1_k3_s2_e1_c96 cn_r1_k1_s1_e1_c64",
        "uir_r1_a5_k5_s2_e3_c96 uir_r4_a0_k3_s1_e2_c96 uir_r1_a3_k0_s1_e4_c96",
        "uir_r1_a3_k3_s2_e6_c128 uir_r1_a5_k5_s1_e4_c128 uir_r1_a0_k5_s1_e4_c128 uir_r1_a0_k5_s1_e3_c128 uir_r2_a0_k3_s1_e4_c128",
        "cn_r1_k1_s1_c960",
    ]);

    private static EfficientNetConfig V4ConvMedium => V4(1, 32,
    [
        "er_r1_k3_s2_e4_c48",
        "uir_r1_a3_k5_s2_e4_c80 uir_r1_a3_k3_s1_e2_c80",
        "uir_r1_a3_k5_s2_e6_c160 uir_r2_a3_k3_s1_e4_c160 uir_r1_a3_k5_s1_e4_c160 uir_r1_a3_k3_s1_e4_c160 uir_r1_a3_k0_s1_e4_c160 uir_r1_a0_k0_s1_e2_c160 uir_r1_a3_k0_s1_e4_c160",
        "uir_r1_a5_k5_s2_e6_c256 uir_r1_a5_k5_s1_e4_c256 uir_r2_a3_k5_s1_e4_c256 uir_r1_a0_k0_s1_e4_c256 uir_r1_a3_k0_s1_e4_c256 uir_r1_a3_k5_s1_e2_c256 "
        + "uir_r1_a5_k5_s1_e4_c256 uir_r2_a0_k0_s1_e4_c256 uir_r1_a5_k0_s1_e2_c256",
        "cn_r1_k1_s1_c960",
    ]);

    private static EfficientNetConfig V4ConvLarge => V4(1, 24,
    [
        "er_r1_k3_s2_e4_c48",
        "uir_r1_a3_k5_s2_e4_c96 uir_r1_a3_k3_s1_e4_c96",
        "uir_r1_a3_k5_s2_e4_c192 uir_r3_a3_k3_s1_e4_c192 uir_r1_a3_k5_s1_e4_c192 uir_r5_a5_k3_s1_e4_c192 uir_r1_a3_k0_s1_e4_c192",
        "uir_r4_a5_k5_s2_e4_c512 uir_r1_a5_k0_s1_e4_c512 uir_r1_a5_k3_s1_e4_c512 uir_r2_a5_k0_s1_e4_c512 uir_r1_a5_k3_s1_e4_c512 uir_r1_a5_k5_s1_e4_c512 uir_r3_a5_k0_s1_e4_c512",
        "cn_r1_k1_s1_c960",
    ]);

    private static EfficientNetConfig V4HybridMedium(double width) => V4(width, 32,
    [
        "er_r1_k3_s2_e4_c48",
        "uir_r1_a3_k5_s2_e4_c80 uir_r1_a3_k3_s1_e2_c80",
        "uir_r1_a3_k5_s2_e6_c160 uir_r1_a0_k0_s1_e2_c160 uir_r1_a3_k3_s1_e4_c160 uir_r1_a3_k5_s1_e4_c160 mqa_r1_k3_h4_s1_v2_d64_c160 uir_r1_a3_k3_s1_e4_c160 "
        + "mqa_r1_k3_h4_s1_v2_d64_c160 uir_r1_a3_k0_s1_e4_c160 mqa_r1_k3_h4_s1_v2_d64_c160 uir_r1_a3_k3_s1_e4_c160 mqa_r1_k3_h4_s1_v2_d64_c160 uir_r1_a3_k0_s1_e4_c160",
        "uir_r1_a5_k5_s2_e6_c256 uir_r1_a5_k5_s1_e4_c256 uir_r2_a3_k5_s1_e4_c256 uir_r1_a0_k0_s1_e2_c256 uir_r1_a3_k5_s1_e2_c256 uir_r1_a0_k0_s1_e2_c256 "
        + "uir_r1_a0_k0_s1_e4_c256 mqa_r1_k3_h4_s1_d64_c256 uir_r1_a3_k0_s1_e4_c256 mqa_r1_k3_h4_s1_d64_c256 uir_r1_a5_k5_s1_e4_c256 mqa_r1_k3_h4_s1_d64_c256 "
        + "uir_r1_a5_k0_s1_e4_c256 mqa_r1_k3_h4_s1_d64_c256 uir_r1_a5_k0_s1_e4_c256",
        "cn_r1_k1_s1_c960",
    ]) with
    { LayerScale = true };

    private static EfficientNetConfig V4HybridLarge(double width) => V4(width, 24,
    [
        "er_r1_k3_s2_e4_c48",
        "uir_r1_a3_k5_s2_e4_c96 uir_r1_a3_k3_s1_e4_c96",
        "uir_r1_a3_k5_s2_e4_c192 uir_r3_a3_k3_s1_e4_c192 uir_r1_a3_k5_s1_e4_c192 uir_r2_a5_k3_s1_e4_c192 mqa_r1_k3_h8_s1_v2_d48_c192 uir_r1_a5_k3_s1_e4_c192 "
        + "mqa_r1_k3_h8_s1_v2_d48_c192 uir_r1_a5_k3_s1_e4_c192 mqa_r1_k3_h8_s1_v2_d48_c192 uir_r1_a5_k3_s1_e4_c192 mqa_r1_k3_h8_s1_v2_d48_c192 uir_r1_a3_k0_s1_e4_c192",
        "uir_r4_a5_k5_s2_e4_c512 uir_r1_a5_k0_s1_e4_c512 uir_r1_a5_k3_s1_e4_c512 uir_r2_a5_k0_s1_e4_c512 uir_r1_a5_k3_s1_e4_c512 uir_r1_a5_k5_s1_e4_c512 "
        + "mqa_r1_k3_h8_s1_d64_c512 uir_r1_a5_k0_s1_e4_c512 mqa_r1_k3_h8_s1_d64_c512 uir_r1_a5_k0_s1_e4_c512 mqa_r1_k3_h8_s1_d64_c512 uir_r1_a5_k0_s1_e4_c512 "
        + "mqa_r1_k3_h8_s1_d64_c512 uir_r1_a5_k0_s1_e4_c512",
        "cn_r1_k1_s1_c960",
    ]) with
    { LayerScale = true, Act = UnaryKind.Gelu };

    private static EfficientNetConfig V4(double width, int stemSize, ImmutableArray<string> stages) => Base(stages) with
    {
        Width = width,
        StemSize = stemSize,
        FixStem = width < 1,
        Act = UnaryKind.Relu,
        HeadBias = false,
        HeadNorm = true,
    };

    private static EfficientNetConfig Base(ImmutableArray<string> stages) => new(stages) { StemSize = 16, Act = UnaryKind.HardSwish, AttentionFromExpansion = true };

    public static ModelFamily<EfficientNetConfig> Models => new(Build)
    {
        Remap = TorchvisionMobileNet.Remap,
        Arguments = EfficientNetConfig.Arguments,
        ["mobilenetv3_large_075"] = Large(0.75),
        ["mobilenetv3_large_100"] = Large(1),
        ["mobilenetv3_large_150d"] = Large(1.5) with { Depth = [1.2] },
        ["mobilenetv3_small_050"] = Small(0.5),
        ["mobilenetv3_small_075"] = Small(0.75),
        ["mobilenetv3_small_100"] = Small(1),
        ["mobilenetv3_rw"] = Rw,
        ["tf_mobilenetv3_large_075"] = Large(0.75).AsTensorFlow(),
        ["tf_mobilenetv3_large_100"] = Large(1).AsTensorFlow(),
        ["tf_mobilenetv3_large_minimal_100"] = LargeMinimal.AsTensorFlow(),
        ["tf_mobilenetv3_small_075"] = Small(0.75).AsTensorFlow(),
        ["tf_mobilenetv3_small_100"] = Small(1).AsTensorFlow(),
        ["tf_mobilenetv3_small_minimal_100"] = SmallMinimal.AsTensorFlow(),
        ["fbnetv3_b"] = FBNetV3B,
        ["fbnetv3_d"] = FBNetV3D,
        ["fbnetv3_g"] = FBNetV3G,
        ["lcnet_035"] = LcNet(0.35),
        ["lcnet_050"] = LcNet(0.5),
        ["lcnet_075"] = LcNet(0.75),
        ["lcnet_100"] = LcNet(1),
        ["lcnet_150"] = LcNet(1.5),
        ["mobilenetv4_conv_small_035"] = V4ConvSmall(0.35),
        ["mobilenetv4_conv_small_050"] = V4ConvSmall(0.5),
        ["mobilenetv4_conv_small"] = V4ConvSmall(1),
        ["mobilenetv4_conv_medium"] = V4ConvMedium,
        ["mobilenetv4_conv_large"] = V4ConvLarge,
        ["mobilenetv4_hybrid_medium"] = V4HybridMedium(1),
        ["mobilenetv4_hybrid_large"] = V4HybridLarge(1),
        ["mobilenetv4_conv_aa_medium"] = V4ConvMedium with { AntiAlias = AntiAlias.Average },
        ["mobilenetv4_conv_blur_medium"] = V4ConvMedium with { AntiAlias = AntiAlias.BlurConstant },
        ["mobilenetv4_conv_aa_large"] = V4ConvLarge with { AntiAlias = AntiAlias.Average },
        ["mobilenetv4_hybrid_medium_075"] = V4HybridMedium(0.75),
        ["mobilenetv4_hybrid_large_075"] = V4HybridLarge(0.75),
    };
}
