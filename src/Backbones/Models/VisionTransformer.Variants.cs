using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <content>The variants.</content>
internal static partial class VisionTransformer
{
    private static ActLayer GeluTanh { get; } = ActLayers.Timm(UnaryKind.GeluTanh);

    public static ModelFamily<Config> Models => new(Build)
    {
        GlobalPool = config => config.GlobalPool,
        Remap = Remap,
        Arguments = Arguments,
        ["vit_tiny_patch16_224"] = Tiny(16),
        ["vit_tiny_patch16_384"] = Tiny(16),
        ["vit_small_patch32_224"] = Small(32),
        ["vit_small_patch32_384"] = Small(32),
        ["vit_small_patch16_224"] = Small(16),
        ["vit_small_patch16_384"] = Small(16),
        ["vit_small_patch8_224"] = Small(8),
        ["vit_base_patch32_224"] = Base(32),
        ["vit_base_patch32_384"] = Base(32),
        ["vit_base_patch16_224"] = Base(16),
        ["vit_base_patch16_384"] = Base(16),
        ["vit_base_patch8_224"] = Base(8),
        ["vit_large_patch32_224"] = Large(32),
        ["vit_large_patch32_384"] = Large(32),
        ["vit_large_patch16_224"] = Large(16),
        ["vit_large_patch16_384"] = Large(16),
        ["vit_large_patch14_224"] = Large(14),
        ["vit_huge_patch14_224"] = Huge(14),
        ["vit_giant_patch14_224"] = Giant(14),
        ["vit_gigantic_patch14_224"] = Gigantic(14),
        ["vit_base_patch16_224_miil"] = Base(16) with { QkvBias = false },
        ["vit_medium_patch16_gap_240"] = Gap(Medium(16)) with { QkvBias = false, LayerScale = true },
        ["vit_medium_patch16_gap_256"] = Gap(Medium(16)) with { QkvBias = false, LayerScale = true },
        ["vit_medium_patch16_gap_384"] = Gap(Medium(16)) with { QkvBias = false, LayerScale = true },
        ["vit_betwixt_patch16_gap_256"] = Gap(Betwixt(16)) with { QkvBias = false, LayerScale = true },
        ["vit_base_patch16_gap_224"] = Gap(new Config(16, 768, 12, 16)),
        ["vit_huge_patch14_gap_224"] = Gap(Huge(14)),
        ["vit_huge_patch16_gap_448"] = Gap(Huge(16)),
        ["vit_giant_patch16_gap_224"] = Gap(Giant(16)),
        ["vit_xsmall_patch16_clip_224"] = Clip(new Config(16, 256, 10, 4)),
        ["vit_medium_patch32_clip_224"] = Clip(Medium(32)),
        ["vit_medium_patch16_clip_224"] = Clip(Medium(16)),
        ["vit_betwixt_patch32_clip_224"] = Clip(Betwixt(32)),
        ["vit_base_patch32_clip_224"] = Clip(Base(32)),
        ["vit_base_patch32_clip_256"] = Clip(Base(32)),
        ["vit_base_patch32_clip_384"] = Clip(Base(32)),
        ["vit_base_patch32_clip_448"] = Clip(Base(32)),
        ["vit_base_patch16_clip_224"] = Clip(Base(16)),
        ["vit_base_patch16_clip_384"] = Clip(Base(16)),
        ["vit_base_patch16_plus_clip_240"] = Clip(BasePlus(16)),
        ["vit_large_patch14_clip_224"] = Clip(Large(14)),
        ["vit_large_patch14_clip_336"] = Clip(Large(14)),
        ["vit_huge_patch14_clip_224"] = Clip(Huge(14)),
        ["vit_huge_patch14_clip_336"] = Clip(Huge(14)),
        ["vit_huge_patch14_clip_378"] = Clip(Huge(14)),
        ["vit_giant_patch14_clip_224"] = Clip(Giant(14)),
        ["vit_gigantic_patch14_clip_224"] = Clip(Gigantic(14)),
        ["vit_gigantic_patch14_clip_378"] = Clip(Gigantic(14)),
        ["vit_base_patch32_clip_quickgelu_224"] = ClipQuickGelu(Base(32)),
        ["vit_base_patch16_clip_quickgelu_224"] = ClipQuickGelu(Base(16)),
        ["vit_large_patch14_clip_quickgelu_224"] = ClipQuickGelu(Large(14)),
        ["vit_large_patch14_clip_quickgelu_336"] = ClipQuickGelu(Large(14)),
        ["vit_huge_patch14_clip_quickgelu_224"] = ClipQuickGelu(Huge(14)),
        ["vit_huge_patch14_clip_quickgelu_378"] = ClipQuickGelu(Huge(14)),
        ["vit_gigantic_patch14_clip_quickgelu_224"] = ClipQuickGelu(Gigantic(14)),
        ["vit_base_patch32_plus_256"] = BasePlus(32) with { LayerScale = true },
        ["vit_base_patch16_plus_240"] = BasePlus(16) with { LayerScale = true },
        ["vit_base_patch16_rpn_224"] = Base(16) with { Block = PostNormBlock, QkvBias = false, LayerScale = true, ClassToken = false, GlobalPool = "avg" },
        ["vit_small_patch16_36x1_224"] = new(16, 384, 36, 6) { LayerScale = true },
        ["vit_small_patch16_18x2_224"] = new(16, 384, 18, 6) { Block = ParallelThingsBlock, LayerScale = true },
        ["vit_base_patch16_18x2_224"] = new(16, 768, 18, 12) { Block = ParallelThingsBlock, LayerScale = true },
        ["eva_large_patch14_196"] = Large(14) with { GlobalPool = "avg" },
        ["eva_large_patch14_336"] = Large(14) with { GlobalPool = "avg" },
        ["flexivit_small"] = Small(16) with { NoEmbedClass = true, ResizesBilinearly = true },
        ["flexivit_base"] = Base(16) with { NoEmbedClass = true, ResizesBilinearly = true },
        ["flexivit_large"] = Large(16) with { NoEmbedClass = true, ResizesBilinearly = true },
        ["vit_base_patch16_xp_224"] = Xp(Base(16)),
        ["vit_large_patch14_xp_224"] = Xp(Large(14)),
        ["vit_huge_patch14_xp_224"] = Xp(Huge(14)),
        ["vit_small_patch14_dinov2"] = Small(14) with { LayerScale = true },
        ["vit_base_patch14_dinov2"] = Base(14) with { LayerScale = true },
        ["vit_large_patch14_dinov2"] = Large(14) with { LayerScale = true },
        ["vit_giant_patch14_dinov2"] = Packed(new Config(14, 1536, 40, 24, 2.66667 * 2)) with { LayerScale = true },
        ["vit_small_patch14_reg4_dinov2"] = DinoReg(4, Small(14)),
        ["vit_base_patch14_reg4_dinov2"] = DinoReg(4, Base(14)),
        ["vit_large_patch14_reg4_dinov2"] = DinoReg(4, Large(14)),
        ["vit_giant_patch14_reg4_dinov2"] = Packed(new Config(14, 1536, 40, 24, 2.66667 * 2)) with { LayerScale = true, RegTokens = 4, NoEmbedClass = true },
        ["vit_base_patch14_reg1_tipsv2"] = DinoReg(1, Base(14)),
        ["vit_large_patch14_reg1_tipsv2"] = DinoReg(1, Large(14)),
        ["vit_so400m_patch14_reg1_tipsv2"] = DinoReg(1, new Config(14, 1152, 27, 16, 4304.0 / 1152)),
        ["vit_giant_patch14_reg1_tipsv2"] = Packed(new Config(14, 1536, 40, 24, 2.66667 * 2)) with { LayerScale = true, RegTokens = 1, NoEmbedClass = true },
        ["vit_base_patch32_siglip_256"] = Map(Base(32)) with { Act = GeluTanh },
        ["vit_base_patch16_siglip_224"] = Map(Base(16)),
        ["vit_base_patch16_siglip_256"] = Map(Base(16)),
        ["vit_base_patch16_siglip_384"] = Map(Base(16)),
        ["vit_base_patch16_siglip_512"] = Map(Base(16)),
        ["vit_large_patch16_siglip_256"] = Map(Large(16)),
        ["vit_large_patch16_siglip_384"] = Map(Large(16)),
        ["vit_large_patch16_siglip_512"] = Map(Large(16)) with { Act = GeluTanh },
        ["vit_so400m_patch14_siglip_224"] = Map(So400m(14)),
        ["vit_so400m_patch14_siglip_378"] = Map(So400m(14)),
        ["vit_so400m_patch14_siglip_384"] = Map(So400m(14)),
        ["vit_so400m_patch16_siglip_256"] = Map(So400m(16)) with { Act = GeluTanh },
        ["vit_so400m_patch16_siglip_384"] = Map(So400m(16)) with { Act = GeluTanh },
        ["vit_so400m_patch16_siglip_512"] = Map(So400m(16)) with { Act = GeluTanh },
        ["vit_giantopt_patch16_siglip_256"] = Map(GiantOpt(16)) with { Act = GeluTanh },
        ["vit_giantopt_patch16_siglip_384"] = Map(GiantOpt(16)) with { Act = GeluTanh },
        ["vit_base_patch32_siglip_gap_256"] = Gap(Base(32)) with { Act = GeluTanh },
        ["vit_base_patch16_siglip_gap_224"] = Gap(Base(16)),
        ["vit_base_patch16_siglip_gap_256"] = Gap(Base(16)),
        ["vit_base_patch16_siglip_gap_384"] = Gap(Base(16)),
        ["vit_base_patch16_siglip_gap_512"] = Gap(Base(16)),
        ["vit_large_patch16_siglip_gap_256"] = Gap(Large(16)),
        ["vit_large_patch16_siglip_gap_384"] = Gap(Large(16)),
        ["vit_large_patch16_siglip_gap_512"] = Gap(Large(16)) with { Act = GeluTanh },
        ["vit_so400m_patch14_siglip_gap_224"] = Gap(So400m(14)),
        ["vit_so400m_patch14_siglip_gap_378"] = Gap(So400m(14)),
        ["vit_so400m_patch14_siglip_gap_384"] = Gap(So400m(14)),
        ["vit_so400m_patch14_siglip_gap_448"] = Gap(So400m(14)),
        ["vit_so400m_patch14_siglip_gap_896"] = Gap(So400m(14)),
        ["vit_so400m_patch16_siglip_gap_256"] = Gap(So400m(16)) with { Act = GeluTanh },
        ["vit_so400m_patch16_siglip_gap_384"] = Gap(So400m(16)) with { Act = GeluTanh },
        ["vit_so400m_patch16_siglip_gap_512"] = Gap(So400m(16)) with { Act = GeluTanh },
        ["vit_giantopt_patch16_siglip_gap_256"] = Gap(GiantOpt(16)) with { Act = GeluTanh },
        ["vit_giantopt_patch16_siglip_gap_384"] = Gap(GiantOpt(16)) with { Act = GeluTanh },
        ["vit_wee_patch16_reg1_gap_256"] = RegGap(1, Wee(16)),
        ["vit_dwee_patch16_reg1_gap_256"] = RegGap(1, Wee(16)) with { DiffAttention = true },
        ["vit_pwee_patch16_reg1_gap_256"] = RegGap(1, new Config(16, 256, 16, 4, 5)) with { Block = ParallelScalingBlock },
        ["vit_dpwee_patch16_reg1_gap_256"] = RegGap(1, new Config(16, 256, 16, 4, 5)) with { Block = DiffParallelScalingBlock },
        ["vit_little_patch16_reg1_gap_256"] = RegGap(1, Little(16)),
        ["vit_dlittle_patch16_reg1_gap_256"] = RegGap(1, Little(16)) with { DiffAttention = true },
        ["vit_little_patch16_reg4_gap_256"] = RegGap(4, Little(16)),
        ["vit_medium_patch16_reg1_gap_256"] = RegGap(1, Medium(16)),
        ["vit_medium_patch16_reg4_gap_256"] = RegGap(4, Medium(16)),
        ["vit_mediumd_patch16_reg4_gap_256"] = RegGap(4, new Config(16, 512, 20, 8)),
        ["vit_mediumd_patch16_reg4_gap_384"] = RegGap(4, new Config(16, 512, 20, 8)),
        ["vit_betwixt_patch16_reg1_gap_256"] = RegGap(1, Betwixt(16)),
        ["vit_betwixt_patch16_reg4_gap_256"] = RegGap(4, Betwixt(16)),
        ["vit_betwixt_patch16_reg4_gap_384"] = RegGap(4, Betwixt(16)),
        ["vit_base_patch16_reg4_gap_256"] = Base(16) with { ClassToken = false, RegTokens = 4, NoEmbedClass = true, GlobalPool = "avg" },
        ["vit_so150m_patch16_reg4_map_256"] = Map(So150m(16)) with { RegTokens = 4 },
        ["vit_so150m_patch16_reg4_gap_256"] = Gap(So150m(16)) with { RegTokens = 4 },
        ["vit_so150m_patch16_reg4_gap_384"] = Gap(So150m(16)) with { RegTokens = 4 },
        ["vit_so150m2_patch16_reg1_gap_256"] = So150m2(16) with { QkvBias = false, LayerScale = true, ClassToken = false, RegTokens = 1, GlobalPool = "avg" },
        ["vit_so150m2_patch16_reg1_gap_384"] = So150m2(16) with { QkvBias = false, LayerScale = true, ClassToken = false, RegTokens = 1, GlobalPool = "avg" },
        ["vit_so150m2_patch16_reg1_gap_448"] = So150m2(16) with { QkvBias = false, LayerScale = true, ClassToken = false, RegTokens = 1, GlobalPool = "avg" },
        ["vit_intern300m_patch14_448"] = Large(14) with { LayerScale = true, DynamicImageSize = true, FinalNorm = false },
        ["aimv2_large_patch14_224"] = Aim(new Config(14, 1024, 24, 8, 2.75)),
        ["aimv2_huge_patch14_224"] = Aim(new Config(14, 1536, 24, 12, 2.6667)),
        ["aimv2_1b_patch14_224"] = Aim(new Config(14, 2048, 24, 16, 2.75)),
        ["aimv2_3b_patch14_224"] = Aim(new Config(14, 3072, 24, 24, 2.6667)),
        ["aimv2_large_patch14_336"] = Aim(new Config(14, 1024, 24, 8, 2.75)),
        ["aimv2_huge_patch14_336"] = Aim(new Config(14, 1536, 24, 12, 2.6667)),
        ["aimv2_1b_patch14_336"] = Aim(new Config(14, 2048, 24, 16, 2.75)),
        ["aimv2_3b_patch14_336"] = Aim(new Config(14, 3072, 24, 24, 2.6667)),
        ["aimv2_large_patch14_448"] = Aim(new Config(14, 1024, 24, 8, 2.75)),
        ["aimv2_huge_patch14_448"] = Aim(new Config(14, 1536, 24, 12, 2.6667)),
        ["aimv2_1b_patch14_448"] = Aim(new Config(14, 2048, 24, 16, 2.75)),
        ["aimv2_3b_patch14_448"] = Aim(new Config(14, 3072, 24, 24, 2.6667)),
        ["test_vit"] = new(16, 64, 6, 2, 3) { DynamicImageSize = true },
        ["test_vit2"] = new(16, 64, 8, 2, 3) { LayerScale = true, ClassToken = false, RegTokens = 1, DynamicImageSize = true, GlobalPool = "avg" },
        ["test_vit3"] = Map(new Config(16, 96, 9, 3, 2)) with { LayerScale = true, RegTokens = 1, PoolIncludePrefix = true },
        ["test_vit4"] = new(16, 96, 9, 3, 3) { Norm = Norms.RmsNorm(), LayerScale = true, ClassToken = false, RegTokens = 1, DynamicImageSize = true, GlobalPool = "avg" },
        ["beit3_base_patch16_224"] = Beit3(Base(16)),
        ["beit3_large_patch16_224"] = Beit3(Large(16)),
        ["beit3_giant_patch14_224"] = Beit3(new Config(14, 1408, 40, 16, 4.3637)),
        ["beit3_giant_patch14_336"] = Beit3(new Config(14, 1408, 40, 16, 4.3637)),
    };

