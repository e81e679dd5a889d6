using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// CrossViT: two vision transformers over patches of different size, whose class tokens look at each other's patches.
/// timm: <c>crossvit.py</c>. Paper: CrossViT: Cross-Attention Multi-Scale Vision Transformer for Image Classification, https://arxiv.org/abs/2103.14899
/// </summary>
internal static class CrossVit
{
    private const int Branches = 2, Stages = 3;

    private static readonly int[] s_patchSizes = [12, 16];

    /// <summary>What tells one variant from another: channels of the branch of small patches (the other has twice as many), heads, blocks of the branch of large patches in a stage.</summary>
    internal sealed record Config(int Width, int Heads, int Depth)
    {
        public int MlpRatio { get; init; } = 3;

        /// <summary>Patches are embedded by three convolutions ('dagger').</summary>
        public bool MultiConv { get; init; }

        /// <summary>Size of the image that the branch of large patches sees, for one of the first's.</summary>
        public double Scale { get; init; } = 224 / 240.0;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        TokenPool.Require(options.GlobalPool, "token", "avg");
        Size2[] sizes = [.. new[] { 1, config.Scale }.Select(s => new Size2((int)(b.Input.Shape[1] * s), (int)(b.Input.Shape[2] * s)))];
        var positions = new Node[Branches];
        var classTokens = new Node[Branches];
        for (int i = 0; i < Branches; i++)
        {
            (Size2 size, int patch, int width) = (sizes[i], s_patchSizes[i], config.Width << i);
            if (size.H % patch != 0 || size.W % patch != 0)
            {
                throw new GraphException($"An image of {b.Input.Shape[1]}×{b.Input.Shape[2]} is {size.H}×{size.W} for the branch of {patch}×{patch} patches, which does not divide into them. "
                    + "CrossViT takes the sizes that do for both branches, such as the one of its default config.");
            }
            int tokens = 1 + size.H / patch * (size.W / patch);
            positions[i] = b.Reshape(b.Parameter($"pos_embed_{i}", [1, tokens, width]), [tokens, width]);
            classTokens[i] = b.Reshape(b.Parameter($"cls_token_{i}", [1, 1, width]), [1, width]);
        }

        var x = new Node[Branches];
        for (int i = 0; i < Branches; i++)
        {
            Node image = b.Input;
            image = sizes[i] == new Size2(image.Shape[1], image.Shape[2]) ? b.Identity("scale_image", image) : b.Resize(image, sizes[i].H, sizes[i].W, ResizeMode.Bicubic, target: "scale_image");
            Node tokens = b.Concat(0, [classTokens[i], Embed(b, config, $"patch_embed.{i}", image, i)]);
            x[i] = b.Identity("pos_drop", b.Add(tokens, positions[i]));
        }
        for (int stage = 0; stage < Stages; stage++)
        {
            using (b.Scope($"blocks.{stage}"))
                x = MultiScaleBlock(b, config, x);
        }
        x = [.. x.Select((tokens, i) => Norm(b, $"norm.{i}", tokens))];

        int numFeatures = x.Sum(tokens => tokens.Shape[1]);
        (Node preLogits, Node logits) = Head(b, x, options);
        return new()
        {
            Graph = b.Build(logits),
            Features = x[0],
            FeatureBranches = [.. x],
            PreLogits = preLogits,
            NumFeatures = numFeatures,
            HeadHiddenSize = numFeatures,
            Levels = [],
        };
    }

    private static Node Norm(GraphBuilder b, string name, Node x) => b.LayerNorm(name, x, 1e-6f);

    private static Node Embed(GraphBuilder b, Config config, string name, Node x, int branch)
    {
        int width = config.Width << branch, patch = s_patchSizes[branch];
        using (b.Scope(name))
        {
            if (config.MultiConv)
            {
                bool small = patch == 12;
                using (b.Scope("proj"))
                {
                    x = b.Act("1", b.Conv2d("0", x, width / 4, 7, 4, 3, bias: true), UnaryKind.Relu);
                    x = b.Act("3", b.Conv2d("2", x, width / 2, 3, small ? 3 : 2, small ? 0 : 1, bias: true), UnaryKind.Relu);
                    x = b.Conv2d("4", x, width, 3, small ? 1 : 2, 1, bias: true);
                }
            }
            else
            {
                x = b.Conv2d("proj", x, width, patch, patch, bias: true);
            }
            return b.Transpose(b.Flatten(x, 1), 0, 1);
        }
    }

