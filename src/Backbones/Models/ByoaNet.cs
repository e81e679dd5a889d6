using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// Bring-your-own-attention networks: <see cref="ByobNet"/> with blocks of self-attention. BoTNet, HaloNet, LambdaResNet, and mixtures.
/// timm: <c>byoanet.py</c>. Papers: Bottleneck Transformers, https://arxiv.org/abs/2101.11605; HaloNet, https://arxiv.org/abs/2103.12731; LambdaNetworks,
/// https://arxiv.org/abs/2102.08602
/// </summary>
internal static class ByoaNet
{
    private static readonly ByobNet.SelfAttentionLayer s_bottleneck = (b, name, x, stride) => BottleneckAttention.Build(b, name, x, stride);

    public static ModelFamily<ByobNet.Config> Models => new(ByobNet.Build)
    {
        Arguments = ByobNet.Arguments,
        ["botnet26t_256"] = Tiered26 with { SelfAttention = s_bottleneck },
        ["sebotnet33ts_256"] = Tiered33 with { SelfAttention = s_bottleneck },
        ["botnet50ts_256"] = Tiered50 with { SelfAttention = s_bottleneck },
        ["eca_botnext26ts_256"] = Grouped26 with { SelfAttention = (b, name, x, stride) => BottleneckAttention.Build(b, name, x, stride, headWidth: 16) },
        ["halonet_h1"] = new([Attended(3, 64, 1, ratio: 1), Attended(3, 128, ratio: 1), Attended(10, 256, ratio: 1), Attended(3, 512, ratio: 1)])
        {
            Stem = ByobNet.Stem.Conv7x7,
            StemPool = ByobNet.Pool.Max,
            SelfAttention = Halo(),
        },
        ["halonet26t"] = Tiered26 with { SelfAttention = Halo(haloSize: 2) },
        ["sehalonet33ts"] = Tiered33 with { SelfAttention = Halo() },
        ["halonet50ts"] = Tiered50 with { Stages = Tiered50.Stages.SetItem(1, WithAttention(Tiered50.Stages[1], Halo(heads: 4))), SelfAttention = Halo() },
        ["eca_halonext26ts"] = Grouped26 with { SelfAttention = Halo(haloSize: 2, headWidth: 16) },
        ["lambda_resnet26t"] = Tiered26 with { SelfAttention = Lambda(9) },
        ["lambda_resnet50ts"] = Tiered50 with { SelfAttention = Lambda(9) },
        ["lambda_resnet26rpt_256"] = Tiered26 with { SelfAttention = Lambda(null) },
        ["haloregnetz_b"] = new([ByobNet.Bottle(2, 48, 2, 16, 3), ByobNet.Bottle(6, 96, 2, 16, 3), Mixed(12, 192, [3, 7, 11], groupSize: 16, ratio: 3), Attended(2, 288, ratio: 3)])
        {
            StemChannels = 32,
            NumFeatures = 1536,
            Shortcut = ByobNet.Shortcut.None,
            Act = UnaryKind.Silu,
            Attention = ByobNet.SqueezeExciteQuarter,
            Inverted = true,
            SelfAttention = Halo(blockSize: 7, haloSize: 2, qkRatio: 0.33),
        },
        ["lamhalobotnet50ts_256"] = Mixture50(Lambda(13), Halo()),
        ["halo2botnet50ts_256"] = Mixture50(Halo(), Halo()),
    };

    private static ByobNet.Config Tiered26 { get; } = new([ByobNet.Bottle(2, 256, 1), ByobNet.Bottle(2, 512), Mixed(2, 1024, [1]), Attended(2, 2048)])
    {
        Stem = ByobNet.Stem.Tiered,
        StemPool = ByobNet.Pool.Max,
    };

    private static ByobNet.Config Grouped26 { get; } = new([ByobNet.Bottle(2, 256, 1, 16), ByobNet.Bottle(2, 512, 2, 16), Mixed(2, 1024, [1], groupSize: 16), Attended(2, 2048)])
    {
        Stem = ByobNet.Stem.Tiered,
        StemPool = ByobNet.Pool.Max,
        Act = UnaryKind.Silu,
        Attention = ByobNet.Eca,
    };

    private static ByobNet.Config Tiered33 { get; } = new([ByobNet.Bottle(2, 256, 1), Mixed(3, 512, [2]), Mixed(3, 1024, [2]), Attended(2, 1536, ratio: 0.333)])
    {
        Stem = ByobNet.Stem.Tiered,
        NumFeatures = 1280,
        Act = UnaryKind.Silu,
        Attention = ByobNet.SqueezeExcite,
    };

    private static ByobNet.Config Tiered50 { get; } = new([ByobNet.Bottle(3, 256, 1), Mixed(4, 512, [3]), Mixed(6, 1024, [1, 3, 5]), Mixed(3, 2048, [1])])
    {
        Stem = ByobNet.Stem.Tiered,
        StemPool = ByobNet.Pool.Max,
        Act = UnaryKind.Silu,
    };

    /// <summary>An attention of its own in each of the last three stages, the last one's over all pixels.</summary>
    private static ByobNet.Config Mixture50(ByobNet.SelfAttentionLayer second, ByobNet.SelfAttentionLayer third)
        => new([ByobNet.Bottle(3, 256, 1), WithAttention(Mixed(4, 512, [1, 3]), second), WithAttention(Mixed(6, 1024, [1, 3, 5]), third), WithAttention(Mixed(3, 2048, [1]), s_bottleneck)])
        {
            Stem = ByobNet.Stem.Tiered,
            Act = UnaryKind.Silu,
        };

    private static ByobNet.Blocks Attended(int depth, int channels, int stride = 2, double ratio = 0.25) => new(ByobNet.SelfAttentionBlock, depth, channels, stride) { BottleRatio = ratio };

    /// <summary>Bottlenecks with self-attention in some of them.</summary>
    private static ByobNet.Stage Mixed(int depth, int channels, ImmutableArray<int> attended, int groupSize = 0, double ratio = 0.25)
        => new([.. Enumerable.Range(0, depth).Select(i => attended.Contains(i) ? Attended(1, channels, ratio: ratio) : ByobNet.Bottle(1, channels, 2, groupSize, ratio))]);

    private static ByobNet.Stage WithAttention(ByobNet.Stage stage, ByobNet.SelfAttentionLayer attention) => new([.. stage.Blocks.Select(b => b with { SelfAttention = attention })]);

    private static ByobNet.SelfAttentionLayer Halo(int blockSize = 8, int haloSize = 3, int heads = 8, int? headWidth = null, double qkRatio = 1)
        => (b, name, x, stride) => HaloAttention.Build(b, name, x, stride, blockSize, haloSize, heads, headWidth, qkRatio);

    private static ByobNet.SelfAttentionLayer Lambda(int? radius) => (b, name, x, stride) => LambdaLayer.Build(b, name, x, stride, radius);
}
