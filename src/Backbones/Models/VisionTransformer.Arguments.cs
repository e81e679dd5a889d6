using System.Text.Json;
using Backbones.Layers;

namespace Backbones.Models;

/// <content>The arguments that timm's entry points take, for checkpoints that were made with others than a variant's own.</content>
internal static partial class VisionTransformer
{
    internal static IReadOnlyDictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new Dictionary<string, Func<Config, JsonElement, Config>>
    {
        ["patch_size"] = (c, v) => c with { PatchSize = v.GetInt32() },
        ["embed_dim"] = (c, v) => c with { Width = v.Number() },
        ["depth"] = (c, v) => c with { Depth = v.Number() },
        ["num_heads"] = (c, v) => c with { Heads = v.Number() },
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
        // By the names of timm's classes.
        ["mlp_layer"] = (c, v) => c with { Mlp = v.OneOf<Perceptron>(("Mlp", PlainMlp), ("SwiGLUPacked", SwiGluPacked), ("SwiGLU", SwiGlu)) },
        ["act_layer"] = (c, v) => c with { Act = ActLayers.Timm(v.Activation()) },
        ["norm_layer"] = (c, v) => c with { Norm = v.TokenNorm() },
        ["embed_norm_layer"] = (c, v) => c with { EmbedNorm = v.TokenNorm() },
        ["pos_embed"] = (c, v) => c with { PosEmbed = v.OneOf(("learn", true), ("none", false)) },
        ["attn_layer"] = (c, v) => c with { DiffAttention = v.OneOf(("attn", false), ("diff", true)) },
        ["qkv_bias"] = (c, v) => c with { QkvBias = v.GetBoolean() },
        ["qk_norm"] = (c, v) => c with { QkNorm = v.GetBoolean() },
        ["proj_bias"] = (c, v) => c with { ProjBias = v.GetBoolean() },
        ["init_values"] = (c, v) => c with { LayerScale = v.GetDouble() != 0 },
        ["class_token"] = (c, v) => c with { ClassToken = v.GetBoolean() },
        ["reg_tokens"] = (c, v) => c with { RegTokens = v.GetInt32() },
        ["no_embed_class"] = (c, v) => c with { NoEmbedClass = v.GetBoolean() },
        ["pre_norm"] = (c, v) => c with { PreNorm = v.GetBoolean() },
        ["final_norm"] = (c, v) => c with { FinalNorm = v.GetBoolean() },
        ["fc_norm"] = (c, v) => c with { FcNorm = v.GetBoolean() },
        ["pool_include_prefix"] = (c, v) => c with { PoolIncludePrefix = v.GetBoolean() },
        ["dynamic_img_pad"] = (c, v) => c with { DynamicImagePad = v.GetBoolean() },
    };
}