    /// <summary>Blocks of each branch; then each branch's class token, brought to the other's width, attends to the other's patches and comes back.</summary>
    private static Node[] MultiScaleBlock(GraphBuilder b, Config config, Node[] x)
    {
        b.Declare("blocks", "projs", "fusion", "revert_projs");
        x = [.. x.Select((tokens, i) => Blocks(b, config, tokens, i))];
        Node[] classTokens = [.. x.Select((tokens, i) => Project($"projs.{i}", b.Slice(tokens, 0, 0, 1), config.Width << (1 - i)))];
        return [.. x.Select((tokens, i) =>
        {
            Node other = b.Concat(0, [classTokens[i], TokenPool.WithoutPrefix(b, x[1 - i], 1)]), classToken;
            using (b.Scope($"fusion.{i}"))
                classToken = b.Add(b.Slice(other, 0, 0, 1), b.Identity("drop_path", CrossAttention(b, "attn", Norm(b, "norm1", other), config.Heads)));
            classToken = Project($"revert_projs.{i}", classToken, config.Width << i);
            return b.Concat(0, [classToken, TokenPool.WithoutPrefix(b, tokens, 1)]);
        })];

        Node Project(string name, Node token, int width)
        {
            using (b.Scope(name))
                return b.Linear("2", b.Act("1", Norm(b, "0", token), UnaryKind.Gelu), width);
        }
    }

    private static Node Blocks(GraphBuilder b, Config config, Node x, int branch)
    {
        var block = new VisionTransformer.Config(s_patchSizes[branch], config.Width << branch, branch == 0 ? 1 : config.Depth, config.Heads, config.MlpRatio) { Norm = Norm };
        for (int i = 0; i < block.Depth; i++)
        {
            using (b.Scope($"blocks.{branch}.{i}"))
                x = block.Block(b, block, x, i);
        }
        return x;
    }

    /// <summary>Attention of the first token alone: <c>[L, C]</c> → <c>[1, C]</c>.</summary>
    private static Node CrossAttention(GraphBuilder b, string name, Node x, int heads)
    {
        int width = x.Shape[1];
        using (b.Scope(name))
        {
            Node q = Heads("wq", b.Slice(x, 0, 0, 1)), k = Heads("wk", x), v = Heads("wv", x);
            return b.Identity("proj_drop", b.Linear("proj", Attention.MergeHeads(b, Attention.DotThenScale(b, q, k, v)), width));
        }

        Node Heads(string layer, Node tokens) => b.Permute(b.Reshape(b.Linear(layer, tokens, width), [tokens.Shape[0], heads, width / heads]), [1, 0, 2]);
    }

    /// <summary>The mean of both branches' classifiers; without classes both branches' tokens, one after the other.</summary>
    private static (Node PreLogits, Node Logits) Head(GraphBuilder b, Node[] x, ModelOptions options)
    {
        Node[] pooled = [.. x.Select(tokens => TokenPool.Pool(b, tokens, options.GlobalPool, prefixTokens: 1))];
        pooled = [.. pooled.Select(p => b.Identity("head_drop", p))];
        if (options.NumClasses == 0)
        {
            Node joined = b.Concat(0, pooled);
            return (joined, joined);
        }
        // FX traces only the way to the logits.
        Node preLogits = b.Concat(0, pooled, "#pre_logits");
        Node[] logits = [.. pooled.Select((p, i) => Classifier.Fc(b, $"head.{i}", p, options.NumClasses))];
        Node stacked = b.Leaf("stack", () => b.Concat(0, [.. logits.Select(l => b.Reshape(l, [1, options.NumClasses]))]));
        return (preLogits, b.Reduce(stacked, ReduceKind.Mean, [0]));
    }

    /// <summary>The authors' files, whose positions and class tokens are lists.</summary>
    private static void Remap(Checkpoint c, Config config) => c.RenameMatches((@"^(pos_embed|cls_token)\.", "$1_"));

    public static ModelFamily<Config> Models => new(Build)
    {
        Remap = Remap,
        GlobalPool = _ => "token",
        ["crossvit_tiny_240"] = new(96, 3, 4) { MlpRatio = 4 },
        ["crossvit_small_240"] = new(192, 6, 4) { MlpRatio = 4 },
        ["crossvit_base_240"] = new(384, 12, 4) { MlpRatio = 4 },
        ["crossvit_9_240"] = new(128, 4, 3),
        ["crossvit_15_240"] = new(192, 6, 5),
        ["crossvit_18_240"] = new(224, 7, 6),
        ["crossvit_9_dagger_240"] = new(128, 4, 3) { MultiConv = true },
        ["crossvit_15_dagger_240"] = new(192, 6, 5) { MultiConv = true },
        ["crossvit_15_dagger_408"] = new(192, 6, 5) { MultiConv = true, Scale = 384 / 408.0 },
        ["crossvit_18_dagger_240"] = new(224, 7, 6) { MultiConv = true },
        ["crossvit_18_dagger_408"] = new(224, 7, 6) { MultiConv = true, Scale = 384 / 408.0 },
    };
}
