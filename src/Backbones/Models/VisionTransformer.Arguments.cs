using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <content>The arguments that timm's entry points take, for checkpoints that were made with others than a variant's own.</content>
internal static partial class VisionTransformer
{
    internal static IReadOnlyDictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new Dictionary<string, Func<Config, JsonElement, Config>>
    {
        ["patch_size"] = (c, v) => c with { PatchSize = v.GetInt32() },
        ["embed_dim"] = (c, v) => c with { Width = v.GetInt32() },
        ["depth"] = (c, v) => c with { Depth = v.GetInt32() },
        ["num_heads"] = (c, v) => c with { Heads = v.GetInt32() },
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
        ["mlp_layer"] = (c, v) => c with { Mlp = PerceptronOf(v.GetString()!) },
        ["act_layer"] = (c, v) => c with { Act = ActivationOf(v.GetString()!) },
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

    /// <summary>By the names of timm's classes.</summary>
    private static Perceptron PerceptronOf(string name) => name switch
    {
        "Mlp" => PlainMlp,
        "SwiGLUPacked" => SwiGluPacked,
        _ => throw new GraphException($"'mlp_layer' is '{name}'; it must be 'Mlp' or 'SwiGLUPacked'."),
    };

    /// <summary>By timm's names (<c>get_act_layer</c>).</summary>
    private static ActLayer ActivationOf(string name) => name switch
    {
        "gelu" => ActLayers.Timm(UnaryKind.Gelu),
        "gelu_tanh" => ActLayers.Timm(UnaryKind.GeluTanh),
        "quick_gelu" => ActLayers.Timm(UnaryKind.QuickGelu),
        "silu" or "swish" => ActLayers.Timm(UnaryKind.Silu),
        "relu" => ActLayers.Timm(UnaryKind.Relu),
        _ => throw new GraphException($"'act_layer' is '{name}'; it must be 'gelu', 'gelu_tanh', 'quick_gelu', 'silu' or 'relu'."),
    };
}