    // Sizes by timm's words, from the width of their patches.

    internal static Config Tiny(int patch) => new(patch, 192, 12, 3);

    internal static Config Small(int patch) => new(patch, 384, 12, 6);

    internal static Config Medium(int patch) => new(patch, 512, 12, 8);

    internal static Config Base(int patch) => new(patch, 768, 12, 12);

    internal static Config Large(int patch) => new(patch, 1024, 24, 16);

    internal static Config Huge(int patch) => new(patch, 1280, 32, 16);

    private static Config Giant(int patch) => new(patch, 1408, 40, 16, 48.0 / 11);

    private static Config Gigantic(int patch) => new(patch, 1664, 48, 16, 64.0 / 13);

    private static Config Wee(int patch) => new(patch, 256, 14, 4, 5);

    private static Config Little(int patch) => new(patch, 320, 14, 5, 5.6);

    private static Config Betwixt(int patch) => new(patch, 640, 12, 10);

    private static Config BasePlus(int patch) => new(patch, 896, 12, 14);

    private static Config So150m(int patch) => new(patch, 896, 18, 14, 2.572);

    private static Config So150m2(int patch) => new(patch, 832, 21, 13, 34.0 / 13);

    private static Config So400m(int patch) => new(patch, 1152, 27, 16, 3.7362);

