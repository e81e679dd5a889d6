using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// CoaT: stages of factorised attention with convolutional position encodings, and then, but for the Lite models, blocks in which the last three scales exchange what they have.
/// timm: <c>coat.py</c>. Paper: Co-Scale Conv-Attentional Image Transformers, https://arxiv.org/abs/2104.06399
/// </summary>
internal static class CoaT
{
    private const int Heads = 8;

    /// <summary>Kernels of the relative position encoding, and the heads that each is for.</summary>
    private static readonly ImmutableArray<(int Kernel, int Heads)> s_windows = [(3, 2), (5, 3), (7, 3)];

    /// <summary>What tells one variant from another; the defaults are those of the models with parallel blocks.</summary>
    internal sealed record Config(ImmutableArray<int> Channels, ImmutableArray<int> Depths)
    {
        public ImmutableArray<double> MlpRatios { get; init; } = [4, 4, 4, 4];

        public bool QkvBias { get; init; } = true;

        public int ParallelDepth { get; init; } = 6;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        if (config.ParallelDepth > 0 && config.Channels[1..].Distinct().Count() * config.MlpRatios[1..].Distinct().Count() > 1)
            throw new GraphException("Parallel blocks of CoaT are for scales of one width and one mlp_ratio but for the first, "
                + $"not of widths {string.Join(", ", config.Channels.Select(n => $"{n}"))} and ratios {string.Join(", ", config.MlpRatios.Select(r => r.ToString(CultureInfo.InvariantCulture)))}.");
        DeclareModules(b, config);
        Node[] classTokens = [.. Enumerable.Range(0, 4).Select(s => b.Reshape(b.Parameter($"cls_token{s + 1}", [1, 1, config.Channels[s]]), [1, config.Channels[s]]))];
        Scale[] scales = [.. Enumerable.Range(0, 4).Select(s => new Scale(b, config, s))];
        var tokens = new Node[4];
        Node x = b.Input;
        for (int s = 0; s < 4; s++)
        {
            (Node patches, Size2 grid) = PatchEmbed.Build(b, $"patch_embed{s + 1}", x, s == 0 ? 4 : 2, config.Channels[s], norm: (builder, name, y) => builder.LayerNorm(name, y));
            scales[s].Grid = grid;
            tokens[s] = b.Concat(0, [classTokens[s], patches]);
            for (int i = 0; i < config.Depths[s]; i++)
                tokens[s] = SerialBlock(b, config, scales[s], tokens[s], $"serial_blocks{s + 1}.{i}", config.MlpRatios[s]);
            x = b.Permute(b.Reshape(TokenPool.WithoutPrefix(b, tokens[s], 1), [grid.H, grid.W, config.Channels[s]]), [2, 0, 1]);
        }
        for (int i = 0; i < config.ParallelDepth; i++)
            ParallelBlock(b, config, scales, tokens, $"parallel_blocks.{i}");

        Node[] features = config.ParallelDepth == 0 ? [s_norm(b, "norm4", tokens[3])] : [s_norm(b, "norm2", tokens[1]), s_norm(b, "norm3", tokens[2]), s_norm(b, "norm4", tokens[3])];
        Node pooled = b.Identity("head_drop", Pool(b, features, options.GlobalPool));
        Node logits = Classifier.Fc(b, "head", pooled, options.NumClasses);
        return new BackboneGraph
        {
            Graph = b.Build(logits),
            Features = features[^1],
            FeatureBranches = features.Length > 1 ? [.. features] : [],
            PreLogits = pooled,
            NumFeatures = config.Channels[3],
            HeadHiddenSize = config.Channels[3],
            Levels = [],
        };
    }

    /// <summary>The order of the keys, which is not that of the steps.</summary>
    private static void DeclareModules(GraphBuilder b, Config config)
    {
        foreach (string part in (string[])["patch_embed", "cpe", "crpe"])
        {
            for (int s = 1; s <= 4; s++)
                b.Declare($"{part}{s}");
        }
        for (int s = 1; s <= 4; s++)
        {
            for (int i = 0; i < config.Depths[s - 1]; i++)
            {
                using (b.Scope($"serial_blocks{s}.{i}"))
                    b.Declare("cpe", "norm1", "factoratt_crpe.qkv", "factoratt_crpe.proj", "factoratt_crpe.crpe", "norm2", "mlp");
            }
        }
        for (int i = 0; i < config.ParallelDepth; i++)
        {
            using (b.Scope($"parallel_blocks.{i}"))
            {
                b.Declare("norm12", "norm13", "norm14");
                for (int s = 2; s <= 4; s++)
                    b.Declare($"factoratt_crpe{s}.qkv", $"factoratt_crpe{s}.proj", $"factoratt_crpe{s}.crpe");
                b.Declare("norm22", "norm23", "norm24", "mlp2", "mlp3", "mlp4");
            }
        }
    }

