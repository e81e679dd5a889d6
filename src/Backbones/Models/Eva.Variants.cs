using System.Text.Json;
using Backbones.Layers;

namespace Backbones.Models;

/// <content>The variants.</content>
internal static partial class Eva
{
    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["patch_size"] = (c, v) => c with { PatchSize = v.GetInt32() },
        ["embed_dim"] = (c, v) => c with { Width = v.Number() },
        ["depth"] = (c, v) => c with { Depth = v.Number() },
        ["num_heads"] = (c, v) => c with { Heads = v.Number() },
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
        ["qkv_bias"] = (c, v) => c with { QkvBias = v.GetBoolean() },
        ["init_values"] = (c, _) => c with { LayerScale = true }, // also where they begin at 0
        ["class_token"] = (c, v) => c with { ClassToken = v.GetBoolean() },
        ["num_reg_tokens"] = (c, v) => c with { RegTokens = v.GetInt32() },
        ["no_embed_class"] = (c, v) => c with { NoEmbedClass = v.GetBoolean() },
        ["swiglu_mlp"] = (c, v) => c with { SwiGlu = v.GetBoolean() },
        ["swiglu_align_to"] = (c, v) => c with { SwiGluAlign = v.GetInt32() },
        ["scale_mlp"] = (c, v) => c with { ScaleMlp = v.GetBoolean() },
        ["qkv_fused"] = (c, v) => c with { QkvFused = v.GetBoolean() },
        ["attn_type"] = (c, v) => c with { RopeAttention = v.OneOf(("eva", false), ("rope", true)) },
        ["use_rot_pos_emb"] = (c, v) => c with { Rotary = v.GetBoolean() },
        // DINOv3's turns halves of the channels, the others neighbours.
        ["rope_type"] = (c, v) => c with { Rope = c.Rope == RopeKind.DinoV3 ? v.OneOf(("dinov3", RopeKind.DinoV3)) : v.OneOf(("cat", RopeKind.Cat), ("mixed", RopeKind.Mixed)) },
        ["rope_grid_offset"] = (c, v) => c with { RopeOffset = v.GetSingle() },
        ["rope_grid_indexing"] = (c, v) => c with { RopeColumnsFirst = c.Rope == RopeKind.DinoV3 ? v.OneOf(("ij", false)) : v.OneOf(("ij", false), ("xy", true)) },
        ["rope_temperature"] = (c, v) => c with { RopeTemperature = v.GetSingle() is var t and > 0 ? t : throw new ArgumentValueException("above 0") },
        ["ref_feat_shape"] = (c, v) => c with { RopeReference = v.Pair() },
        ["use_abs_pos_emb"] = (c, v) => c with { PositionEmbedding = v.GetBoolean() },
        ["use_post_norm"] = (c, v) => c with { Block = v.GetBoolean() ? PostNormBlock : PreNormBlock },
        ["use_pre_transformer_norm"] = (c, v) => c with { PreNorm = v.GetBoolean() },
        ["use_post_transformer_norm"] = (c, v) => c with { PostNorm = v.GetBoolean() },
        ["use_fc_norm"] = (c, v) => c with { FcNorm = v.GetBoolean() },
        ["attn_pool_num_heads"] = (c, v) => c with { PoolHeads = v.GetInt32() },
        ["attn_pool_mlp_ratio"] = (c, v) => c with { PoolMlpRatio = v.GetDouble() },
        ["scale_attn_inner"] = (c, v) => c with { ScaleAttention = v.GetBoolean() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        GlobalPool = config => config.GlobalPool,
        Remap = Remap,
        Arguments = Arguments,
        ["eva_giant_patch14_224"] = Giant,
        ["eva_giant_patch14_336"] = Giant,
        ["eva_giant_patch14_560"] = Giant,
        ["eva02_tiny_patch14_224"] = Eva02(Tiny(14)) with { ScaleMlp = false },
        ["eva02_small_patch14_224"] = Eva02(Small(14)) with { ScaleMlp = false },
        ["eva02_base_patch14_224"] = Eva02(Base(14)),
        ["eva02_large_patch14_224"] = Eva02(Large(14)),
        ["eva02_tiny_patch14_336"] = Eva02(Tiny(14)) with { ScaleMlp = false },
        ["eva02_small_patch14_336"] = Eva02(Small(14)) with { ScaleMlp = false },
        ["eva02_base_patch14_448"] = Eva02(Base(14)),
        ["eva02_large_patch14_448"] = Eva02(Large(14)),
        ["eva_giant_patch14_clip_224"] = Giant with { GlobalPool = "token" },
        ["eva02_base_patch16_clip_224"] = Eva02Clip(Base(16)),
        ["eva02_large_patch14_clip_224"] = Eva02Clip(Large(14)),
        ["eva02_large_patch14_clip_336"] = Eva02Clip(Large(14)),
        ["eva02_enormous_patch14_clip_224"] = new(14, 1792, 64, 16, 15360.0 / 1792) { Block = PostNormBlock, GlobalPool = "token" },
        ["vit_medium_patch16_rope_reg1_gap_256"] = RegGap(new(16, 512, 12, 8)),
        ["vit_mediumd_patch16_rope_reg1_gap_256"] = RegGap(new(16, 512, 20, 8)) with { QkvBias = false },
        ["vit_betwixt_patch16_rope_reg4_gap_256"] = RegGap(new(16, 640, 12, 10)) with { RegTokens = 4 },
        ["vit_base_patch16_rope_reg1_gap_256"] = RegGap(Base(16)),
        ["vit_pe_core_tiny_patch16_384"] = PeCore(24, Tiny(16)),
        ["vit_pe_core_small_patch16_384"] = PeCore(24, Small(16)),
        ["vit_pe_core_base_patch16_224"] = PeCore(14, Base(16)),
        ["vit_pe_core_large_patch14_336"] = PeCore(24, Large(14)),
        ["vit_pe_core_gigantic_patch14_448"] = PeCore(32, Gigantic(50)),
        ["vit_pe_lang_large_patch14_448"] = PeWithoutNorm(new(14, 1024, 23, 16)) with { LayerScale = true },
        ["vit_pe_lang_gigantic_patch14_448"] = PeWithoutNorm(Gigantic(47)) with { LayerScale = true },
        ["vit_pe_spatial_tiny_patch16_512"] = PeWithoutNorm(Tiny(16)),
        ["vit_pe_spatial_small_patch16_512"] = PeWithoutNorm(Small(16)),
        ["vit_pe_spatial_base_patch16_512"] = PeWithoutNorm(Base(16)),
        ["vit_pe_spatial_large_patch14_448"] = PeWithoutNorm(Large(14)),
        ["vit_pe_spatial_gigantic_patch14_448"] = PeWithoutNorm(Gigantic(50)) with { LayerScale = true },
        ["vit_small_patch16_rope_224"] = RopeVit(Small(16)),
        ["vit_base_patch16_rope_224"] = RopeVit(Base(16)),
        ["vit_large_patch16_rope_224"] = RopeVit(Large(16)),
        ["vit_small_patch16_rope_mixed_224"] = Mixed(RopeVit(Small(16))),
        ["vit_base_patch16_rope_mixed_224"] = Mixed(RopeVit(Base(16))),
        ["vit_large_patch16_rope_mixed_224"] = Mixed(RopeVit(Large(16))),
        ["vit_small_patch16_rope_ape_224"] = WithPositions(RopeVit(Small(16))),
        ["vit_base_patch16_rope_ape_224"] = WithPositions(RopeVit(Base(16))),
        ["vit_large_patch16_rope_ape_224"] = WithPositions(RopeVit(Large(16))),
        ["vit_small_patch16_rope_mixed_ape_224"] = WithPositions(Mixed(RopeVit(Small(16)))),
        ["vit_base_patch16_rope_mixed_ape_224"] = WithPositions(Mixed(RopeVit(Base(16)))),
        ["vit_large_patch16_rope_mixed_ape_224"] = WithPositions(Mixed(RopeVit(Large(16)))),
        ["vit_tiny_patch16_dinov3_qkvb"] = DinoV3(Tiny(16)) with { QkvBias = true },
        ["vit_small_patch16_dinov3"] = DinoV3(Small(16)),
        ["vit_small_patch16_dinov3_qkvb"] = DinoV3(Small(16)) with { QkvBias = true },
        ["vit_small_plus_patch16_dinov3"] = DinoV3(Small(16)) with { SwiGlu = true, SwiGluAlign = 8 },
        ["vit_small_plus_patch16_dinov3_qkvb"] = DinoV3(Small(16)) with { SwiGlu = true, SwiGluAlign = 8, QkvBias = true },
        ["vit_base_patch16_dinov3"] = DinoV3(Base(16)),
        ["vit_base_patch16_dinov3_qkvb"] = DinoV3(Base(16)) with { QkvBias = true },
        ["vit_large_patch16_dinov3"] = DinoV3(Large(16)),
        ["vit_large_patch16_dinov3_qkvb"] = DinoV3(Large(16)) with { QkvBias = true },
        ["vit_huge_plus_patch16_dinov3"] = DinoV3(new(16, 1280, 32, 20)) with { SwiGlu = true, SwiGluAlign = 8 },
        ["vit_huge_plus_patch16_dinov3_qkvb"] = DinoV3(new(16, 1280, 32, 20)) with { SwiGlu = true, SwiGluAlign = 8, QkvBias = true },
        ["vit_7b_patch16_dinov3"] = DinoV3(new(16, 4096, 40, 32, 2)) with { SwiGlu = true, SwiGluAlign = 64 },
    };