    private static Config GiantOpt(int patch) => new(patch, 1536, 40, 16);

    // Kinds of models.

    private static Config Clip(Config size) => size with { PreNorm = true, Norm = Norms.LayerNorm(1e-5f) };

    private static Config ClipQuickGelu(Config size) => Clip(size) with { Act = ActLayers.Timm(UnaryKind.QuickGelu) };

    /// <summary>Pooled by attention (SigLIP).</summary>
    private static Config Map(Config size) => size with { ClassToken = false, GlobalPool = "map" };

    /// <summary>Pooled by the mean, behind the final norm.</summary>
    private static Config Gap(Config size) => size with { ClassToken = false, GlobalPool = "avg", FcNorm = false };

    /// <summary>Registers, pooled by the mean before the final norm.</summary>
    private static Config RegGap(int tokens, Config size)
        => size with { LayerScale = true, ClassToken = false, RegTokens = tokens, NoEmbedClass = true, GlobalPool = "avg" };

    /// <summary>Registers beside a class token (DINOv2).</summary>
    private static Config DinoReg(int tokens, Config size) => size with { LayerScale = true, RegTokens = tokens, NoEmbedClass = true };

    private static Config Packed(Config size) => size with { Mlp = SwiGluPacked, Act = ActLayers.Torch(UnaryKind.Silu) };

    private static Config Xp(Config size)
        => size with { Block = ParallelScalingBlock, PreNorm = true, NoEmbedClass = true, Norm = Norms.RmsNorm(), QkvBias = false, QkNorm = true };

    /// <summary>Paper: Multimodal Autoregressive Pre-training of Large Vision Encoders, https://arxiv.org/abs/2411.14402</summary>
    private static Config Aim(Config size) => Gap(size) with
    {
        Mlp = SwiGlu,
        Act = ActLayers.Torch(UnaryKind.Silu),
        QkvBias = false,
        ProjBias = false,
        Norm = Norms.RmsNorm(1e-5f),
        EmbedNorm = Norms.RmsNorm(1e-5f),
    };

    /// <summary>Paper: Image as a Foreign Language, https://arxiv.org/abs/2208.10442</summary>
    private static Config Beit3(Config size) => size with { ScaleNorms = true, GlobalPool = "avg", Norm = Norms.LayerNorm(1e-5f) };
}
