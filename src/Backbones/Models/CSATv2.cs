using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// CSATv2: a stem in the frequency domain (8×8 cosine transforms of Y, Cb and Cr), ConvNeXt's blocks under spatial attention, transformer blocks in the last two stages.
/// timm: <c>csatv2.py</c>. There is no paper yet.
/// </summary>
internal static class CSATv2
{
    private const int Block8 = 8, HeadCount = 8, HeadWidth = 32;

    /// <summary>What tells one variant from another, stage by stage: channels, blocks, and how many of the last of these are transformer blocks.</summary>
    internal sealed record Config(ImmutableArray<int> Widths, ImmutableArray<int> Depths, ImmutableArray<int> TransformerDepths);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x = FrequencyStem(b, b.Input, config.Widths[0]);
        var levels = new List<FeatureLevel> { new(x.Shape[0], Block8, "stem_dct", x) };
        for (int stage = 0; stage < config.Widths.Length; stage++)
        {
            using (b.Scope($"stages.{stage}"))
                x = Stage(b, config, x, stage);
            levels.Add(new FeatureLevel(x.Shape[0], Block8 << stage, $"stages.{stage}", x));
        }
        (Node, Node) head = ClassifierHeads.PoolNormMlp(b, x, options.NumClasses, options.GlobalPool, Norms.LayerNorm2d(), hidden: null, ActLayers.Torch(UnaryKind.Tanh));
        return BackboneGraph.OfLevels(b, levels, x, head) with { DefaultOutIndices = [1, 2, 3, 4] };
    }

    private static Node Stage(GraphBuilder b, Config config, Node x, int stage)
    {
        int index = 0;
        if (stage > 0)
            x = b.Conv2d($"{index++}", x, config.Widths[stage], 2, 2, bias: true);
        for (int i = 0; i < config.Depths[stage]; i++)
        {
            using (b.Scope($"{index++}"))
                x = i < config.Depths[stage] - config.TransformerDepths[stage] ? ConvBlock(b, x) : TransformerBlock(b, x);
        }
        return stage < config.Widths.Length - 1 ? Norms.LayerNorm2d()(b, $"{index}", x) : x;
    }

    /// <summary>
    /// Image → Y, Cb, Cr of 0 to 255 → their 8×8 cosine transforms, normalised → one 1×1 convolution each. All of it is linear, so colours are one convolution
    /// with constant weights here, and transforms another.
    /// </summary>
    private static Node FrequencyStem(GraphBuilder b, Node x, int width)
    {
        (int channels, int h, int w) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        if (channels != 3)
            throw new GraphException($"This model's stem takes RGB images of 3 channels apart into Y, Cb and Cr; {channels} were asked for.");
        if (h % Block8 != 0 || w % Block8 != 0)
            throw new GraphException($"An image of {h}×{w} does not divide into blocks of {Block8}×{Block8} pixels; the nearest that does is {Nearest(h)}×{Nearest(w)}.");
        using (b.Scope("stem_dct"))
        {
            // The transform is in timm's state_dict, but nothing trains it.
            using (b.Scope("transform.transform"))
                b.Unused("weights", [Block8, Block8]);
            (float[] mix, float[] shift) = RgbToYCbCr();
            x = b.Conv2d("ycbcr", x, b.Constant([3, 3, 1, 1], mix, "mix"), b.Constant([3], shift, "shift"), 1, 0, 1);
            (float[] transform, float[] bias) = NormalizedDct();
            x = b.Conv2d("dct", x, b.Constant([192, 1, Block8, Block8], transform, "kernels"), b.Constant([192], bias, "biases"), Block8, 0, 1, groups: 3);
            // Three quarters of the channels are for Y.
            int chroma = width / 8;
            return b.Concat(0, [Frequencies("conv_y", 0, width - 2 * chroma), Frequencies("conv_cb", 1, chroma), Frequencies("conv_cr", 2, chroma)]);
        }

        int Nearest(int size) => Math.Max(Block8, (size + Block8 / 2) / Block8 * Block8);

        Node Frequencies(string name, int channel, int outChannels) => b.Conv2d(name, b.Slice(x, 0, channel * 64, 64), outChannels, 1, bias: true);
    }

    /// <summary>From RGB with ImageNet's mean and deviation taken out to JPEG's colours: the matrix, row by row, and what is added.</summary>
    private static (float[] Mix, float[] Shift) RgbToYCbCr()
    {
        ReadOnlySpan<double> mean = [0.485, 0.456, 0.406], deviation = [0.229, 0.224, 0.225], luma = [0.299, 0.587, 0.114];
        var mix = new float[9];
        var shift = new double[3];
        for (int c = 0; c < 3; c++)
        {
            double[] column = [luma[c], 0.564 * ((c == 2 ? 1 : 0) - luma[c]), 0.713 * ((c == 0 ? 1 : 0) - luma[c])];
            for (int row = 0; row < 3; row++)
            {
                mix[row * 3 + c] = (float)(column[row] * 255 * deviation[c]);
                shift[row] += column[row] * 255 * mean[c];
            }
        }
        return (mix, [(float)shift[0], (float)(shift[1] + 128), (float)(shift[2] + 128)]);
    }

    /// <summary>The orthonormal DCT-II of 8×8 pixels for three channels, coefficients in zigzag order, less their mean and divided by their deviation: kernels and biases.</summary>
    private static (float[] Kernels, float[] Biases) NormalizedDct()
    {
        var kernels = new float[192 * 64];
        var biases = new float[192];
        int[] zigzag = Zigzag();
        for (int i = 0; i < 192; i++)
        {
            double deviation = Math.Sqrt(DctStatistics.Variance[i]) + 1e-8;
            (int row, int column) = Math.DivRem(zigzag[i % 64], Block8);
            for (int p = 0; p < 64; p++)
                kernels[i * 64 + p] = (float)(Cosine(row, p / Block8) * Cosine(column, p % Block8) / deviation);
            biases[i] = (float)(-DctStatistics.Mean[i] / deviation);
        }
        return (kernels, biases);

        static double Cosine(int frequency, int position) => Math.Cos(Math.PI * frequency * (2 * position + 1) / (2 * Block8)) * Math.Sqrt((frequency == 0 ? 1.0 : 2.0) / Block8);
    }

    /// <summary>The coefficients diagonal by diagonal: up the even ones, down the odd ones.</summary>
    private static int[] Zigzag() => [.. Enumerable.Range(0, 64).OrderBy(i => i / Block8 + i % Block8).ThenBy(i => (i / Block8 + i % Block8) % 2 == 0 ? -i : i)];

    private static Node ConvBlock(GraphBuilder b, Node x)
    {
        Node shortcut = x;
        int channels = x.Shape[0];
        x = b.Permute(b.Conv2d("dwconv", x, channels, 7, padding: 3, groups: channels, bias: true), [1, 2, 0]);
        x = b.Act("act", b.Linear("pwconv1", b.LayerNorm("norm", x, 1e-6f), 4 * channels), UnaryKind.Gelu);
        x = b.Permute(b.Linear("pwconv2", Mlp.Grn(b, "grn", x, channelsFirst: false), channels), [2, 0, 1]);
        Node attention = b.Resize(SpatialAttention(b, x), x.Shape[1], x.Shape[2], ResizeMode.Bilinear, alignCorners: true);
        x = b.Identity("ls", b.Multiply(x, attention));
        return b.Add(shortcut, b.Identity("drop_path", x));
    }

    /// <summary>A map of 7×7 factors from the mean and the maximum of the channels.</summary>
    private static Node SpatialAttention(GraphBuilder b, Node x)
    {
        using (b.Scope("attn"))
        {
            x = b.Concat(0, [b.Reduce(x, ReduceKind.Mean, [0], keepDims: true), b.Reduce(x, ReduceKind.Max, [0], keepDims: true)]);
            x = b.Module("avgpool", new AdaptiveAvgPool2dOp(7, 7), x);
            x = b.Conv2d("conv", x, 1, 7, padding: 3, bias: true);
            using (b.Scope("attn"))
            {
                b.Declare("pos_embed", "norm1");
                // timm's product of queries and keys is over the images of a batch and not over positions. But the norm of a single channel is its bias alone, so that all
                // images have the same values here, and the attention over them gives these values back.
                Node values = b.Slice(b.Linear("qkv", PositionConv(b, b.LayerNorm("norm1", Tokens(b, x)), x.Shape), 3, bias: false), 1, 2, 1);
                x = b.Add(x, Map(b, values, x.Shape));
                return b.Add(x, Map(b, Mlp.Build(b, "mlp", b.LayerNorm("norm2", Tokens(b, x)), 4, ActLayers.Torch(UnaryKind.Gelu)), x.Shape));
            }
        }
    }

    private static Node TransformerBlock(GraphBuilder b, Node x)
    {
        b.Declare("pos_embed", "norm1");
        Node y = PositionConv(b, b.LayerNorm("norm1", Tokens(b, x)), x.Shape);
        y = b.Identity("ls1", SelfAttention(b, y));
        x = b.Add(x, b.Identity("drop_path1", Map(b, y, x.Shape)));
        y = Mlp.Build(b, "mlp", b.LayerNorm("norm2", Tokens(b, x)), 4 * x.Shape[0], ActLayers.Torch(UnaryKind.Gelu));
        return b.Add(x, b.Identity("drop_path2", Map(b, b.Identity("ls2", y), x.Shape)));
    }

    private static Node SelfAttention(GraphBuilder b, Node x)
    {
        (int length, int width) = (x.Shape[0], x.Shape[1]);
        using (b.Scope("attn"))
        {
            Node qkv = b.Reshape(b.Linear("qkv", x, 3 * HeadCount * HeadWidth, bias: false), [length, 3, HeadCount, HeadWidth]);
            qkv = b.Permute(qkv, [1, 2, 0, 3]);
            x = Attention.MergeHeads(b, Attention.Dot(b, Attention.Part(b, qkv, 0), Attention.Part(b, qkv, 1), Attention.Part(b, qkv, 2)));
            return b.Identity("proj_drop", b.Linear("proj", x, width));
        }
    }

    private static Node PositionConv(GraphBuilder b, Node tokens, Shape map)
    {
        using (b.Scope("pos_embed"))
        {
            Node x = Map(b, tokens, map);
            return Tokens(b, b.Add(b.Conv2d("proj", x, map[0], 3, padding: 1, groups: map[0], bias: true), x));
        }
    }

    private static Node Tokens(GraphBuilder b, Node map) => b.Transpose(b.Flatten(map, 1), 0, 1);

    private static Node Map(GraphBuilder b, Node tokens, Shape map) => b.Reshape(b.Transpose(tokens, 0, 1), map);

    /// <summary>The authors' files, whose stages end with what halves the resolution.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        c.RenameMatches((@"^dct\.", "stem_dct."), (@"\.Y_Conv\.", ".conv_y."), (@"\.Cb_Conv\.", ".conv_cb."), (@"\.Cr_Conv\.", ".conv_cr."));
        c.RenameMatches(@"^stages(\d)\.(\d+)\.", m =>
        {
            int stage = Checkpoint.Number(m.Groups[1]), index = Checkpoint.Number(m.Groups[2]);
            // Behind the blocks and their norm.
            return index == config.Depths[stage - 1] + 1 ? $"stages.{stage}.0." : $"stages.{stage - 1}.{index + (stage > 1 ? 1 : 0)}.";
        });
        c.Rename(
            ("grn.gamma", "grn.weight"), ("grn.beta", "grn.bias"), (".ff.net.0.", ".mlp.fc1."), (".ff.net.3.", ".mlp.fc2."), (".ff_norm.", ".norm2."), (".attn_norm.", ".norm1."),
            (".attention.attention.attn.", ".attn.attn."), (".attention.attention.", ".attn.attn."), (".attention.", ".attn."), (".to_qkv.", ".qkv."), (".to_out.0.", ".proj."));
        c.RenameMatches((@"^(stages\.\d+\.\d+)\.attn\.pos_embed\.", "$1.pos_embed."), (@"^head\.", "head.fc."), (@"^norm\.", "head.norm."));
        c.TakeModelShapes("grn");
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["dims"] = (c, v) => c with { Widths = v.PerStage(c.Widths.Length) },
        ["depths"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["transformer_depths"] = (c, v) => c with { TransformerDepths = v.PerStage(c.TransformerDepths.Length) },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        Remap = Remap,
        ["csatv2"] = new([32, 72, 168, 386], [2, 2, 8, 6], [0, 0, 2, 2]),
        ["csatv2_21m"] = new([48, 96, 224, 448], [3, 3, 10, 8], [0, 0, 4, 3]),
    };
}
