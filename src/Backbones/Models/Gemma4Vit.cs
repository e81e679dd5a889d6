using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// The vision encoders of Gemma 4, alone (<c>…_enc</c>: soft tokens for the language model) and as classifiers. Images are in [0, 1]; any size that the patches divide.
/// timm: <c>gemma4_vit.py</c>. Model: https://ai.google.dev/gemma
/// </summary>
internal static class Gemma4Vit
{
    private const int PatchSize = 16;

    /// <summary>Patches of a side of a soft token.</summary>
    private const int SoftSize = 3;

    /// <summary>Rows and columns that the table of positions has.</summary>
    private const int Positions = 10240;

    private static readonly NormLayer s_norm = Norms.RmsNorm();

    internal sealed record Config(int Width, int Depth, int Heads, int MlpHidden)
    {
        /// <summary>The encoder alone, without norm and classifier.</summary>
        public bool IsEncoder { get; init; }

        /// <summary>Every linear layer holds its input and its result to a learned range.</summary>
        public bool Clips { get; init; }

        /// <summary>Soft tokens are standardised by stored means and scales.</summary>
        public bool Standardizes { get; init; }

        public string GlobalPool => IsEncoder ? "soft" : "avg";
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        RequirePool(config, options.GlobalPool);
        RequirePool(config, options.CreatedPool);
        Size2 grid = Grid(b.Input, options.CreatedPool == "soft" ? PatchSize * SoftSize : PatchSize);
        (IReadOnlyList<Node> blocks, Func<Node, Node> soften) = config.IsEncoder ? Encode(b, config, grid) : Within(b, "encoder", () => Encode(b, config, grid));
        Node features = blocks[^1];
        (Node PreLogits, Node Logits) head = config.IsEncoder ? Pool(b, features, options, soften) : Classify(b, features, options);
        return BackboneGraph.OfBlocks(b, blocks, PatchSize, grid, 0, features, norm: null, head) with
        {
            Adapters = ImmutableDictionary<string, ParameterAdapter>.Empty.Add(
                $"{(config.IsEncoder ? "" : "encoder.")}patch_embed.input_proj.weight", ParameterAdapters.InputPatches(b.Input.Shape[0], PatchSize, channelsLast: false)),
        };
    }

    private static T Within<T>(GraphBuilder b, string name, Func<T> body)
    {
        using (b.Scope(name))
            return body();
    }

    private static void RequirePool(Config config, string pool)
    {
        string[] valid = config.IsEncoder ? ["soft", "avg", "none", ""] : ["avg", "none", ""];
        if (!valid.Contains(pool))
            throw new GraphException($"{(config.IsEncoder ? "Gemma 4's encoder" : "Gemma 4's classifier")} has no pool type '{pool}'. Valid types are {string.Join(", ", valid.Select(n => $"'{n}'"))}.{NearestName.Suggest(pool, valid)}");
    }

    private static Size2 Grid(Node image, int cell)
    {
        (int height, int width) = (image.Shape[1], image.Shape[2]);
        if (height % cell != 0 || width % cell != 0)
            throw new GraphException($"An image of {height}×{width} does not divide into {(cell == PatchSize ? "patches" : "soft tokens")} of {cell}; the nearest that does is {Nearest(height)}×{Nearest(width)}.");
        return (height / PatchSize, width / PatchSize);

        int Nearest(int size) => Math.Max(cell, (size + cell / 2) / cell * cell);
    }

