using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <content>The variants.</content>
internal static partial class ByobNet
{
    internal static AttentionLayer SqueezeExcite { get; } = (b, name, x) => ChannelAttention.SqueezeExcite(b, name, x);

    internal static AttentionLayer SqueezeExciteQuarter { get; } = (b, name, x) => ChannelAttention.SqueezeExcite(b, name, x, reductionRatio: 0.25f);

    internal static AttentionLayer Eca { get; } = (b, name, x) => ChannelAttention.Eca(b, name, x);

    private static readonly AttentionLayer s_globalContext = (b, name, x) => GlobalContext.Build(b, name, x, adds: true);

    /// <summary>The ResNets of OpenAI's CLIP, with or without their attention pool.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        if (!c.Has("visual.conv1.weight"))
            return;
        c.Take("visual.");
        if (config.Head != Head.Attention)
            c.Drop(@"^attnpool\.");
        c.RenameMatches(
            (@"^conv(\d)\.", "stem.conv$1.conv."), (@"^bn(\d)\.", "stem.conv$1.bn."), (@"\.downsample\.0\.", ".shortcut.conv.conv."), (@"\.downsample\.1\.", ".shortcut.conv.bn."),
            (@"^(layer.*)\.(conv|bn)1\.", "$1.conv1_1x1.$2."), (@"^(layer.*)\.(conv|bn)2\.", "$1.conv2_kxk.$2."), (@"^(layer.*)\.(conv|bn)3\.", "$1.conv3_1x1.$2."),
            (@"^attnpool\.", "head."), (@"^head\.positional_embedding$", "head.pos_embed"), (@"^head\.([qkv])_proj\.", "head.$1."), (@"^head\.c_proj\.", "head.proj."));
        c.Rename(("layer1.", "stages.0."), ("layer2.", "stages.1."), ("layer3.", "stages.2."), ("layer4.", "stages.3."));
    }

    /// <summary>What of timm's config can be overlaid.</summary>
    internal static IReadOnlyDictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new Dictionary<string, Func<Config, JsonElement, Config>>
    {
        ["downsample"] = (c, v) => c with { Shortcut = v.OneOf(("conv1x1", Shortcut.Conv), ("avg", Shortcut.Avg), ("", Shortcut.None)) },
        // CLIP's stem has widths of its own for each convolution.
        ["stem_type"] = (c, v) => c.Stem == Stem.Clip ? v.OneOf(("3x3", c), ("", c)) : c with
        {
            Stem = v.OneOf(
                ("3x3", Stem.Conv3x3), ("", Stem.Conv3x3), ("7x7", Stem.Conv7x7), ("deep", Stem.Deep), ("tiered", Stem.Tiered),
                ("quad", Stem.Quad), ("quad2", Stem.Quad2), ("rep", Stem.Rep), ("one", Stem.One)),
        },
        ["stem_pool"] = (c, v) => c with { StemPool = v.OneOf(("maxpool", Pool.Max), ("max", Pool.Max), ("avg2", Pool.Avg2), ("", Pool.None)) },
        ["stem_chs"] = (c, v) => c with { StemChannels = v.Number(), Stem = c.Stem == Stem.Clip ? Stem.Conv3x3 : c.Stem },
        ["width_factor"] = (c, v) => c with { WidthFactor = v.GetDouble() },
        ["num_features"] = (c, v) => c with { NumFeatures = v.GetInt32() },
        ["act_layer"] = (c, v) => c with { Act = v.Activation() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        Remap = Remap,
        GlobalPool = config => config.Head == Head.Attention ? "token" : "avg",
        ["gernet_l"] = new([Basic(1, 128), Basic(2, 192), Bottle(6, 640), Inverse(5, 640), Inverse(4, 640, stride: 1)]) { StemChannels = 32, NumFeatures = 2560 },
        ["gernet_m"] = new([Basic(1, 128), Basic(2, 192), Bottle(6, 640), Inverse(4, 640), Inverse(1, 640, stride: 1)]) { StemChannels = 32, NumFeatures = 2560 },
        ["gernet_s"] = new([Basic(1, 48), Basic(3, 48), Bottle(7, 384), Inverse(2, 560), Inverse(1, 256, stride: 1)]) { StemChannels = 13, NumFeatures = 1920 },
        ["repvgg_a0"] = Rep([2, 4, 14, 1], [0.75, 0.75, 0.75, 2.5]) with { StemChannels = 48 },
        ["repvgg_a1"] = Rep([2, 4, 14, 1], [1, 1, 1, 2.5]),
        ["repvgg_a2"] = Rep([2, 4, 14, 1], [1.5, 1.5, 1.5, 2.75]),
        ["repvgg_b0"] = Rep([4, 6, 16, 1], [1, 1, 1, 2.5]),
        ["repvgg_b1"] = Rep([4, 6, 16, 1], [2, 2, 2, 4]),
        ["repvgg_b1g4"] = Rep([4, 6, 16, 1], [2, 2, 2, 4], groups: 4),
        ["repvgg_b2"] = Rep([4, 6, 16, 1], [2.5, 2.5, 2.5, 5]),
        ["repvgg_b2g4"] = Rep([4, 6, 16, 1], [2.5, 2.5, 2.5, 5], groups: 4),
        ["repvgg_b3"] = Rep([4, 6, 16, 1], [3, 3, 3, 5]),
        ["repvgg_b3g4"] = Rep([4, 6, 16, 1], [3, 3, 3, 5], groups: 4),
        ["repvgg_d2se"] = Rep([8, 14, 24, 1], [2.5, 2.5, 2.5, 5]) with { Attention = (b, name, x) => ChannelAttention.SqueezeExcite(b, name, x, 0.0625f, divisor: 1) },
        ["resnet51q"] = new([Bottle(2, 256, 1, 32), Bottle(4, 512, 2, 32), Bottle(6, 1536, 2, 32), Bottle(4, 1536, 2, 1, ratio: 1)])
        {
            Stem = Stem.Quad2,
            StemChannels = 128,
            NumFeatures = 2048,
            Act = UnaryKind.Silu,
        },
        ["resnet61q"] = new([Edge(1, 256, 1, ratio: 1), Bottle(4, 512, 2, 32), Bottle(6, 1536, 2, 32), Bottle(4, 1536, 2, 1, ratio: 1)])
        {
            Stem = Stem.Quad,
            StemChannels = 128,
            NumFeatures = 2048,
            Act = UnaryKind.Silu,
            ExtraConv = true,
        },
        ["resnext26ts"] = ResNeXt26ts,
        ["gcresnext26ts"] = ResNeXt26ts with { Attention = s_globalContext },
        ["seresnext26ts"] = ResNeXt26ts with { Attention = SqueezeExcite },
        ["eca_resnext26ts"] = ResNeXt26ts with { Attention = Eca },
        ["bat_resnext26ts"] = ResNeXt26ts with { Attention = (b, name, x) => BilinearAttention.Build(b, name, x, blockSize: 8) },
        ["resnet32ts"] = ResNet33ts with { NumFeatures = 0 },
        ["resnet33ts"] = ResNet33ts,
        ["gcresnet33ts"] = ResNet33ts with { Attention = s_globalContext },
        ["seresnet33ts"] = ResNet33ts with { Attention = SqueezeExcite },
        ["eca_resnet33ts"] = ResNet33ts with { Attention = Eca },
        ["gcresnet50t"] = new(Bottles([3, 4, 6, 3], [256, 512, 1024, 2048])) { Stem = Stem.Tiered, Attention = s_globalContext },
        ["gcresnext50ts"] = new(Bottles([3, 4, 6, 3], [256, 512, 1024, 2048], groupSize: 32)) { Stem = Stem.Tiered, StemPool = Pool.Max, Act = UnaryKind.Silu, Attention = s_globalContext },
        ["regnetz_b16"] = RegNetZBC(ratio: 3),
        ["regnetz_c16"] = RegNetZBC(ratio: 4),
        ["regnetz_d32"] = RegNetZDE([3, 6, 12, 3], [64, 128, 256, 384], 32) with { NumFeatures = 1792 },
        ["regnetz_d8"] = RegNetZDE([3, 6, 12, 3], [64, 128, 256, 384], 8) with { NumFeatures = 1792 },
        ["regnetz_e8"] = RegNetZDE([3, 8, 16, 3], [96, 192, 384, 512], 8) with { NumFeatures = 2048 },
        ["regnetz_b16_evos"] = RegNetZBC(ratio: 3) with { Norm = NormActs.EvoNorm2dS0a(16) },
        ["regnetz_c16_evos"] = RegNetZBC(ratio: 4) with { Norm = NormActs.EvoNorm2dS0a(16) },
        ["regnetz_d8_evos"] = RegNetZDE([3, 6, 12, 3], [64, 128, 256, 384], 8) with { Stem = Stem.Deep, NumFeatures = 1792, Norm = NormActs.EvoNorm2dS0a(16) },
        ["mobileone_s0"] = One([0.75, 1, 1, 2], branches: 4) with { StemChannels = 48 },
        ["mobileone_s1"] = One([1.5, 1.5, 2, 2.5]),
        ["mobileone_s2"] = One([1.5, 2, 2.5, 4]),
        ["mobileone_s3"] = One([2, 2.5, 3, 4]),
        ["mobileone_s4"] = One([3, 3.5, 3.5, 4], attended: [0, 0, 5, 1]),
        ["resnet50_clip"] = Clip([3, 4, 6, 3]) with { Head = Head.Attention },
        ["resnet101_clip"] = Clip([3, 4, 23, 3]) with { Head = Head.Attention },
        ["resnet50x4_clip"] = Clip([4, 6, 10, 6]) with { WidthFactor = 1.25, Head = Head.Attention },
        ["resnet50x16_clip"] = Clip([6, 8, 18, 8]) with { WidthFactor = 1.5, Head = Head.Attention },
        ["resnet50x64_clip"] = Clip([3, 15, 36, 10]) with { WidthFactor = 2, Head = Head.Attention },
        ["resnet50_clip_gap"] = Clip([3, 4, 6, 3]),
        ["resnet101_clip_gap"] = Clip([3, 4, 23, 3]),
        ["resnet50x4_clip_gap"] = Clip([4, 6, 10, 6]) with { WidthFactor = 1.25 },
        ["resnet50x16_clip_gap"] = Clip([6, 8, 18, 8]) with { WidthFactor = 1.5 },
        ["resnet50x64_clip_gap"] = Clip([3, 15, 36, 10]) with { WidthFactor = 2 },
        ["resnet50_mlp"] = Clip([3, 4, 6, 3]) with { Head = Head.Mlp },
        ["test_byobnet"] = new([Edge(1, 32, 2, ratio: 0.5), new Blocks(DarkBlock, 1, 64) { BottleRatio = 0.5 }, Basic(1, 128) with { GroupSize = 32, BottleRatio = 0.25 }, Bottle(1, 256, 2, 64)])
        {
            StemChannels = 24,
            Shortcut = Shortcut.Avg,
            Attention = SqueezeExciteQuarter,
        },
    };

    private static Config ResNeXt26ts { get; } = new(Bottles([2, 2, 2, 2], [256, 512, 1024, 2048], groupSize: 32)) { Stem = Stem.Tiered, StemPool = Pool.Max, Act = UnaryKind.Silu };

    private static Config ResNet33ts { get; } = new(Bottles([2, 3, 3, 2], [256, 512, 1536, 1536])) { Stem = Stem.Tiered, NumFeatures = 1280, Act = UnaryKind.Silu };

    private static Blocks Basic(int depth, int channels) => new(BasicBlock, depth, channels);

    internal static Blocks Bottle(int depth, int channels, int stride = 2, int groupSize = 0, double ratio = 0.25) => new(BottleneckBlock, depth, channels, stride) { GroupSize = groupSize, BottleRatio = ratio };

    /// <summary>A depthwise bottleneck, three times as wide within.</summary>
    private static Blocks Inverse(int depth, int channels, int stride = 2) => Bottle(depth, channels, stride, groupSize: 1, ratio: 3);

    /// <summary>Never with the bottlenecks' second convolution.</summary>
    private static Blocks Edge(int depth, int channels, int stride, double ratio) => new(EdgeBlock, depth, channels, stride) { BottleRatio = ratio };

    /// <summary>Four stages of bottlenecks, the first without stride.</summary>
    private static ImmutableArray<Stage> Bottles(ImmutableArray<int> depths, ImmutableArray<int> channels, int groupSize = 0, double ratio = 0.25)
        => [.. depths.Select((depth, i) => (Stage)Bottle(depth, channels[i], i == 0 ? 1 : 2, groupSize, ratio))];

    private static Config Rep(ImmutableArray<int> depths, ImmutableArray<double> widths, int groups = 0)
        => new([.. depths.Select((depth, i) => (Stage)new Blocks(RepVgg, depth, (64 << i) * widths[i]) { AlternateGroups = groups })]) { Stem = Stem.Rep, StemPool = Pool.Max };

    /// <summary>MobileOne: depthwise and pointwise blocks in turn, the last of some stages with squeeze-excite.</summary>
    private static Config One(ImmutableArray<double> widths, int branches = 1, ImmutableArray<int> attended = default)
    {
        int[] depths = [2, 8, 10, 1];
        double previous = Math.Min(64, 64 * widths[0]);
        var stages = ImmutableArray.CreateBuilder<Stage>();
        for (int stage = 0; stage < depths.Length; stage++)
        {
            var blocks = ImmutableArray.CreateBuilder<Blocks>();
            double channels = (64 << stage) * widths[stage];
            for (int i = 0; i < depths[stage]; i++)
            {
                AttentionLayer? attention = !attended.IsDefault && i >= depths[stage] - attended[stage] ? SqueezeExcite : null;
                blocks.Add(new Blocks(MobileOne, 1, previous) { GroupSize = 1, Branches = branches, Attention = attention });
                blocks.Add(new Blocks(MobileOne, 1, channels) { Kernel = 1, Branches = branches, Attention = attention });
                previous = channels;
            }
            stages.Add(new Stage(blocks.ToImmutable()));
        }
        return new(stages.ToImmutable()) { Stem = Stem.One, StemPool = Pool.Max };
    }

    private static Config RegNetZ(ImmutableArray<Stage> stages)
        => new(stages) { Shortcut = Shortcut.None, Act = UnaryKind.Silu, Attention = SqueezeExciteQuarter, Inverted = true };

    private static Config RegNetZBC(double ratio)
        => RegNetZ([Bottle(2, 48, 2, 16, ratio), Bottle(6, 96, 2, 16, ratio), Bottle(12, 192, 2, 16, ratio), Bottle(2, 288, 2, 16, ratio)]) with { StemChannels = 32, NumFeatures = 1536 };

    private static Config RegNetZDE(ImmutableArray<int> depths, ImmutableArray<int> channels, int groupSize) => RegNetZ(Bottles(depths, channels, groupSize, ratio: 4)) with { Stem = Stem.Tiered };

    private static Config Clip(ImmutableArray<int> depths) => new(Bottles(depths, [256, 512, 1024, 2048]))
    {
        Stem = Stem.Clip,
        StemPool = Pool.Avg2,
        Shortcut = Shortcut.Avg,
        AntiAlias = AntiAlias.Average,
    };
}