    /// <summary>
    /// A scale and the two convolutional encodings that all its blocks share. A state_dict has an entry for each module that shares; they are the same tensor, and loading leaves the last.
    /// </summary>
    private sealed class Scale
    {
        private readonly string _number;
        private readonly (Node Weight, Node Bias) _position;
        private readonly (Node Weight, Node Bias)[] _relative;
        private int _relativeCalls;

        public Scale(GraphBuilder b, Config config, int scale)
        {
            _number = $"{scale + 1}";
            string[] serial = [.. Enumerable.Range(0, config.Depths[scale]).Select(i => $"serial_blocks{_number}.{i}")];
            string[] parallel = scale == 0 ? [] : [.. Enumerable.Range(0, config.ParallelDepth).Select(i => $"parallel_blocks.{i}.factoratt_crpe{_number}.crpe")];
            int width = config.Channels[scale], headWidth = Attention.HeadWidth(width, Heads);
            _position = SharedConv(b, [$"cpe{_number}.proj", .. serial.Select(block => $"{block}.cpe.proj")], width, 3);
            string[] relative = [$"crpe{_number}", .. serial.Select(block => $"{block}.factoratt_crpe.crpe"), .. parallel];
            _relative = [.. s_windows.Select((window, i) => SharedConv(b, [.. relative.Select(module => $"{module}.conv_list.{i}")], window.Heads * headWidth, window.Kernel))];
        }

        public Size2 Grid { get; set; }

        /// <summary>ConvPosEnc: a depthwise convolution over the patches of x <c>[1 + H·W, C]</c> is added to them.</summary>
        public Node AddPositions(GraphBuilder b, Node x)
        {
            using (b.Scope($"cpe{_number}"))
            {
                Node map = b.Reshape(b.Transpose(TokenPool.WithoutPrefix(b, x, 1), 0, 1), [x.Shape[1], Grid.H, Grid.W], "view");
                Node y = b.Add(b.Conv2d("proj", map, _position.Weight, _position.Bias, 1, 1, 1, x.Shape[1]), map);
                return b.Concat(0, [b.Slice(x, 0, 0, 1), b.Transpose(b.Flatten(y, 1), 0, 1)]);
            }
        }

        /// <summary>ConvRelPosEnc: the patches' queries times their values' surroundings, zeros for the class token: q, v <c>[heads, 1 + H·W, d]</c>.</summary>
        public Node RelativePositions(GraphBuilder b, Node q, Node v)
        {
            (int length, int headWidth) = (q.Shape[1] - 1, q.Shape[2]);
            // FX counts a product of sizes for each call among the names.
            string product = $"mul_{2 * _relativeCalls++ + 1}";
            using (b.Scope($"crpe{_number}"))
            {
                Node map = b.Reshape(b.Transpose(b.Slice(v, 1, 1, length), 1, 2), [Heads * headWidth, Grid.H, Grid.W]);
                var parts = new Node[s_windows.Length];
                int start = 0;
                foreach ((int i, (int kernel, int heads)) in s_windows.Index())
                {
                    int width = heads * headWidth;
                    parts[i] = b.Conv2d($"conv_list.{i}", b.Slice(map, 0, start, width), _relative[i].Weight, _relative[i].Bias, 1, kernel / 2, 1, width);
                    start += width;
                }
                Node surroundings = b.Transpose(b.Reshape(b.Concat(0, parts), [Heads, headWidth, length]), 1, 2);
                return b.Pad2d(b.Multiply(b.Slice(q, 1, 1, length), surroundings, product), new Padding(1, 0, 0, 0));
            }
        }