    /// <summary>The blocks' tokens <c>[H·W, C]</c>, and what makes soft tokens of the last ones.</summary>
    private static (IReadOnlyList<Node> Blocks, Func<Node, Node> Soften) Encode(GraphBuilder b, Config config, Size2 grid)
    {
        (Node Bias, Node Scale)? standard = config.Standardizes ? (b.Buffer("std_bias", [config.Width]), b.Buffer("std_scale", [config.Width])) : null;
        Node x = Embed(b, config, grid);
        int headWidth = Attention.HeadWidth(config.Width, config.Heads);
        // Columns turn the first half of a head, rows the second, each half as two halves.
        RotaryEmbedding rope = RotaryEmbedding.Axial(b, grid, headWidth, 0, 100, columnsFirst: true, distance: headWidth / 4);
        var blocks = new List<Node>();
        for (int i = 0; i < config.Depth; i++)
        {
            using (b.Scope($"blocks.{i}"))
                x = Block(b, config, x, rope);
            blocks.Add(x);
        }
        return (blocks, Soften);

        Node Soften(Node tokens)
        {
            Node map = b.Reshape(b.Transpose(tokens, 0, 1), [config.Width, grid.H, grid.W]);
            Node pooled = b.AvgPool2d("pooler", map, SoftSize);
            Node soft = b.Affine(b.Transpose(b.Flatten(pooled, 1), 0, 1), MathF.Sqrt(config.Width));
            return standard is { } s ? b.Multiply(b.Subtract(soft, s.Bias), s.Scale) : soft;
        }
    }

    /// <summary>Patches from [-1, 1] with the sum of their column's and their row's position.</summary>
    private static Node Embed(GraphBuilder b, Config config, Size2 grid)
    {
        (int width, int channels) = (config.Width, b.Input.Shape[0]);
        if (Math.Max(grid.H, grid.W) > Positions)
            throw new GraphException($"{grid.H}×{grid.W} patches are more than the {Positions} rows and columns that have positions.");
        using (b.Scope("patch_embed"))
        {
            Node table = b.Parameter("position_embedding_table", [2, Positions, width]);
            Node weight;
            using (b.Scope("input_proj"))
                weight = b.Parameter("weight", [width, channels * PatchSize * PatchSize]);
            Node map = b.Conv2d("input_proj", b.Affine(b.Input, 2, -1), b.Reshape(weight, [width, channels, PatchSize, PatchSize]), null, PatchSize, 0, 1);
            Node positions = b.Add(b.Reshape(Line(0, grid.W), [1, grid.W, width]), b.Reshape(Line(1, grid.H), [grid.H, 1, width]));
            return b.Add(b.Transpose(b.Flatten(map, 1), 0, 1), b.Reshape(positions, [grid.H * grid.W, width]));

            Node Line(int axis, int length) => b.Slice(b.Slice(table, 0, axis, 1), 1, 0, length);
        }
    }

    /// <summary>Attention and perceptron with a norm before and one behind each.</summary>
    private static Node Block(GraphBuilder b, Config config, Node x, RotaryEmbedding rope)
    {
        Node y = s_norm(b, "norm2", Attend(b, config, s_norm(b, "norm1", x), rope));
        x = b.Add(x, b.Identity("drop_path", y));
        y = s_norm(b, "norm4", GatedMlp(b, config, s_norm(b, "norm3", x)));
        return b.Add(x, b.Identity("drop_path", y));
    }

    /// <summary>Queries, keys and values are normalised in each head; the scores are their products as they are.</summary>
    private static Node Attend(GraphBuilder b, Config config, Node x, RotaryEmbedding rope)
    {
        (int length, int width) = (x.Shape[0], x.Shape[1]);
        int headWidth = Attention.HeadWidth(width, config.Heads);
        using (b.Scope("attn"))
        {
            b.Declare("q_proj", "k_proj", "v_proj", "o_proj");
            Node q = rope.Turn(b, Heads("q", s_norm)), k = rope.Turn(b, Heads("k", s_norm)), v = Heads("v", (builder, name, y) => builder.RmsNorm(name, y, affine: false));
            b.Identity("attn_drop", b.Softmax(b.MatMul(q, b.Transpose(k, -2, -1)), -1));
            x = Attention.MergeHeads(b, b.Attention(q, k, v, 1, target: "matmul_1"));
            return b.Identity("proj_drop", Linear(b, config, "o_proj", x, width));
        }

        Node Heads(string name, NormLayer norm) => b.Transpose(norm(b, $"{name}_norm", b.Reshape(Linear(b, config, $"{name}_proj", x, width), [length, config.Heads, headWidth])), 0, 1);
    }

