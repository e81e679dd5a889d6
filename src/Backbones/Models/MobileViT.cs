using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;
using static Backbones.Models.ByobNet;

namespace Backbones.Models;

/// <summary>
/// MobileViT and MobileViT V2: inverted residual convolutions, and in the later stages attention among the pixels that have the same place in their patches.
/// timm: <c>mobilevit.py</c>. Papers: MobileViT, https://arxiv.org/abs/2110.02178; Separable Self-attention for Mobile Vision Transformers, https://arxiv.org/abs/2206.02680
/// </summary>
internal static class MobileViT
{
    /// <summary>Pixels of a patch's side.</summary>
    private const int PatchSize = 2;

    private static Config V1(ImmutableArray<int> channels, ImmutableArray<int> widths, int numFeatures, double ratio = 4) => new(
    [
        Inverted(1, channels[0], 1, ratio),
        Inverted(3, channels[1], 2, ratio),
        new Stage(Inverted(1, channels[2], 2, ratio), Transformer(channels[2], widths[0], 2)),
        new Stage(Inverted(1, channels[3], 2, ratio), Transformer(channels[3], widths[1], 4)),
        new Stage(Inverted(1, channels[4], 2, ratio), Transformer(channels[4], widths[2], 3)),
    ])
    { StemChannels = 16, NumFeatures = numFeatures, Act = UnaryKind.Silu, Shortcut = Shortcut.None, Inverted = true };

    /// <summary>Widths are those of MobileViT V2 1.0 times <paramref name="multiplier"/>.</summary>
    private static Config V2(double multiplier)
    {
        int[] channels = [.. new[] { 64, 128, 256, 384, 512 }.Select(c => (int)(c * multiplier))];
        return new(
        [
            Inverted(1, channels[0], 1, 2),
            Inverted(2, channels[1], 2, 2),
            new Stage(Inverted(1, channels[2], 2, 2), LinearTransformer(channels[2], 2)),
            new Stage(Inverted(1, channels[3], 2, 2), LinearTransformer(channels[3], 4)),
            new Stage(Inverted(1, channels[4], 2, 2), LinearTransformer(channels[4], 3)),
        ])
        { StemChannels = (int)(32 * multiplier), Act = UnaryKind.Silu, Shortcut = Shortcut.None, Inverted = true };
    }

    private static Blocks Inverted(int depth, int channels, int stride, double ratio) => new(BottleneckBlock, depth, channels, stride) { GroupSize = 1, BottleRatio = ratio };

    private static Blocks Transformer(int channels, int width, int depth)
        => new((b, config, x, args) => b.Leaf("", () => TransformerBlock(b, config, x, args, width, depth)), 1, channels, Stride: 1);

    private static Blocks LinearTransformer(int channels, int depth)
        => new((b, config, x, args) => b.Leaf("", () => LinearTransformerBlock(b, config, x, args, depth)), 1, channels, Stride: 1) { GroupSize = 1 };

    /// <summary>MobileVitBlock: a convolution, a transformer over tokens <c>[P, N, C]</c> (P pixels of a patch, N patches), and what comes of it beside the input convolved.</summary>
    private static Node TransformerBlock(GraphBuilder b, Config config, Node x, BlockArgs args, int width, int depth)
    {
        Node shortcut = x;
        int channels = x.Shape[0];
        x = Conv(b, config, "conv_kxk", x, channels, 3, args.FirstDilation);
        x = b.Conv2d("conv_1x1", x, width, 1);
        Size2 whole = (x.Shape[1], x.Shape[2]), grid = Grid(whole);
        bool resized = whole != (grid.H * PatchSize, grid.W * PatchSize);
        if (resized)
            x = b.Resize(x, grid.H * PatchSize, grid.W * PatchSize, ResizeMode.Bilinear);
        x = b.Permute(b.Reshape(x, [width, grid.H, PatchSize, grid.W, PatchSize]), [2, 4, 1, 3, 0]);
        x = b.Reshape(x, [PatchSize * PatchSize, grid.H * grid.W, width]);
        for (int i = 0; i < depth; i++)
        {
            using (b.Scope($"transformer.{i}"))
            {
                x = b.Add(x, Attend(b, b.LayerNorm("norm1", x)));
                x = b.Add(x, Mlp.Build(b, "mlp", b.LayerNorm("norm2", x), 2 * width, ActLayers.Torch(config.Act)));
            }
        }
        x = b.Reshape(b.LayerNorm("norm", x), [PatchSize, PatchSize, grid.H, grid.W, width]);
        x = b.Reshape(b.Permute(x, [4, 2, 0, 3, 1]), [width, grid.H * PatchSize, grid.W * PatchSize]);
        if (resized)
            x = b.Resize(x, whole.H, whole.W, ResizeMode.Bilinear);
        x = Conv(b, config, "conv_proj", x, args.Channels, 1);
        return Conv(b, config, "conv_fusion", b.Concat(0, [shortcut, x]), args.Channels, 3);
    }

