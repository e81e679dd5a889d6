using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <content>The variants.</content>
internal static partial class MaxxViT
{
    /// <summary>Linear layers that are 1×1 convolutions here, or the other way round.</summary>
    private static void Remap(Checkpoint c, Config config) => c.TakeModelShapes();

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["embed_dim"] = (c, v) => c with { Channels = v.PerStage(c.Channels.Length) },
        ["depths"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["stem_width"] = (c, v) => v.Pair() is var (first, second) ? c with { StemFirst = first, StemWidth = second } : c,
        ["stem_bias"] = (c, v) => c with { StemBias = v.GetBoolean() },
        ["head_hidden_size"] = (c, v) => c with { HeadHidden = v.GetInt32() },
        ["transformer_init_values"] = (c, v) => WithTransformer(c, t => t with { LayerScale = v.GetDouble() != 0 }),
        ["transformer_rel_pos_type"] = (c, v) => WithTransformer(c, t => t with { RelPos = v.OneOf(("bias", RelPos.Bias), ("bias_tf", RelPos.BiasTf), ("mlp", RelPos.Mlp)) }),
        ["transformer_rel_pos_dim"] = (c, v) => WithTransformer(c, t => t with { RelPosDim = v.GetInt32() }),
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Remap = Remap,
        Arguments = Arguments,
        ["coatnet_pico_rw_224"] = CoatRwMax(Nano([2, 3, 5, 2])),
        ["coatnet_nano_rw_224"] = CoatRwMax(Nano([3, 4, 6, 3]), strideByPool: true),
        ["coatnet_0_rw_224"] = CoatRw(Coat0, strideByPool: true, attentionEarly: true, shortcutBias: false),
        ["coatnet_1_rw_224"] = CoatRw(Coat1, attentionEarly: true, shortcutBias: false),
        ["coatnet_2_rw_224"] = CoatRw(Coat2, attentionAct: UnaryKind.Silu),
        ["coatnet_3_rw_224"] = Scaled(CoatRw(Coat3, attentionAct: UnaryKind.Silu)),
        ["coatnet_bn_0_rw_224"] = WithTransformer(CoatRw(Coat0, attentionEarly: true, shortcutBias: false), t => t with { BatchNorm = true }),
        ["coatnet_rmlp_nano_rw_224"] = Rmlp(CoatRwMax(Nano([3, 4, 6, 3])), 384),
        ["coatnet_rmlp_0_rw_224"] = Rmlp(CoatRw(Coat0)),
        ["coatnet_rmlp_1_rw_224"] = Rmlp(CoatRw(Coat1, strideByPool: true, maxPool: true, attentionEarly: true, shortcutBias: false), 384),
        ["coatnet_rmlp_1_rw2_224"] = Rmlp(CoatRw(Coat1)),
        ["coatnet_rmlp_2_rw_224"] = Scaled(Rmlp(CoatRw(Coat2, attentionAct: UnaryKind.Silu))),
        ["coatnet_rmlp_2_rw_384"] = Scaled(Rmlp(CoatRw(Coat2, attentionAct: UnaryKind.Silu))),
        ["coatnet_rmlp_3_rw_224"] = Scaled(Rmlp(CoatRw(Coat3, attentionAct: UnaryKind.Silu))),
        ["coatnet_nano_cc_224"] = CoatRw(Nano([3, 4, 6, 3]), strideByPool: true) with
        {
            Blocks = [[Block.Conv], [Block.Conv], [Block.Conv, Block.Transformer], [Block.Conv, Block.Transformer]],
        },
        ["coatnext_nano_rw_224"] = WithTransformer(Next(Nano([3, 4, 6, 3])), t => t with { LayerScale = false, RelPos = RelPos.Bias }),
        ["coatnet_0_224"] = Coat([96, 192, 384, 768], [2, 3, 5, 2], 64),
        ["coatnet_1_224"] = Coat([96, 192, 384, 768], [2, 6, 14, 2], 64),
        ["coatnet_2_224"] = Coat([128, 256, 512, 1024], [2, 6, 14, 2], 128),
        ["coatnet_3_224"] = Coat([192, 384, 768, 1536], [2, 6, 14, 2], 192),
        ["coatnet_4_224"] = Coat([192, 384, 768, 1536], [2, 12, 28, 2], 192),
        ["coatnet_5_224"] = Coat([256, 512, 1280, 2048], [2, 12, 28, 2], 192),
        ["maxvit_pico_rw_256"] = MaxRw(Pico),
        ["maxvit_nano_rw_256"] = MaxRw(Nano([1, 2, 3, 1])),
        ["maxvit_tiny_rw_224"] = MaxRw(Nano([2, 2, 5, 2])),
        ["maxvit_tiny_rw_256"] = MaxRw(Nano([2, 2, 5, 2])),
        ["maxvit_rmlp_pico_rw_256"] = Rmlp(MaxRw(Pico)),
        ["maxvit_rmlp_nano_rw_256"] = Rmlp(MaxRw(Nano([1, 2, 3, 1]))),
        ["maxvit_rmlp_tiny_rw_256"] = Rmlp(MaxRw(Nano([2, 2, 5, 2]))),
        ["maxvit_rmlp_small_rw_224"] = Scaled(Rmlp(MaxRw(Small([2, 2, 5, 2])))),
        ["maxvit_rmlp_small_rw_256"] = Scaled(Rmlp(MaxRw(Small([2, 2, 5, 2])))),
        ["maxvit_rmlp_base_rw_224"] = Rmlp(MaxRw(Small([2, 6, 14, 2]))) with { HeadHidden = 768 },
        ["maxvit_rmlp_base_rw_384"] = Rmlp(MaxRw(Small([2, 6, 14, 2]))) with { HeadHidden = 768 },
        ["maxvit_tiny_pm_256"] = MaxRw(Nano([2, 2, 5, 2])) with { Blocks = All(Block.ParallelMaxVit) },
        ["maxxvit_rmlp_nano_rw_256"] = MaxNext(Nano([1, 2, 3, 1])),
        ["maxxvit_rmlp_tiny_rw_256"] = MaxNext(Nano([2, 2, 5, 2])),
        ["maxxvit_rmlp_small_rw_256"] = MaxNext(new([96, 192, 384, 768], [2, 2, 5, 2], 96) { StemFirst = 48 }),
        ["maxxvitv2_nano_rw_256"] = WithTransformer(V2(new([96, 192, 384, 768], [1, 2, 3, 1], 96) { StemFirst = 48 }), t => t with { RelPos = RelPos.Bias }),
        ["maxxvitv2_rmlp_base_rw_224"] = V2Base,
        ["maxxvitv2_rmlp_base_rw_384"] = V2Base,
        ["maxxvitv2_rmlp_large_rw_224"] = V2(new([160, 320, 640, 1280], [2, 6, 16, 2], 160) { StemFirst = 80, HeadHidden = 1280 }),
        ["maxvit_tiny_tf_224"] = TinyTf,
        ["maxvit_tiny_tf_384"] = TinyTf,
        ["maxvit_tiny_tf_512"] = TinyTf,
        ["maxvit_small_tf_224"] = SmallTf,
        ["maxvit_small_tf_384"] = SmallTf,
        ["maxvit_small_tf_512"] = SmallTf,
        ["maxvit_base_tf_224"] = BaseTf,
        ["maxvit_base_tf_384"] = BaseTf,
        ["maxvit_base_tf_512"] = BaseTf,
        ["maxvit_large_tf_224"] = LargeTf,
        ["maxvit_large_tf_384"] = LargeTf,
        ["maxvit_large_tf_512"] = LargeTf,
        ["maxvit_xlarge_tf_224"] = XlargeTf,
        ["maxvit_xlarge_tf_384"] = XlargeTf,
        ["maxvit_xlarge_tf_512"] = XlargeTf,
    };

