using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// torchvision's own Swin Transformer and Swin Transformer V2, with torchvision's module and node names. Windows keep their size whatever the map's; maps are filled up to whole windows.
/// torchvision: <c>models/swin_transformer.py</c>. Papers: Swin Transformer, https://arxiv.org/abs/2103.14030; Swin Transformer V2, https://arxiv.org/abs/2111.09883
/// </summary>
internal static class TorchvisionSwin
{
    /// <summary>What tells one variant from another.</summary>
    internal sealed record Config(int Width, ImmutableArray<int> Depths, ImmutableArray<int> Heads)
    {
        /// <summary>Cosine attention, positions by a perceptron, norms behind attention, perceptron and reduction.</summary>
        public bool IsV2 { get; init; }

        public Size2 Window => IsV2 ? 8 : 7;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x;
        using (b.Scope("features.0"))
        {
            x = b.Conv2d("0", b.Input, config.Width, 4, stride: 4, bias: true);
            x = b.LayerNorm("2", b.Module("1", new PermuteOp([1, 2, 0]), x));
        }
        var levels = new List<FeatureLevel>();
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            int channels = config.Width << stage;
            if (stage > 0)
            {
                using (b.Scope($"features.{2 * stage}"))
                    x = Merge(b, config, x, channels);
            }
            string name = $"features.{2 * stage + 1}";
            for (int i = 0; i < config.Depths[stage]; i++)
            {
                using (b.Scope($"{name}.{i}"))
                    x = Block(b, config, x, config.Heads[stage], shifted: i % 2 == 1);
            }
            levels.Add(new FeatureLevel(channels, 4 << stage, name, x));
        }
        Node features = b.Module("permute", new PermuteOp([2, 0, 1]), b.LayerNorm("norm", x));
        Node pooled = TorchvisionHead.Pool(b, features, options);
        return BackboneGraph.OfLevels(b, levels, features, (pooled, Classifier.Fc(b, "head", pooled, options.NumClasses))) with
        {
            LevelLayout = FeatureLayout.Nhwc,
            Intermediates = null,
        };
    }

    private static Node Merge(GraphBuilder b, Config config, Node x, int channels)
    {
        b.Declare("reduction", "norm");
        x = b.Leaf("_patch_merging_pad", () => PatchMerging.Join(b, x));
        x = config.IsV2 ? x : b.LayerNorm("norm", x);
        x = b.Linear("reduction", x, channels, bias: false);
        return config.IsV2 ? b.LayerNorm("norm", x) : x;
    }

    private static Node Block(GraphBuilder b, Config config, Node x, int heads, bool shifted)
    {
        b.Declare("norm1", "attn", "norm2", "mlp");
        Node Branch(string norm, Node input, Func<Node, Node> layers)
            => b.Identity("stochastic_depth", config.IsV2 ? b.LayerNorm(norm, layers(input)) : layers(b.LayerNorm(norm, input)));
        x = b.Add(x, Branch("norm1", x, y => Attend(b, config, y, heads, shifted)));
        return b.Add(x, Branch("norm2", x, y => TorchvisionMlp.Build(b, "mlp", y, 4 * y.Shape[2])));
    }

    private static Node Attend(GraphBuilder b, Config config, Node x, int heads, bool shifted)
    {
        using (b.Scope("attn"))
        {
            b.Declare("qkv", "proj");
            Node? logitScale = config.IsV2 ? b.Parameter("logit_scale", [heads, 1, 1]) : null;
            Node positions = config.IsV2 ? PositionsByPerceptron(b, config.Window, heads) : PositionsByTable(b, config.Window, heads);
            int width = x.Shape[2], area = config.Window.H * config.Window.W;
            b.Unused("relative_position_index", [area * area], ElementType.Int64);
            (Node weight, Node bias) = LinearParameters(b, "qkv", width, 3 * width);
            (Node projWeight, Node projBias) = LinearParameters(b, "proj", width, width);
            foreach (Node parameter in new[] { weight, projWeight, bias, projBias, logitScale }.OfType<Node>())
                b.ListedRead(parameter);
            return b.Leaf("shifted_window_attention", () => Windows.Attend(b, x, config.Window, Shift(config.Window, x.Shape, shifted), masksPadding: true, (b, windows, mask) =>
            {
                Node qkvBias = logitScale is null ? bias : WithoutKeys(b, bias, width);
                Node qkv = SwinTransformer.SplitHeads(b, b.Function("linear", new LinearOp(true), windows, weight, qkvBias), heads);
                (Node q, Node k, Node v) = (Attention.Part(b, qkv, 0), Attention.Part(b, qkv, 1), Attention.Part(b, qkv, 2));
                Node y = logitScale is null ? BiasedAttention.Dot(b, q, k, v, positions, mask) : BiasedAttention.Cosine(b, q, k, v, logitScale, positions, mask);
                return b.Function("linear", new LinearOp(true), b.Reshape(b.Transpose(y, 1, 2), windows.Shape), projWeight, projBias);
            }, padsFirst: true));
        }
    }

    /// <summary>Half a window where there are several; one window that covers a side is not shifted along it.</summary>
    private static Size2 Shift(Size2 window, Shape map, bool shifted)
        => shifted ? (map[0] <= window.H ? 0 : window.H / 2, map[1] <= window.W ? 0 : window.W / 2) : (0, 0);

    /// <summary>V2's keys have no bias, whatever the checkpoint has for them.</summary>
    private static Node WithoutKeys(GraphBuilder b, Node bias, int width)
        => b.Concat(0, [b.Slice(bias, 0, 0, width), b.Constant([width], new float[width], "k_bias"), b.Slice(bias, 0, 2 * width, width)]);

    private static Node PositionsByTable(GraphBuilder b, Size2 window, int heads)
    {
        Node table = b.Parameter("relative_position_bias_table", [RelPosBias.Distances(window), heads]);
        b.ListedRead(table);
        return Positions(b, table, window);
    }

    private static Node PositionsByPerceptron(GraphBuilder b, Size2 window, int heads)
    {
        Node x = b.Buffer("relative_coords_table", [1, 2 * window.H - 1, 2 * window.W - 1, 2]);
        using (b.Scope("cpb_mlp"))
        {
            x = ListedLinear(b, "0", x, 512, bias: true);
            x = b.Listed("1", b.Unary(x, UnaryKind.Relu, "relu"));
            x = ListedLinear(b, "2", x, heads, bias: false);
        }
        x = Positions(b, b.Listed("view", b.Reshape(x, [RelPosBias.Distances(window), heads])), window);
        x = b.Listed("sigmoid", b.Unary(x, UnaryKind.Sigmoid, "sigmoid"));
        return b.Listed("mul", b.Affine(x, 16));
    }

    /// <summary>The entries of a table <c>[distances, heads]</c> for each query and key: <c>[1, heads, L, L]</c>.</summary>
    private static Node Positions(GraphBuilder b, Node table, Size2 window)
    {
        Node bias = RelPosBias.Lookup(b, table, window);
        return b.Listed("_get_relative_position_bias", b.Reshape(bias, [1, .. bias.Shape]));
    }

    private static Node ListedLinear(GraphBuilder b, string name, Node x, int outFeatures, bool bias)
    {
        using (b.Scope(name))
        {
            Node weight = b.Parameter("weight", [outFeatures, x.Shape[^1]]);
            x = bias ? b.Function("linear", new LinearOp(true), x, weight, b.Parameter("bias", [outFeatures])) : b.Function("linear", new LinearOp(false), x, weight);
        }
        return b.Listed(name, x);
    }

    private static (Node Weight, Node Bias) LinearParameters(GraphBuilder b, string name, int inFeatures, int outFeatures)
    {
        using (b.Scope(name))
            return (b.Parameter("weight", [outFeatures, inFeatures]), b.Parameter("bias", [outFeatures]));
    }

    public static ModelFamily<Config> Models => new(Build)
    {
        ["torchvision/swin_t"] = s_tiny,
        ["torchvision/swin_s"] = s_small,
        ["torchvision/swin_b"] = s_base,
        ["torchvision/swin_v2_t"] = s_tiny with { IsV2 = true },
        ["torchvision/swin_v2_s"] = s_small with { IsV2 = true },
        ["torchvision/swin_v2_b"] = s_base with { IsV2 = true },
    };

    private static readonly Config s_tiny = new(96, [2, 2, 6, 2], [3, 6, 12, 24]), s_small = s_tiny with { Depths = [2, 2, 18, 2] }, s_base = new(128, [2, 2, 18, 2], [4, 8, 16, 32]);
}
