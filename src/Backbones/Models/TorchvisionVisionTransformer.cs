using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// torchvision's own Vision Transformer, with torchvision's module and node names.
/// torchvision: <c>models/vision_transformer.py</c>. Papers: An Image is Worth 16x16 Words, https://arxiv.org/abs/2010.11929; the SWAG weights: Revisiting Weakly Supervised
/// Pre-Training of Visual Perception Models, https://arxiv.org/abs/2201.08371
/// </summary>
internal static class TorchvisionVisionTransformer
{
    /// <summary>What tells one variant from another.</summary>
    internal sealed record Config(int PatchSize, int Layers, int Heads, int Width);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        TokenPool.Require(options.GlobalPool, "token", "");
        (int patch, int height, int width) = (config.PatchSize, b.Input.Shape[1], b.Input.Shape[2]);
        if (height % patch != 0 || width % patch != 0 || height == 0 || width == 0)
            throw new GraphException($"An image of {height}×{width} is no whole number of {patch}×{patch} patches; choose an image size that {patch} divides.");
        Size2 grid = (height / patch, width / patch);
        b.Declare("conv_proj", "encoder", "heads");

        Node x = Embed(b, config, grid);
        var blocks = new List<Node>();
        using (b.Scope("encoder"))
        {
            ListShapeCheck(b);
            Node position = b.Parameter("pos_embedding", [1, .. x.Shape]);
            b.ListedRead(position);
            x = b.Identity("dropout", b.Add(x, b.Reshape(position, x.Shape)));
            for (int i = 0; i < config.Layers; i++)
            {
                using (b.Scope($"layers.encoder_layer_{i}"))
                    x = Block(b, config, x);
                blocks.Add(x);
            }
        }
        Node features = LastNorm(b, "encoder.ln", x), pooled = features;
        if (options.GlobalPool.Length > 0)
            pooled = b.Leaf("getitem", () => TokenPool.Pool(b, features, "token", 1));
        Node logits;
        using (b.Scope("heads"))
            logits = Classifier.Fc(b, "head", pooled, options.NumClasses);
        return BackboneGraph.OfBlocks(b, blocks, patch, grid, 1, features, (b, _, tokens) => LastNorm(b, "encoder.ln", tokens), (pooled, logits)) with
        {
            Levels = [.. blocks.Select((node, i) => new FeatureLevel(config.Width, patch, $"encoder.layers.encoder_layer_{i}", node))],
            // Each block asserts that its input has three dimensions.
            Asserted = blocks[^2],
            Adapters = ImmutableDictionary<string, ParameterAdapter>.Empty
                .Add("encoder.pos_embedding", ParameterAdapters.PositionEmbedding(1, (options.PretrainedSize.H / patch, options.PretrainedSize.W / patch), grid, alignCorners: true)),
        };
    }

    /// <summary>The class token and the patches: <c>[1 + H · W, C]</c>.</summary>
    private static Node Embed(GraphBuilder b, Config config, Size2 grid)
    {
        b.WithoutTensor("getattr", "getitem", "getitem", "getitem", "getitem", "eq", "_assert", "eq", "_assert", "floordiv", "floordiv");
        Node x = b.Conv2d("conv_proj", b.Input, config.Width, config.PatchSize, config.PatchSize, bias: true);
        b.WithoutTensor("mul");
        x = b.Permute(b.Reshape(x, [config.Width, grid.H * grid.W]), [1, 0]);
        b.WithoutTensor("getattr", "getitem");
        Node token = b.Parameter("class_token", [1, 1, config.Width]);
        b.ListedRead(token);
        // The token as each image has it.
        Node tokens = b.Concat(0, [b.Reshape(token, [1, config.Width]), x], "#cat");
        b.Slice(tokens, 0, 0, 1, target: "expand");
        return b.Identity("cat", tokens);
    }

    private static Node Block(GraphBuilder b, Config config, Node input)
    {
        ListShapeCheck(b);
        Node x = Norm(b, "ln_1", input);
        x = b.Identity("getitem", SelfAttention(b, x, config.Heads));
        b.WithoutTensor("getitem");
        x = b.Add(b.Identity("dropout", x), input);
        return b.Add(x, TorchvisionMlp.Build(b, "mlp", Norm(b, "ln_2", x), 4 * config.Width));
    }

    /// <summary>nn.MultiheadAttention over one sequence, which FX does not look into.</summary>
    private static Node SelfAttention(GraphBuilder b, Node x, int heads) => b.Leaf("self_attention", () =>
    {
        (int length, int width) = (x.Shape[0], x.Shape[1]);
        Node qkv = b.Function("linear", new LinearOp(true), x, b.Parameter("in_proj_weight", [3 * width, width]), b.Parameter("in_proj_bias", [3 * width]));
        qkv = b.Permute(b.Reshape(qkv, [length, 3, heads, Attention.HeadWidth(width, heads)]), [1, 2, 0, 3]);
        Node y = b.Attention(Attention.Part(b, qkv, 0), Attention.Part(b, qkv, 1), Attention.Part(b, qkv, 2));
        return b.Linear("out_proj", Attention.MergeHeads(b, y), width);
    });

    /// <summary>A norm whose node is called <c>ln</c>, <c>ln_1</c>: torchvision takes the numbers of the modules for FX's.</summary>
    private static Node Norm(GraphBuilder b, string name, Node x)
    {
        Node weight, bias;
        using (b.Scope(name))
            (weight, bias) = (b.Parameter("weight", [x.Shape[1]]), b.Parameter("bias", [x.Shape[1]]));
        return b.Function("ln", new LayerNormOp(-1, 1e-6f), x, weight, bias);
    }

    private static Node LastNorm(GraphBuilder b, string name, Node x) => b.LayerNorm(name, x, 1e-6f);

    /// <summary>The assertion that there are three dimensions.</summary>
    private static void ListShapeCheck(GraphBuilder b) => b.WithoutTensor("dim", "eq", "getattr", "_assert");

    /// <summary>The perceptrons' layers as the published files call them.</summary>
    private static void Remap(Checkpoint c, Config config) => c.Rename((".mlp.linear_1.", ".mlp.0."), (".mlp.linear_2.", ".mlp.3."));

    public static ModelFamily<Config> Models => new(Build)
    {
        Remap = Remap,
        GlobalPool = _ => "token",
        ["torchvision/vit_b_16"] = new(16, 12, 12, 768),
        ["torchvision/vit_b_32"] = new(32, 12, 12, 768),
        ["torchvision/vit_l_16"] = new(16, 24, 16, 1024),
        ["torchvision/vit_l_32"] = new(32, 24, 16, 1024),
        ["torchvision/vit_h_14"] = new(14, 32, 16, 1280),
    };
}
