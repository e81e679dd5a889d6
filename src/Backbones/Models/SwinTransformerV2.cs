using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;
using static Backbones.Models.SwinTransformer;

namespace Backbones.Models;

/// <summary>
/// Swin Transformer V2: cosine attention, norms behind attention and perceptron, and a position bias that a small network makes from distances, so that it fits windows of any size.
/// timm: <c>swin_transformer_v2.py</c>. Paper: Swin Transformer V2, https://arxiv.org/abs/2111.09883
/// </summary>
internal static class SwinTransformerV2
{
    private static Node PostNormBlock(GraphBuilder b, BlockArgs args, Node x)
    {
        Node y = Windows.Attend(b, x, args.Window, args.Shift, masksPadding: false, (b, windows, mask) => Attend(b, args, windows, mask));
        x = b.Add(x, DropPath(b, args, "drop_path1", Norms.TorchLayerNorm()(b, "norm1", y)));
        return Perceptron(b, x, tokens =>
        {
            tokens = Mlp.Build(b, "mlp", tokens, (int)(args.MlpRatio * x.Shape[2]), ActLayers.Timm(UnaryKind.Gelu));
            return DropPath(b, args, "drop_path2", Norms.TorchLayerNorm()(b, "norm2", tokens));
        });
    }

    private static Node Attend(GraphBuilder b, BlockArgs args, Node x, Node? mask)
    {
        int width = x.Shape[2];
        using (b.Scope("attn"))
        {
            Node logitScale = b.Parameter("logit_scale", [args.Heads, 1, 1]);
            Node? bias = !args.QkvBias ? null : b.Concat(0, [b.Parameter("q_bias", [width]), b.Constant([width], new float[width], "k_bias"), b.Parameter("v_bias", [width])]);
            Node positions = RelPosMlp.RelativeDistances(b, "cpb_mlp.0", "cpb_mlp.2", args.Window, args.PretrainedWindow, args.Heads, 512);
            Node weight;
            using (b.Scope("qkv"))
                weight = b.Parameter("weight", [3 * width, width]);
            Node qkv = SplitHeads(b, bias is null ? b.Function("linear", new LinearOp(false), x, weight) : b.Function("linear", new LinearOp(true), x, weight, bias), args.Heads);
            return Project(b, BiasedAttention.Cosine(b, Attention.Part(b, qkv, 0), Attention.Part(b, qkv, 1), Attention.Part(b, qkv, 2), logitScale, positions, mask));
        }
    }

    /// <summary>Those of the first version; a list for the windows would be a window's height and width.</summary>
    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new(SwinTransformer.Arguments)
    {
        ["window_size"] = (c, v) => c with { Windows = [.. c.Windows.Select(_ => v.Number())] },
        ["pretrained_window_sizes"] = (c, v) => c with { PretrainedWindows = v.PerStage(c.PretrainedWindows.Length) },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Remap = Remap,
        Arguments = Arguments,
        ["swinv2_tiny_window16_256"] = V2(Tiny(16)),
        ["swinv2_tiny_window8_256"] = V2(Tiny(8)),
        ["swinv2_small_window16_256"] = V2(Small(16)),
        ["swinv2_small_window8_256"] = V2(Small(8)),
        ["swinv2_base_window16_256"] = V2(Base(16)),
        ["swinv2_base_window8_256"] = V2(Base(8)),
        ["swinv2_base_window12_192"] = V2(Base(12)),
        ["swinv2_base_window12to16_192to256"] = From192(V2(Base(16))),
        ["swinv2_base_window12to24_192to384"] = From192(V2(Base(24))),
        ["swinv2_large_window12_192"] = V2(Large(12)),
        ["swinv2_large_window12to16_192to256"] = From192(V2(Large(16))),
        ["swinv2_large_window12to24_192to384"] = From192(V2(Large(24))),
    };

    private static Config V2(Config size) => size with { Block = PostNormBlock, MergeNormFirst = false };

    /// <summary>Trained at 192 pixels with windows of 12, the last stage's being no larger than its map.</summary>
    private static Config From192(Config size) => size with { PretrainedWindows = [12, 12, 12, 6] };
}