        private static (Node Weight, Node Bias) SharedConv(GraphBuilder b, string[] modules, int channels, int kernel)
            => (Shared(b, modules, "weight", [channels, 1, kernel, kernel]), Shared(b, modules, "bias", [channels]));
    }

    /// <summary>A tensor that several modules have: the entry of the last, the others are kept for their keys.</summary>
    private static Node Shared(GraphBuilder b, string[] modules, string name, Shape shape)
    {
        Node parameter;
        using (b.Scope(modules[^1]))
            parameter = b.Parameter(name, shape);
        foreach (string module in modules.AsSpan(..^1))
        {
            using (b.Scope(module))
                b.Tied(name, parameter);
        }
        return parameter;
    }

    private static Node SerialBlock(GraphBuilder b, Config config, Scale scale, Node x, string name, double mlpRatio)
    {
        x = scale.AddPositions(b, x);
        Node y = FactorizedAttention(b, config, scale, $"{name}.factoratt_crpe", s_norm(b, $"{name}.norm1", x));
        using (b.Scope(name))
        {
            x = b.Add(x, b.Identity("drop_path", y));
            y = Mlp.Build(b, "mlp", s_norm(b, "norm2", x), (int)(mlpRatio * x.Shape[1]), s_gelu);
            return b.Add(x, b.Identity("drop_path", y));
        }
    }

    /// <summary>q · (softmax(k)ᵀ · v): products between channels and none between tokens; and the relative positions.</summary>
    private static Node FactorizedAttention(GraphBuilder b, Config config, Scale scale, string name, Node x)
    {
        (int length, int width) = (x.Shape[0], x.Shape[1]);
        Node q, v, y;
        using (b.Scope(name))
        {
            Node qkv = b.Permute(b.Reshape(b.Linear("qkv", x, 3 * width, config.QkvBias), [length, 3, Heads, width / Heads]), [1, 2, 0, 3]);
            (q, v) = (Attention.Part(b, qkv, 0), Attention.Part(b, qkv, 2));
            y = b.MatMul(q, b.MatMul(b.Transpose(b.Softmax(Attention.Part(b, qkv, 1), 1), 1, 2), v));
        }
        Node positions = scale.RelativePositions(b, q, v);
        using (b.Scope(name))
        {
            y = b.Add(b.Affine(y, Attention.Scale(q)), positions);
            return b.Identity("proj_drop", b.Linear("proj", Attention.MergeHeads(b, y), width));
        }
    }

    /// <summary>Attention inside each of the last three scales, whose results are resized for and added to the others; then one perceptron for all.</summary>
    private static void ParallelBlock(GraphBuilder b, Config config, Scale[] scales, Node[] tokens, string name)
    {
        int width = config.Channels[1], hidden = (int)(config.MlpRatios[1] * width);
        (Node Weight, Node Bias) fc1 = SharedLinear("fc1", hidden, width), fc2 = SharedLinear("fc2", width, hidden);
        for (int s = 1; s < 4; s++)
            tokens[s] = scales[s].AddPositions(b, tokens[s]);
        Node[] normed = Normed("norm1");
        Node[] y = [.. Enumerable.Range(1, 3).Select(s => FactorizedAttention(b, config, scales[s], $"{name}.factoratt_crpe{s + 1}", normed[s - 1]))];
        using (b.Scope(name))
        {
            Node up32 = Resized(1, 0), up43 = Resized(2, 1), up42 = Resized(2, 0), down23 = Resized(0, 1), down34 = Resized(1, 2), down24 = Resized(0, 2);
            AddToTokens([b.Add(b.Add(y[0], up32), up42), b.Add(b.Add(y[1], up43), down23), b.Add(b.Add(y[2], down34), down24)]);
        }
        normed = Normed("norm2");
        using (b.Scope(name))
            AddToTokens([.. normed.Select(Perceptron)]);

        Node[] Normed(string norm) => [.. Enumerable.Range(1, 3).Select(s => s_norm(b, $"{name}.{norm}{s + 1}", tokens[s]))];

        Node Resized(int from, int to)
        {
            Size2 grid = scales[from + 1].Grid, target = scales[to + 1].Grid;
            Node map = b.Reshape(b.Transpose(TokenPool.WithoutPrefix(b, y[from], 1), 0, 1), [width, grid.H, grid.W]);
            map = b.Resize(map, target.H, target.W, ResizeMode.Bilinear);
            return b.Concat(0, [b.Slice(y[from], 0, 0, 1), b.Transpose(b.Reshape(map, [width, target.H * target.W]), 0, 1)]);
        }

        void AddToTokens(Node[] values)
        {
            for (int s = 1; s < 4; s++)
                tokens[s] = b.Add(tokens[s], b.Identity("drop_path", values[s - 1]));
        }

        Node Perceptron(Node x)
        {
            using (b.Scope("mlp2"))
            {
                x = b.Identity("drop1", s_gelu(b, "act", b.Module("fc1", new LinearOp(true), x, fc1.Weight, fc1.Bias)));
                return b.Identity("drop2", b.Module("fc2", new LinearOp(true), b.Identity("norm", x), fc2.Weight, fc2.Bias));
            }
        }

        (Node Weight, Node Bias) SharedLinear(string layer, int outFeatures, int inFeatures)
        {
            string[] modules = [.. Enumerable.Range(2, 3).Select(s => $"{name}.mlp{s}.{layer}")];
            return (Shared(b, modules, "weight", [outFeatures, inFeatures]), Shared(b, modules, "bias", [outFeatures]));
        }
    }