    private static Config Pico => new([32, 64, 128, 256], [2, 2, 5, 2], 32) { StemFirst = 24 };

    private static Config Nano(ImmutableArray<int> depths) => new([64, 128, 256, 512], depths, 64) { StemFirst = 32 };

    private static Config Small(ImmutableArray<int> depths) => new([96, 192, 384, 768], depths, 64) { StemFirst = 32 };

    private static Config Coat0 => Small([2, 3, 7, 2]);

    private static Config Coat1 => Small([2, 6, 14, 2]);

    private static Config Coat2 => new([128, 256, 512, 1024], [2, 6, 14, 2], 128) { StemFirst = 64 };

    private static Config Coat3 => new([192, 384, 768, 1536], [2, 6, 14, 2], 192) { StemFirst = 96 };

    /// <summary>As in the paper.</summary>
    private static Config Coat(ImmutableArray<int> channels, ImmutableArray<int> depths, int stem) => new(channels, depths, stem) { HeadHidden = channels[^1] };

    /// <summary>timm's CoAtNet, from before the paper's authors published theirs (<c>_rw_coat_cfg</c>).</summary>
    private static Config CoatRw(
        Config size, bool strideByPool = false, bool maxPool = false, bool attentionEarly = false, UnaryKind attentionAct = UnaryKind.Relu, bool shortcutBias = true)
    {
        var conv = new ConvConfig { StrideByPool = strideByPool, MaxPool = maxPool, AttentionEarly = attentionEarly, AttentionAct = attentionAct, Act = UnaryKind.Silu };
        return size with
        {
            Conv = conv with { PreNormAct = true, ExpandOutput = false, OutputBias = false },
            Transformer = new() { ExpandFirst = false, ShortcutBias = shortcutBias, MaxPool = maxPool },
        };
    }

