using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// MobileNetV5, the image encoder of Gemma 3n: MobileNetV4's blocks under an adapter that fuses the last two levels at a fixed resolution.
/// timm: <c>mobilenetv5.py</c>. Source: Gemma 3n, https://ai.google.dev/gemma/docs/gemma-3n
/// </summary>
internal static class MobileNetV5
{
    private const int FusedChannels = 2048, FusedSize = 16;

    /// <summary>What tells one variant from another.</summary>
    internal sealed record Config(EfficientNetConfig Blocks)
    {
        /// <summary>There is no head: the result is the fused map.</summary>
        public bool IsEncoder { get; init; }
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        EfficientNetConfig blocks = config.Blocks;
        Node x = b.Input;
        using (b.Scope("conv_stem"))
            x = NormAct(b, "bn", Conv2dPadding.Conv2d(b, "conv", x, blocks.StemSize, 3, blocks.Pad, stride: 2, bias: true), blocks.Act);
        EfficientNetBuilder.Trunk trunk = EfficientNetBuilder.BuildStages(b, blocks, options, x);
        Node features = Fuse(b, blocks, [.. trunk.Levels[^2..].Select(l => l.Node)]);
        return BackboneGraph.OfLevels(b, trunk.Levels, features, Head(b, config, features, options)) with { FeaturesFromIntermediates = true };
    }

    private static (Node PreLogits, Node Logits) Head(GraphBuilder b, Config config, Node x, ModelOptions options)
    {
        if (!config.IsEncoder)
            return ClassifierHeads.PoolLinear(b, x, options.NumClasses, options.GlobalPool, "classifier");
        return options.NumClasses == 0 ? (x, x)
            : throw new GraphException($"This model is an encoder without classifier; {options.NumClasses} classes were asked for. Ask for 0, or for 'mobilenetv5_300m', which has one.");
    }

    /// <summary>timm's multi-scale fusion adapter: the levels at the size of the finest, two convolutions, and the result at 16 × 16.</summary>
    private static Node Fuse(GraphBuilder b, EfficientNetConfig config, ImmutableArray<Node> levels) => b.Leaf("msfa", () =>
    {
        (int h, int w) = (levels[0].Shape[1], levels[0].Shape[2]);
        Node x = b.Concat(0, [.. levels.Select(level => level.Shape[1] < h || level.Shape[2] < w ? b.Resize(level, h, w, ResizeMode.Nearest) : level)]);
        x = ConvNormAct.Build(b, "ffn.pw_exp", x, 2 * x.Shape[0], 1, NormAct, config.Act);
        x = ConvNormAct.Build(b, "ffn.pw_proj", x, FusedChannels, 1, NormAct, act: null);
        if (h % FusedSize != 0 || w % FusedSize != 0)
            x = b.Resize(x, FusedSize, FusedSize, ResizeMode.Bilinear);
        else if ((h, w) != (FusedSize, FusedSize))
            x = b.AvgPool2d("avg_pool2d", x, (h / FusedSize, w / FusedSize));
        return Norms.RmsNorm2d()(b, "norm", x);
    });

    private static Node NormAct(GraphBuilder b, string name, Node x, UnaryKind? act)
    {
        x = Norms.RmsNorm2d()(b, name, x);
        using (b.Scope(name))
        {
            x = b.Identity("drop", x);
            return act is { } kind ? b.Act("act", x, kind) : b.Identity("act", x);
        }
    }

    private static Config Of(params ImmutableArray<string> deepStages) => new(new EfficientNetConfig(
    [
        "er_r1_k3_s2_e4_c128 er_r2_k3_s1_e4_c128",
        "uir_r1_a3_k5_s2_e6_c256 uir_r1_a5_k0_s1_e4_c256 uir_r1_a3_k0_s1_e4_c256 uir_r1_a5_k0_s1_e4_c256 uir_r1_a3_k0_s1_e4_c256",
        .. deepStages,
    ])
    { StemSize = 64, Act = UnaryKind.GeluTanh, Norm = NormAct, LayerScale = true });

    private static Config Of300M => Of(
        $"uir_r1_a5_k5_s2_e6_c640 uir_r7_a5_k0_s1_e4_c640 uir_r1_a0_k0_s1_e1_c640 {Times(14, "mqa_r1_k3_h12_v2_s1_d64_c640 uir_r1_a0_k0_s1_e2_c640")}",
        $"uir_r1_a5_k5_s2_e6_c1280 {Times(19, "mqa_r1_k3_h16_s1_d96_c1280 uir_r1_a0_k0_s1_e2_c1280")}");

    private static string Times(int count, string blocks) => string.Join(' ', Enumerable.Repeat(blocks, count));

    /// <summary>Gemma 3n's files, where this is the vision tower.</summary>
    private static void Remap(Checkpoint c, Config config) => c.Take("model.vision_tower.timm_model.");

    public static ModelFamily<Config> Models => new(Build)
    {
        Remap = Remap,
        ["mobilenetv5_300m_enc"] = Of300M with { Blocks = Of300M.Blocks with { Pad = PadType.Same }, IsEncoder = true },
        ["mobilenetv5_300m"] = Of300M,
        ["mobilenetv5_base"] = Of(
            $"uir_r1_a5_k5_s2_e6_c512 uir_r2_a5_k0_s1_e4_c512 uir_r1_a0_k0_s1_e1_c512 {Times(6, "mqa_r1_k3_h8_s1_d64_c512 uir_r1_a0_k0_s1_e2_c512")}",
            $"uir_r1_a5_k5_s2_e6_c1024 {Times(7, "mqa_r1_k3_h16_s1_d64_c1024 uir_r1_a0_k0_s1_e2_c1024")}"),
    };
}
