using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// GCViT: attention within windows, where every second block takes its queries from one summary of the whole map. Windows are a fraction of the image, so that they grow with it.
/// timm: <c>gcvit.py</c>. Paper: Global Context Vision Transformers, https://arxiv.org/abs/2206.09959
/// </summary>
/// <remarks>
/// In a batch, timm hands the summaries of different images to the windows in the wrong order (it repeats them image by image where windows lie image after image), so that its
/// features of one image depend on the others. Here each image has its own, as in the paper; timm's results for single images are these.
/// </remarks>
internal static class GCViT
{
    /// <summary>What tells one variant from another; heads and width are the first stage's and double with each.</summary>
    internal sealed record Config(ImmutableArray<int> Depths)
    {
        public int Width { get; init; } = 64;

        public int Heads { get; init; } = 2;

        public double MlpRatio { get; init; } = 3;

        public bool QkvBias { get; init; } = true;

        /// <summary>Pixels of the image for one of a stage's window.</summary>
        public ImmutableArray<int> WindowRatios { get; init; } = [32, 32, 16, 32];

        public bool LayerScale { get; init; }
    }

    private static readonly NormLayer s_norm = Norms.LayerNorm(1e-5f);

    private static readonly NormLayer s_mapNorm = Norms.LayerNorm2d(1e-5f);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Size2 image = (b.Input.Shape[1], b.Input.Shape[2]);
        if (image.H % 32 != 0 || image.W % 32 != 0)
            throw new GraphException($"GCViT's windows divide images whose sides 32 divides, not {image.H}×{image.W}.");
        Node x;
        using (b.Scope("stem"))
            x = Downsample(b, "down", b.Conv2d("conv1", b.Input, config.Width, 3, 2, 1, bias: true), config.Width, ActLayers.Timm(UnaryKind.Gelu));
        var levels = new List<FeatureLevel>();
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            int ratio = config.WindowRatios[stage];
            Size2 window = (image.H / ratio, image.W / ratio);
            if (window.H == 0 || window.W == 0)
                throw new GraphException($"A window_ratio of {ratio} leaves no window of an image of {image.H}×{image.W}.");
            using (b.Scope($"stages.{stage}"))
                x = Stage(b, config, x, stage, window);
            levels.Add(new FeatureLevel(x.Shape[0], 4 << stage, $"stages.{stage}", x));
        }
        return BackboneGraph.OfLevels(b, levels, x, ClassifierHeads.Pool(b, x, options.NumClasses, options.GlobalPool));
    }

    private static Node Stage(GraphBuilder b, Config config, Node x, int stage, Size2 window)
    {
        ActLayer act = ActLayers.Torch(UnaryKind.Gelu);
        x = stage > 0 ? Downsample(b, "downsample", x, config.Width << stage, act) : b.Identity("downsample", x);
        Node query = GlobalBlock(b, x, window, act);
        x = b.Permute(x, [1, 2, 0]);
        query = b.Identity("global_norm", b.Permute(query, [1, 2, 0]));
        for (int i = 0; i < config.Depths[stage]; i++)
        {
            using (b.Scope($"blocks.{i}"))
                x = Block(b, config, x, config.Heads << stage, window, i % 2 == 1 ? query : null);
        }
        x = Norms.OrIdentity(stage == config.Depths.Length - 1 ? s_norm : null)(b, "norm", x);
        return b.Permute(x, [2, 0, 1]);
    }

    /// <summary>timm's FeatureBlock: the map as small as a window, which is every window's query.</summary>
    private static Node GlobalBlock(GraphBuilder b, Node x, Size2 window, ActLayer act)
    {
        int halvings = (int)Math.Log2(Math.Min(x.Shape[1], x.Shape[2]) / (double)Math.Min(window.H, window.W));
        using (b.Scope("global_block.blocks"))
        {
            for (int i = 1; i <= Math.Max(1, halvings); i++)
            {
                x = MBConv(b, $"conv{i}", x, act);
                x = i <= halvings ? b.MaxPool2d($"pool{i}", x, 3, 2, 1) : x;
            }
        }
        if ((x.Shape[1], x.Shape[2]) != (window.H, window.W))
            throw new GraphException($"The global query is a map of {x.Shape[1]}×{x.Shape[2]} and no window of {window.H}×{window.W}; choose a square image, or another window_ratio.");
        return x;
    }

    private static Node Downsample(GraphBuilder b, string name, Node x, int channels, ActLayer act)
    {
        using (b.Scope(name))
        {
            x = MBConv(b, "conv_block", s_mapNorm(b, "norm1", x), act);
            return s_mapNorm(b, "norm2", b.Conv2d("reduction", x, channels, 3, 2, 1));
        }
    }

    private static Node MBConv(GraphBuilder b, string name, Node x, ActLayer act)
    {
        int channels = x.Shape[0];
        using (b.Scope(name))
        {
            Node y = act(b, "act", b.Conv2d("conv_dw", x, channels, 3, padding: 1, groups: channels));
            y = ChannelAttention.SqueezeExcite(b, "se", y, 0.25f, actLayer: act, bias: false);
            return b.Add(b.Conv2d("conv_pw", y, channels, 1), x);
        }
    }

    /// <summary>x <c>[H, W, C]</c> → the same.</summary>
    private static Node Block(GraphBuilder b, Config config, Node x, int heads, Size2 window, Node? query)
    {
        Node y = Windows.Partition(b, s_norm(b, "norm1", x), window);
        y = Windows.Reverse(b, Attend(b, config, y, heads, window, query), window, (x.Shape[0], x.Shape[1]));
        x = b.Add(x, b.Identity("drop_path1", LayerScale.Build(b, "ls1", y, config.LayerScale)));
        y = Mlp.Build(b, "mlp", s_norm(b, "norm2", x), (int)(config.MlpRatio * x.Shape[2]), ActLayers.Timm(UnaryKind.Gelu));
        return b.Add(x, b.Identity("drop_path2", LayerScale.Build(b, "ls2", y, config.LayerScale)));
    }

    private static Node Attend(GraphBuilder b, Config config, Node x, int heads, Size2 window, Node? query)
    {
        (int windows, int length, int width) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        int depth = Attention.HeadWidth(width, heads), parts = query is null ? 3 : 2;
        using (b.Scope("attn"))
        {
            b.Declare("rel_pos");
            Node qkv = b.Reshape(b.Linear("qkv", x, parts * width, config.QkvBias), [windows, length, parts, heads, depth]);
            qkv = b.Permute(qkv, [2, 0, 3, 1, 4]);
            Node k = Attention.Part(b, qkv, parts - 2), v = Attention.Part(b, qkv, parts - 1);
            Node q = query is null ? Attention.Part(b, qkv, 0) : Repeated(query);
            Node scores = b.MatMul(b.Affine(q, Attention.Scale(q)), b.Transpose(k, -2, -1));
            return SwinTransformer.Project(b, BiasedAttention.WithRelPos(b, scores, q, k, v, Attention.Scale(q), () => RelPosBias.FromTable(b, window, heads)));
        }

        Node Repeated(Node map)
        {
            Node all = b.Expand(map, [windows, window.H, window.W, width], "repeat");
            return b.Permute(b.Reshape(all, [windows, length, heads, depth]), [0, 2, 1, 3]);
        }
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["window_ratio"] = (c, v) => c with { WindowRatios = v.ForStages(c.WindowRatios.Length) },
        ["embed_dim"] = (c, v) => c with { Width = v.Number() },
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
        ["qkv_bias"] = (c, v) => c with { QkvBias = v.GetBoolean() },
        ["layer_scale"] = (c, _) => c with { LayerScale = true },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        ["gcvit_xxtiny"] = new([2, 2, 6, 2]),
        ["gcvit_xtiny"] = new([3, 4, 6, 5]),
        ["gcvit_tiny"] = new([3, 4, 19, 5]),
        ["gcvit_small"] = new([3, 4, 19, 5]) { Width = 96, Heads = 3, MlpRatio = 2, LayerScale = true },
        ["gcvit_base"] = new([3, 4, 19, 5]) { Width = 128, Heads = 4, MlpRatio = 2, LayerScale = true },
    };
}
