using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// MLP-Mixer, ResMLP and gMLP: tokens are mixed by perceptrons over their places, without attention.
/// timm: <c>mlp_mixer.py</c>. Papers: MLP-Mixer: An all-MLP Architecture for Vision, https://arxiv.org/abs/2105.01601; ResMLP,
/// https://arxiv.org/abs/2105.03404; Pay Attention to MLPs, https://arxiv.org/abs/2105.08050
/// </summary>
internal static class MlpMixer
{
    /// <summary>A block, in its scope: tokens <c>[L, C]</c> → <c>[L, C]</c>.</summary>
    internal delegate Node BlockLayers(GraphBuilder b, Config config, Node x);

    /// <summary>What tells one variant from another; the defaults are MLP-Mixer's.</summary>
    internal sealed record Config(int PatchSize, int Depth, int Width)
    {
        public BlockLayers Block { get; init; } = MixerBlock;

        public NormLayer Norm { get; init; } = Norms.TorchLayerNorm(1e-6f);

        /// <summary>Hidden width of the perceptrons over channels, for one of the width.</summary>
        public int MlpRatio { get; init; } = 4;

        /// <summary>The same of those over tokens.</summary>
        public double TokenRatio { get; init; } = 0.5;

        /// <summary>The perceptrons are gated by SiLU.</summary>
        public bool Glu { get; init; }
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        TokenPool.Require(options.GlobalPool, "avg", "");
        (Node x, Size2 grid) = PatchEmbed.Build(b, "stem", b.Input, config.PatchSize, config.Width);
        var blocks = new Node[config.Depth];
        for (int i = 0; i < blocks.Length; i++)
        {
            using (b.Scope($"blocks.{i}"))
                blocks[i] = x = config.Block(b, config, x);
        }
        Node features = config.Norm(b, "norm", x);
        Node pooled = b.Identity("head_drop", TokenPool.Pool(b, features, options.GlobalPool, prefixTokens: 0));
        return BackboneGraph.OfBlocks(b, blocks, config.PatchSize, grid, 0, features, config.Norm, (pooled, Classifier.Fc(b, "head", pooled, options.NumClasses)));
    }

    private static Node Perceptron(GraphBuilder b, Config config, string name, Node x, int hidden) => config.Glu
        ? Mlp.Glu(b, name, x, hidden, ActLayers.Torch(UnaryKind.Silu))
        : Mlp.Build(b, name, x, hidden, ActLayers.Torch(UnaryKind.Gelu));

    private static Node MixerBlock(GraphBuilder b, Config config, Node x)
    {
        Node y = b.Transpose(config.Norm(b, "norm1", x), 0, 1);
        y = b.Transpose(Perceptron(b, config, "mlp_tokens", y, (int)(config.TokenRatio * config.Width)), 0, 1);
        x = b.Add(x, b.Identity("drop_path", y));
        y = Perceptron(b, config, "mlp_channels", config.Norm(b, "norm2", x), config.MlpRatio * config.Width);
        return b.Add(x, b.Identity("drop_path", y));
    }

    /// <summary>One linear layer over the tokens, a perceptron over the channels, each with a factor for each channel.</summary>
    private static Node ResBlock(GraphBuilder b, Config config, Node x)
    {
        Node scale1 = b.Parameter("ls1", [config.Width]), scale2 = b.Parameter("ls2", [config.Width]);
        Node y = b.Transpose(config.Norm(b, "norm1", x), 0, 1);
        y = b.Transpose(b.Linear("linear_tokens", y, x.Shape[0]), 0, 1);
        x = b.Add(x, b.Identity("drop_path", b.Multiply(scale1, y)));
        y = Perceptron(b, config, "mlp_channels", config.Norm(b, "norm2", x), config.MlpRatio * config.Width);
        return b.Add(x, b.Identity("drop_path", b.Multiply(scale2, y)));
    }

    /// <summary>One perceptron, half of whose hidden layer, mixed over the tokens, gates the other half (timm.layers.GatedMlp).</summary>
    private static Node SpatialGatingBlock(GraphBuilder b, Config config, Node x)
    {
        int hidden = config.MlpRatio * config.Width, half = hidden / 2;
        Node y = config.Norm(b, "norm", x);
        using (b.Scope("mlp_channels"))
        {
            y = b.Identity("drop1", b.Act("act", b.Linear("fc1", y, hidden), UnaryKind.Gelu));
            using (b.Scope("gate"))
            {
                Node value = b.Slice(y, 1, 0, half), gate = Norms.TorchLayerNorm()(b, "norm", b.Slice(y, 1, half, half));
                gate = b.Linear("proj", b.Transpose(gate, 0, 1), x.Shape[0]);
                y = b.Multiply(value, b.Transpose(gate, 0, 1));
            }
            y = b.Identity("drop2", b.Linear("fc2", b.Identity("norm", y), config.Width));
        }
        return b.Add(x, b.Identity("drop_path", y));
    }

    /// <summary>A factor and a shift for each channel in place of a norm.</summary>
    private static Node Affine(GraphBuilder b, string name, Node x)
    {
        int width = x.Shape[^1];
        using (b.Scope(name))
        {
            Node scale = b.Reshape(b.Parameter("alpha", [1, 1, width]), [width]), shift = b.Reshape(b.Parameter("beta", [1, 1, width]), [width]);
            return b.Leaf("addcmul", () => b.Add(b.Multiply(x, scale), shift));
        }
    }

    /// <summary>ResMLP's own files.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        c.Rename(("patch_embed.", "stem."), ("attn.", "linear_tokens."), ("mlp.", "mlp_channels."), ("gamma_", "ls"));
        c.TakeModelShapes(@"\.(alpha|beta)$");
    }

    public static ModelFamily<Config> Models => new(Build)
    {
        Remap = Remap,
        ["mixer_s32_224"] = new(32, 8, 512),
        ["mixer_s16_224"] = new(16, 8, 512),
        ["mixer_b32_224"] = new(32, 12, 768),
        ["mixer_b16_224"] = new(16, 12, 768),
        ["mixer_l32_224"] = new(32, 24, 1024),
        ["mixer_l16_224"] = new(16, 24, 1024),
        ["gmixer_12_224"] = new(16, 12, 384) { TokenRatio = 1, Glu = true },
        ["gmixer_24_224"] = new(16, 24, 384) { TokenRatio = 1, Glu = true },
        ["resmlp_12_224"] = ResMlp(new(16, 12, 384)),
        ["resmlp_24_224"] = ResMlp(new(16, 24, 384)),
        ["resmlp_36_224"] = ResMlp(new(16, 36, 384)),
        ["resmlp_big_24_224"] = ResMlp(new(8, 24, 768)),
        ["gmlp_ti16_224"] = GMlp(128),
        ["gmlp_s16_224"] = GMlp(256),
        ["gmlp_b16_224"] = GMlp(512),
    };

    private static Config ResMlp(Config size) => size with { Block = ResBlock, Norm = Affine };

    private static Config GMlp(int width) => new(16, 30, width) { Block = SpatialGatingBlock, MlpRatio = 6 };
}