    /// <summary>Attention inside each of the P sequences of tokens <c>[P, N, C]</c>.</summary>
    private static Node Attend(GraphBuilder b, Node x)
    {
        const int heads = 4;
        (int places, int length, int width) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        using (b.Scope("attn"))
        {
            Node qkv = b.Permute(b.Reshape(b.Linear("qkv", x, 3 * width), [places, length, 3, heads, Attention.HeadWidth(width, heads)]), [2, 0, 3, 1, 4]);
            x = b.Attention(Attention.Part(b, qkv, 0), Attention.Part(b, qkv, 1), Attention.Part(b, qkv, 2));
            return b.Linear("proj", b.Reshape(b.Permute(x, [0, 2, 1, 3]), [places, length, width]), width);
        }
    }

    /// <summary>MobileVitV2Block: the same with linear attention over <c>[C, P, N]</c>, and without a way around it.</summary>
    private static Node LinearTransformerBlock(GraphBuilder b, Config config, Node x, BlockArgs args, int depth)
    {
        int channels = x.Shape[0], width = ChannelAttention.MakeDivisible(0.5 * channels);
        Size2 grid = Grid((x.Shape[1], x.Shape[2]));
        if ((x.Shape[1], x.Shape[2]) != (grid.H * PatchSize, grid.W * PatchSize))
            x = b.Resize(x, grid.H * PatchSize, grid.W * PatchSize, ResizeMode.Bilinear, alignCorners: true);
        x = Conv(b, config, "conv_kxk", x, channels, 3, args.FirstDilation, channels);
        x = b.Conv2d("conv_1x1", x, width, 1);
        x = b.Permute(b.Reshape(x, [width, grid.H, PatchSize, grid.W, PatchSize]), [0, 2, 4, 1, 3]);
        x = b.Reshape(x, [width, PatchSize * PatchSize, grid.H * grid.W]);
        for (int i = 0; i < depth; i++)
        {
            using (b.Scope($"transformer.{i}"))
            {
                x = b.Add(x, LinearSelfAttention(b, b.GroupNorm("norm1", x, 1)));
                x = b.Add(x, ConvMlp.Build(b, "mlp", b.GroupNorm("norm2", x, 1), 2 * width, ActLayers.Torch(config.Act)));
            }
        }
        x = b.Reshape(b.GroupNorm("norm", x, 1), [width, PatchSize, PatchSize, grid.H, grid.W]);
        x = b.Reshape(b.Permute(x, [0, 3, 1, 4, 2]), [width, grid.H * PatchSize, grid.W * PatchSize]);
        return Conv(b, config, "conv_proj", x, args.Channels, 1, act: false);
    }

    /// <summary>One query for all tokens weighs the keys; their sum scales each value: x <c>[C, P, N]</c>.</summary>
    private static Node LinearSelfAttention(GraphBuilder b, Node x)
    {
        int width = x.Shape[0];
        using (b.Scope("attn"))
        {
            Node qkv = b.Conv2d("qkv_proj", x, 1 + 2 * width, 1, bias: true);
            Node scores = b.Softmax(b.Slice(qkv, 0, 0, 1), -1);
            Node context = b.Reduce(b.Multiply(b.Slice(qkv, 0, 1, width), scores), ReduceKind.Sum, [-1], keepDims: true);
            Node values = b.Unary(b.Slice(qkv, 0, 1 + width, width), UnaryKind.Relu, "relu");
            return b.Conv2d("out_proj", b.Multiply(values, context), width, 1, bias: true);
        }
    }

    private static Size2 Grid(Size2 map) => ((map.H + PatchSize - 1) / PatchSize, (map.W + PatchSize - 1) / PatchSize);

    private static Node Conv(GraphBuilder b, Config config, string name, Node x, int channels, int kernel, int dilation = 1, int groups = 1, bool act = true)
        => ConvNormAct.Build(b, name, x, channels, kernel, config.Norm, act ? config.Act : null, dilation: dilation, groups: groups);

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        ["mobilevit_xxs"] = V1([16, 24, 48, 64, 80], [64, 80, 96], numFeatures: 320, ratio: 2),
        ["mobilevit_xs"] = V1([32, 48, 64, 80, 96], [96, 120, 144], numFeatures: 384),
        ["mobilevit_s"] = V1([32, 64, 96, 128, 160], [144, 192, 240], numFeatures: 640),
        ["mobilevitv2_050"] = V2(0.5),
        ["mobilevitv2_075"] = V2(0.75),
        ["mobilevitv2_100"] = V2(1),
        ["mobilevitv2_125"] = V2(1.25),
        ["mobilevitv2_150"] = V2(1.5),
        ["mobilevitv2_175"] = V2(1.75),
        ["mobilevitv2_200"] = V2(2),
    };
}