    /// <summary>The class token or the patches' mean, of several scales their learned sum.</summary>
    private static Node Pool(GraphBuilder b, Node[] features, string pool)
    {
        if (pool is not ("token" or "avg"))
            throw new GraphException($"CoaT has no pool type '{pool}'. Valid types are 'token' and 'avg'.");
        Node[] pooled = [.. features.Select(x => TokenPool.Pool(b, x, pool, prefixTokens: 1))];
        if (pooled is [Node only])
            return only;
        int width = pooled[0].Shape[0];
        Node stack = b.Concat(0, [.. pooled.Select(x => b.Reshape(x, [1, width]))], "stack");
        Node sum = b.Leaf("aggregate", () =>
        {
            Node weight = b.Parameter("weight", [1, pooled.Length, 1]), bias = b.Parameter("bias", [1]);
            return b.Transpose(b.Function("linear", new LinearOp(true), b.Transpose(stack, 0, 1), b.Reshape(weight, [1, pooled.Length]), bias), 0, 1);
        });
        return b.Reshape(sum, [width], "squeeze");
    }

    private static readonly NormLayer s_norm = Norms.LayerNorm();
    private static readonly ActLayer s_gelu = ActLayers.Torch(UnaryKind.Gelu);

    private static Config Lite(ImmutableArray<int> channels, ImmutableArray<int> depths) => new(channels, depths) { MlpRatios = [8, 8, 4, 4], ParallelDepth = 0 };

    /// <summary>The authors' files, which have norms that nothing uses.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        c.Drop(@"^norm1\.");
        if (config.ParallelDepth == 0)
            c.Drop(@"^norm[23]\.", @"^aggregate\.");
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["embed_dims"] = (c, v) => c with { Channels = v.PerStage(c.Channels.Length) },
        ["serial_depths"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["parallel_depth"] = (c, v) => c with { ParallelDepth = v.GetInt32() },
        ["mlp_ratios"] = (c, v) => c with { MlpRatios = v.RatioPerStage(c.MlpRatios.Length) },
        ["qkv_bias"] = (c, v) => c with { QkvBias = v.GetBoolean() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        Remap = Remap,
        GlobalPool = _ => "token",
        ["coat_tiny"] = new([152, 152, 152, 152], [2, 2, 2, 2]),
        ["coat_mini"] = new([152, 216, 216, 216], [2, 2, 2, 2]),
        ["coat_small"] = new([152, 320, 320, 320], [2, 2, 2, 2]),
        ["coat_lite_tiny"] = Lite([64, 128, 256, 320], [2, 2, 2, 2]),
        ["coat_lite_mini"] = Lite([64, 128, 320, 512], [2, 2, 2, 2]),
        ["coat_lite_small"] = Lite([64, 128, 320, 512], [3, 4, 6, 3]),
        ["coat_lite_medium"] = Lite([128, 256, 320, 512], [3, 6, 10, 8]) with { MlpRatios = [4, 4, 4, 4] },
        ["coat_lite_medium_384"] = Lite([128, 256, 320, 512], [3, 6, 10, 8]) with { MlpRatios = [4, 4, 4, 4] },
    };
}
