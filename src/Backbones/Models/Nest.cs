using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// NesT: attention within blocks of a map that never exchange anything; a convolution and a pooling join four of them for the next level.
/// timm: <c>nest.py</c>. Paper: Aggregating Nested Transformers, https://arxiv.org/abs/2105.12723
/// </summary>
internal static class Nest
{
    /// <summary>What tells one variant from another.</summary>
    internal sealed record Config(int Width, int Heads, ImmutableArray<int> Depths)
    {
        public double MlpRatio { get; init; } = 4;

        public bool QkvBias { get; init; } = true;

        /// <summary>Padding of the pooling: TensorFlow's in weights from JAX.</summary>
        public PadType Pad { get; init; } = PadType.Symmetric;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        // The first level has 4×4 blocks of patches of 4 pixels.
        int size = b.Input.Shape[1];
        if (size != b.Input.Shape[2] || size % 16 != 0)
            throw new GraphException($"NesT is for square images that 16 divides, not for {size}×{b.Input.Shape[2]}.");
        int blockSize = size / 16;
        Node x;
        using (b.Scope("patch_embed"))
            x = b.Identity("norm", b.Conv2d("proj", b.Input, config.Width, 4, 4, bias: true));
        var levels = new List<FeatureLevel>();
        for (int level = 0; level < config.Depths.Length; level++)
        {
            int width = config.Width << level;
            using (b.Scope($"levels.{level}"))
                x = Level(b, config, x, width, config.Heads << level, level, blockSize);
            levels.Add(new FeatureLevel(width, 4 << level, $"levels.{level}", x));
        }

        Node features = b.Permute(Norms.LayerNorm()(b, "norm", b.Permute(x, [1, 2, 0])), [2, 0, 1]);
        Classifier.RequirePool(features, options.NumClasses, options.GlobalPool);
        Node pooled = b.Identity("head_drop", GlobalPool.Pool(b, "global_pool", features, options.GlobalPool, flatten: options.GlobalPool.Length > 0));
        return BackboneGraph.OfLevels(b, levels, features, (pooled, Classifier.Fc(b, "head", pooled, options.NumClasses))) with
        {
            Intermediates = [.. levels.Select(l => new IntermediateLevel(l.Node, Norm: l.Node == x ? (_, _) => features : null))],
            Adapters = Enumerable.Range(0, config.Depths.Length).ToImmutableDictionary(i => $"levels.{i}.pos_embed", _ => (ParameterAdapter)ResizedPositions),
        };
    }

    private static Node Level(GraphBuilder b, Config config, Node x, int width, int heads, int level, int blockSize)
    {
        int depth = config.Depths[level], gridSize = 4 >> level, side = gridSize * blockSize;
        Node positions = b.Reshape(b.Parameter("pos_embed", [1, gridSize * gridSize, blockSize * blockSize, width]), [gridSize * gridSize, blockSize * blockSize, width]);
        x = b.Permute(level > 0 ? Pool(b, config, x, width) : b.Identity("pool", x), [1, 2, 0]);
        x = b.Transpose(b.Reshape(x, [gridSize, blockSize, gridSize, blockSize, width]), 1, 2);
        x = b.Add(b.Reshape(x, positions.Shape), positions);
        for (int i = 0; i < depth; i++)
        {
            using (b.Scope($"transformer_encoder.{i}"))
                x = TransformerLayer(b, config, x, heads, hasDropPath: level == 0 && i == 0);
        }
        x = b.Leaf("deblockify", () => Windows.Join(b, x, blockSize, side));
        return b.Permute(x, [2, 0, 1]);
    }

    private static Node Pool(GraphBuilder b, Config config, Node x, int width)
    {
        using (b.Scope("pool"))
        {
            x = Conv2dPadding.Conv2d(b, "conv", x, width, 3, config.Pad, bias: true);
            x = b.Permute(Norms.LayerNorm()(b, "norm", b.Permute(x, [1, 2, 0])), [2, 0, 1]);
            return b.MaxPool2d("pool", x, 3, 2, Conv2dPadding.Of(config.Pad, x.Shape, 3, 2));
        }
    }

    /// <summary>x <c>[blocks, L, C]</c> → the same.</summary>
    private static Node TransformerLayer(GraphBuilder b, Config config, Node x, int heads, bool hasDropPath)
    {
        x = b.Add(x, DropPath("drop_path1", Attend(b, config, Norms.LayerNorm()(b, "norm1", x), heads)));
        return b.Add(x, DropPath("drop_path2", Mlp.Build(b, "mlp", Norms.LayerNorm()(b, "norm2", x), (int)(config.MlpRatio * x.Shape[2]), ActLayers.Torch(UnaryKind.Gelu))));

        // timm's drop path is a module (an identity) where its rate is 0: in the first block.
        Node DropPath(string name, Node y) => hasDropPath ? b.Identity(name, y) : y;
    }

    private static Node Attend(GraphBuilder b, Config config, Node x, int heads)
    {
        (int blocks, int length, int width) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        using (b.Scope("attn"))
        {
            Node qkv = b.Reshape(b.Linear("qkv", x, 3 * width, config.QkvBias), [blocks, length, 3, heads, Attention.HeadWidth(width, heads)]);
            qkv = b.Permute(qkv, [2, 3, 0, 1, 4]);
            x = Attention.Dot(b, Attention.Part(b, qkv, 0), Attention.Part(b, qkv, 1), Attention.Part(b, qkv, 2));
            // The heads are the inner part of the channels here.
            x = b.Reshape(b.Permute(x, [1, 2, 3, 0]), [blocks, length, width]);
            return b.Identity("proj_drop", b.Linear("proj", x, width));
        }
    }

    /// <summary>timm's <c>resize_pos_embed</c>: a position embedding <c>[1, blocks, L, C]</c> for another image size, resized bicubically over all blocks.</summary>
    private static Node ResizedPositions(GraphBuilder b, Node source, Shape target)
    {
        (int blocks, int side) = (Side(source.Shape[1]), Side(source.Shape[2]));
        int channels = target[3], newBlocks = Side(target[1]), newSide = Side(target[2]);
        if (source.Shape == target)
            return source;
        if (blocks * blocks != source.Shape[1] || side * side != source.Shape[2] || source.Shape[3] != channels)
            throw new GraphException($"'{source.Name}' {source.Shape} cannot be resized to {target}: it must have squares of blocks and of patches, and {channels} channels.");
        Node map = b.Permute(b.Reshape(source, [blocks, blocks, side, side, channels]), [4, 0, 2, 1, 3]);
        map = b.Resize(b.Reshape(map, [channels, blocks * side, blocks * side]), newBlocks * newSide, newBlocks * newSide, ResizeMode.Bicubic);
        return b.Reshape(b.Permute(b.Reshape(map, [channels, newBlocks, newSide, newBlocks, newSide]), [1, 3, 2, 4, 0]), target);

        static int Side(int area) => (int)Math.Sqrt(area);
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
        ["qkv_bias"] = (c, v) => c with { QkvBias = v.GetBoolean() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        ["nest_base"] = Base,
        ["nest_small"] = Small,
        ["nest_tiny"] = Tiny,
        ["nest_base_jx"] = Base with { Pad = PadType.Same },
        ["nest_small_jx"] = Small with { Pad = PadType.Same },
        ["nest_tiny_jx"] = Tiny with { Pad = PadType.Same },
    };

    private static Config Base { get; } = new(128, 4, [2, 2, 20]);

    private static Config Small { get; } = new(96, 3, [2, 2, 20]);

    private static Config Tiny { get; } = new(96, 3, [2, 2, 8]);
}