    // Sizes by timm's words, from the width of their patches.

    private static Config Tiny(int patch) => new(patch, 192, 12, 3);

    private static Config Small(int patch) => new(patch, 384, 12, 6);

    private static Config Base(int patch) => new(patch, 768, 12, 12);

    private static Config Large(int patch) => new(patch, 1024, 24, 16);

    private static Config Giant => new(14, 1408, 40, 16, 6144.0 / 1408);

    /// <summary>The Perception Encoder's, without class token.</summary>
    private static Config Gigantic(int depth) => new(14, 1536, depth, 16, 8960.0 / 1536) { ClassToken = false };

    // Kinds of models.

    /// <summary>Rotary embeddings as on a grid of 16×16, whatever the image size; a norm in the perceptron.</summary>
    private static Config Eva02(Config size) => size with
    {
        MlpRatio = 4 * 2 / 3.0,
        SwiGlu = true,
        ScaleMlp = true,
        QkvFused = size.Width < 768,
        Rotary = true,
        RopeReference = 16,
    };

    private static Config Eva02Clip(Config size) => Eva02(size) with { ScaleAttention = true, GlobalPool = "token" };

    private static Config RegGap(Config size)
        => size with { LayerScale = true, ClassToken = false, RegTokens = 1, PositionEmbedding = false, Rotary = true, RopeReference = 16 };

