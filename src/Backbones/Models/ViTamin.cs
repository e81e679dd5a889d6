using Backbones.Graphs;
using Backbones.Layers;
using static Backbones.Models.VisionTransformer;

namespace Backbones.Models;

/// <summary>
/// ViTamin: a vision transformer over the map of two stages of inverted residual convolutions, with gated perceptrons.
/// timm: <c>vitamin.py</c>. Paper: ViTamin: Designing Scalable Vision Models in the Vision-Language Era, https://arxiv.org/abs/2404.02132
/// </summary>
internal static class ViTamin
{
    /// <summary>Pixels of the image per token, in each direction.</summary>
    private const int Reduction = 16;

    /// <summary>A variant: channels of the first stage (and the stem), width, blocks and heads of the transformer.</summary>
    private static Config Of(int channels, int width, int depth, int heads) => new(Reduction, width, depth, heads, 2)
    {
        Embedding = (b, config, image, options) => HybridEmbed.Build(b, "patch_embed", image, (b, x) => ConvStages(b, x, channels, width)),
        Mlp = GeGlu,
        ClassToken = false,
        GlobalPool = "avg",
    };

    private static Node ConvStages(GraphBuilder b, Node x, int channels, int width)
    {
        using (b.Scope("stem"))
        {
            x = NormAct(b, "norm1", b.Conv2d("conv1", x, channels, 3, stride: 2, padding: 1, bias: true), act: true);
            x = b.Conv2d("conv2", x, channels, 3, padding: 1, bias: true);
        }
        for (int stage = 0; stage < 2; stage++)
        {
            for (int i = 0; i < (stage == 0 ? 2 : 4); i++)
            {
                using (b.Scope($"stages.{stage}.{i}"))
                    x = MbConvBlock(b, x, channels << stage, stride: i == 0 ? 2 : 1);
            }
        }
        using (b.Scope("pool"))
        {
            b.Declare("proj", "norm");
            return b.Conv2d("proj", Norms.LayerNorm2d()(b, "norm", x), width, 3, stride: 2, padding: 1, bias: true);
        }
    }

    private static Node MbConvBlock(GraphBuilder b, Node x, int channels, int stride)
    {
        int hidden = 4 * channels;
        Node shortcut = stride > 1 ? Downsample(b, x, channels) : b.Identity("shortcut", x);
        x = b.Identity("down", NormAct(b, "pre_norm", x, act: false));
        x = Gelu(b, "act1", b.Conv2d("conv1_1x1", x, hidden, 1, bias: true));
        x = Gelu(b, "act2", b.Conv2d("conv2_kxk", x, hidden, 3, stride, 1, groups: hidden, bias: true));
        x = b.Identity("drop_path", b.Conv2d("conv3_1x1", x, channels, 1, bias: true));
        return b.Add(x, shortcut);
    }

    private static Node Downsample(GraphBuilder b, Node x, int channels)
    {
        using (b.Scope("shortcut"))
        {
            x = b.AvgPool2d("pool", x, 3, 2, 1, countIncludePad: false);
            return x.Shape[0] == channels ? b.Identity("expand", x) : b.Conv2d("expand", x, channels, 1, bias: true);
        }
    }

    /// <summary>timm's LayerNormAct2d with the eps of this model.</summary>
    private static Node NormAct(GraphBuilder b, string name, Node x, bool act)
    {
        x = Norms.LayerNorm2d()(b, name, x);
        using (b.Scope(name))
        {
            x = b.Identity("drop", x);
            return act ? Gelu(b, "act", x) : b.Identity("act", x);
        }
    }

    /// <summary>A perceptron whose one half, by GELU, gates the other.</summary>
    private static Node GeGlu(GraphBuilder b, Config config, Node x)
    {
        using (b.Scope("mlp"))
        {
            x = Norms.LayerNorm()(b, "norm", x);
            Node gate = config.Act(b, "act", b.Linear("w0", x, config.MlpHidden));
            return b.Linear("w2", b.Multiply(gate, b.Linear("w1", x, config.MlpHidden)), config.Width);
        }
    }

    private static ActLayer Gelu { get; } = ActLayers.Timm(UnaryKind.Gelu);

    public static ModelFamily<Config> Models => new(Build)
    {
        Remap = (c, _) => c.TakeOpenClip("head"),
        GlobalPool = config => config.GlobalPool,
        ["vitamin_small_224"] = Of(64, 384, 14, 6),
        ["vitamin_base_224"] = Of(128, 768, 14, 12),
        ["vitamin_large_224"] = Of(160, 1024, 31, 16),
        ["vitamin_large_256"] = Of(160, 1024, 31, 16),
        ["vitamin_large_336"] = Of(160, 1024, 31, 16),
        ["vitamin_large_384"] = Of(160, 1024, 31, 16),
        ["vitamin_large2_224"] = Of(160, 1024, 31, 16),
        ["vitamin_large2_256"] = Of(160, 1024, 31, 16),
        ["vitamin_large2_336"] = Of(160, 1024, 31, 16),
        ["vitamin_large2_384"] = Of(160, 1024, 31, 16),
        ["vitamin_xlarge_256"] = Of(192, 1152, 32, 16) with { PosEmbed = false },
        ["vitamin_xlarge_336"] = Of(192, 1152, 32, 16) with { PosEmbed = false },
        ["vitamin_xlarge_384"] = Of(192, 1152, 32, 16) with { PosEmbed = false },
    };
}