    /// <summary>timm's CoAtNet with the settings of its MaxViT.</summary>
    private static Config CoatRwMax(Config size, bool strideByPool = false) => size with
    {
        Conv = RwConv with { StrideByPool = strideByPool, OutputBias = true, AttentionRatio = 0.25 },
        Transformer = new() { ExpandFirst = false },
    };

    private static ConvConfig RwConv => new() { ExpandOutput = false, OutputBias = false, AttentionRatio = 1.0 / 16, Act = UnaryKind.Silu };

    /// <summary>timm's MaxViT, from before the paper's authors published theirs (<c>_rw_max_cfg</c>).</summary>
    private static Config MaxRw(Config size) => size with { Blocks = All(Block.MaxVit), Conv = RwConv, Transformer = new() { ExpandFirst = false } };

    /// <summary>ConvNeXt blocks, layer scales and a perceptron for positions (<c>_next_cfg</c>).</summary>
    private static Config Next(Config size) => size with
    {
        Conv = new() { ConvNeXt = true, ExpandOutput = false, LayerScale = true, NormEps = 1e-6f },
        Transformer = new() { ExpandFirst = false, LayerScale = true, RelPos = RelPos.Mlp },
    };

    private static Config MaxNext(Config size) => Next(size) with { Blocks = All(Block.MaxVit) };

    /// <summary>Grids without windows.</summary>
    private static Config V2(Config size) => WithTransformer(MaxNext(size), t => t with { NoBlockAttention = true });

    private static Config V2Base => V2(new([128, 256, 512, 1024], [2, 6, 12, 2], 128) { StemFirst = 64 });

    /// <summary>The paper's MaxViT (<c>_tf_cfg</c>).</summary>
    private static Config Tf(ImmutableArray<int> channels, ImmutableArray<int> depths, int stem) => new(channels, depths, stem)
    {
        StemBias = true,
        Blocks = All(Block.MaxVit),
        Conv = new() { NormEps = 1e-3f, Act = UnaryKind.GeluTanh, Pad = PadType.Same },
        Transformer = new() { NormEps = 1e-5f, Act = UnaryKind.GeluTanh, HeadFirst = false, RelPos = RelPos.BiasTf },
        HeadHidden = channels[^1],
    };

    private static Config TinyTf => Tf([64, 128, 256, 512], [2, 2, 5, 2], 64);

    private static Config SmallTf => Tf([96, 192, 384, 768], [2, 2, 5, 2], 64);

    private static Config BaseTf => Tf([96, 192, 384, 768], [2, 6, 14, 2], 64);

    private static Config LargeTf => Tf([128, 256, 512, 1024], [2, 6, 14, 2], 128);

    private static Config XlargeTf => Tf([192, 384, 768, 1536], [2, 6, 14, 2], 192);

    private static ImmutableArray<ImmutableArray<Block>> All(Block block) => [[block], [block], [block], [block]];

    private static Config WithTransformer(Config config, Func<TransformerConfig, TransformerConfig> change) => config with { Transformer = change(config.Transformer) };

    /// <summary>Positions by a perceptron.</summary>
    private static Config Rmlp(Config config, int dim = 512) => WithTransformer(config, t => t with { RelPos = RelPos.Mlp, RelPosDim = dim });

    /// <summary>Layer scales in the transformer blocks.</summary>
    private static Config Scaled(Config config) => WithTransformer(config, t => t with { LayerScale = true });
}