    /// <summary>Perception Encoder for image and text: pooled by attention.</summary>
    private static Config PeCore(int grid, Config size) => Pe(grid, size) with { GlobalPool = "map", PoolHeads = 8, PoolMlpRatio = 4 };

    /// <summary>Perception Encoder for language and space: the last block's tokens as they are.</summary>
    private static Config PeWithoutNorm(Config size) => Pe(32, size) with { PostNorm = false, FcNorm = false };

    /// <summary>Places begin at 1 where a class token is in front.</summary>
    private static Config Pe(int grid, Config size) => size with
    {
        RopeAttention = true,
        Norm = Norms.LayerNorm(1e-5f),
        PreNorm = true,
        Rotary = true,
        RopeOffset = size.ClassToken ? 1 : 0,
        RopeColumnsFirst = true,
        RopeReference = grid,
    };

    private static Config RopeVit(Config size) => size with
    {
        RopeAttention = true,
        LayerScale = true,
        PositionEmbedding = false,
        Rotary = true,
        RopeColumnsFirst = true,
        RopeTemperature = 100,
        GlobalPool = "token",
    };

    private static Config Mixed(Config model) => model with { Rope = RopeKind.Mixed, RopeTemperature = 10 };

    private static Config WithPositions(Config model) => model with { PositionEmbedding = true, NoEmbedClass = true };

    private static Config DinoV3(Config size) => size with
    {
        QkvBias = false,
        Norm = Norms.LayerNorm(1e-5f),
        LayerScale = true,
        RegTokens = 4,
        PositionEmbedding = false,
        Rotary = true,
        Rope = RopeKind.DinoV3,
        RopeTemperature = 100,
        DynamicImageSize = true,
        FcNorm = false,
    };
}