    private static Node GatedMlp(GraphBuilder b, Config config, Node x)
    {
        int width = x.Shape[1];
        using (b.Scope("mlp"))
        {
            Node gate = b.Act("act", Linear(b, config, "gate_proj", x, config.MlpHidden), UnaryKind.GeluTanh);
            Node hidden = b.Multiply(gate, Linear(b, config, "up_proj", x, config.MlpHidden));
            return b.Identity("drop", Linear(b, config, "down_proj", hidden, width));
        }
    }

    private static Node Linear(GraphBuilder b, Config config, string name, Node x, int outFeatures)
    {
        using (b.Scope(name))
        {
            if (!config.Clips)
                return b.Linear("linear", x, outFeatures, bias: false);
            Node inputMin = Bound("input_min"), inputMax = Bound("input_max"), outputMin = Bound("output_min"), outputMax = Bound("output_max");
            return Clamp(b.Linear("linear", Clamp(x, inputMin, inputMax), outFeatures, bias: false), outputMin, outputMax);
        }

        Node Bound(string buffer) => b.Reshape(b.Buffer(buffer, []), [1]);

        Node Clamp(Node value, Node min, Node max) => b.Leaf("clamp", () => b.Function("min", new BinaryOp(BinaryKind.Min), b.Function("max", new BinaryOp(BinaryKind.Max), value, min), max));
    }

    /// <summary>The encoder's own result: soft tokens <c>[H·W/9, C]</c>, the mean of the patches, or the patches.</summary>
    private static (Node PreLogits, Node Logits) Pool(GraphBuilder b, Node x, ModelOptions options, Func<Node, Node> soften)
    {
        if (options.NumClasses > 0)
            throw new GraphException($"{options.NumClasses} classes were asked of Gemma 4's encoder, which has no classifier; the models without '_enc' have one.");
        Node pooled = options.GlobalPool switch
        {
            "soft" => soften(x),
            "avg" => b.Reduce(x, ReduceKind.Mean, [0]),
            _ => x,
        };
        return (pooled, pooled);
    }

    private static (Node PreLogits, Node Logits) Classify(GraphBuilder b, Node x, ModelOptions options)
    {
        x = options.GlobalPool == "avg" ? b.Reduce(x, ReduceKind.Mean, [0]) : x;
        x = b.Identity("head_drop", b.RmsNorm("norm", x, affine: false));
        return (x, Classifier.Fc(b, "head", x, options.NumClasses));
    }

    /// <summary>Hugging Face's files, of the tower or of the whole model.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        foreach (string prefix in (string[])["model.vision_tower.", "model.vision_model.", "vision_model.", "vision_tower."])
        {
            if (!c.Keys.Any(key => key.StartsWith(prefix, StringComparison.Ordinal)))
                continue;
            c.Take(prefix);
            break;
        }
        c.Drop("rotary_emb");
        c.Rename(("patch_embedder.", "patch_embed."), ("encoder.layers.", "blocks."), (".input_layernorm.", ".norm1."), (".post_attention_layernorm.", ".norm2."),
            (".pre_feedforward_layernorm.", ".norm3."), (".post_feedforward_layernorm.", ".norm4."), (".self_attn.", ".attn."));
        if (!config.IsEncoder)
            c.RenameMatches((@"^(?!norm\.|head\.|encoder\.)", "encoder."));
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["depth"] = (c, v) => c with { Depth = v.Number() },
        ["intermediate_size"] = (c, v) => c with { MlpHidden = v.GetInt32() },
        ["standardize"] = (c, v) => c with { Standardizes = v.GetBoolean() },
        ["use_clipped_linears"] = (c, v) => c with { Clips = v.GetBoolean() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        GlobalPool = config => config.GlobalPool,
        Remap = Remap,
        Arguments = Arguments,
        ["gemma4_vit_167m"] = M167,
        ["gemma4_vit_167m_enc"] = M167 with { IsEncoder = true },
        ["gemma4_vit_570m"] = M570,
        ["gemma4_vit_570m_enc"] = M570 with { IsEncoder = true },
    };

    private static Config M167 => new(768, 16, 12, 3072) { Clips = true };

    private static Config M570 => new(1152, 27, 16, 4304) { Standardizes = true };
}
