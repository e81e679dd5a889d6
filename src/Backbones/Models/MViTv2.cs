using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// MViTv2: attention whose queries, keys and values are pooled by depthwise convolutions, with a relative position bias that depends on the query, one part for rows and one for
/// columns.
/// timm: <c>mvitv2.py</c>. Paper: MViTv2: Improved Multiscale Vision Transformers, https://arxiv.org/abs/2112.01526
/// </summary>
internal static class MViTv2
{
    /// <summary>What tells one variant from another; heads and width are the first stage's and double with each.</summary>
    internal sealed record Config(ImmutableArray<int> Depths)
    {
        public int Width { get; init; } = 96;

        public int Heads { get; init; } = 1;

        public bool ClassToken { get; init; }

        /// <summary>A stage is as wide as it gets from its first attention on; otherwise its last perceptron leads to the next stage's width.</summary>
        public bool ExpandAttention { get; init; } = true;
    }

    /// <summary>What tells one block from another.</summary>
    /// <param name="Width">Channels of the attention.</param>
    /// <param name="OutWidth">Channels of the result.</param>
    /// <param name="Heads">Number of heads.</param>
    /// <param name="QueryStride">Stride of the queries' pooling, which is the block's.</param>
    /// <param name="KeyStride">Stride of keys and values.</param>
    private sealed record BlockArgs(int Width, int OutWidth, int Heads, int QueryStride, int KeyStride);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        if (config.ClassToken)
            GlobalPool.Require(options.GlobalPool, "token", "avg", "");
        else
            GlobalPool.Require(options.GlobalPool, "avg", "");
        if (b.Input.Shape[1] != b.Input.Shape[2])
            throw new GraphException($"MViTv2's position bias is for square images, not for {b.Input.Shape[1]}×{b.Input.Shape[2]}.");
        Node? classToken = config.ClassToken ? b.Reshape(b.Parameter("cls_token", [1, 1, config.Width]), [1, config.Width]) : null;
        Node x;
        Size2 grid;
        using (b.Scope("patch_embed"))
        {
            x = b.Conv2d("proj", b.Input, config.Width, 7, 4, 3, bias: true);
            grid = (x.Shape[1], x.Shape[2]);
            x = b.Transpose(b.Flatten(x, 1), 0, 1);
        }
        if (classToken is not null)
            x = b.Concat(0, [classToken, x]);

        int prefix = config.ClassToken ? 1 : 0, stages = config.Depths.Length;
        var levels = new List<FeatureLevel>();
        var intermediates = new List<IntermediateLevel>();
        var adapters = ImmutableDictionary.CreateBuilder<string, ParameterAdapter>();
        for (int stage = 0; stage < stages; stage++)
        {
            int width = config.Width << stage, keyStride = Math.Max(4 >> stage, 1);
            for (int i = 0; i < config.Depths[stage]; i++)
            {
                int outWidth = !config.ExpandAttention && i == config.Depths[stage] - 1 ? config.Width << Math.Min(stage + 1, stages - 1) : width;
                var args = new BlockArgs(width, outWidth, config.Heads << stage, stage > 0 && i == 0 ? 2 : 1, keyStride);
                using (b.Scope($"stages.{stage}.blocks.{i}"))
                {
                    (x, grid) = Block(b, args, x, grid, prefix);
                    adapters[$"{b.Path}.attn.rel_pos_h"] = adapters[$"{b.Path}.attn.rel_pos_w"] = DecomposedRelPos.Resized;
                }
            }
            levels.Add(new FeatureLevel(x.Shape[1], 4 << stage, $"block.{stage}", x));
            intermediates.Add(new IntermediateLevel(x, FeatureLayout.Nlc, grid, prefix));
        }

        Node features = Norms.LayerNorm()(b, "norm", x);
        intermediates[^1] = intermediates[^1] with { Norm = (_, _) => features };
        x = TokenPool.Pool(b, features, options.GlobalPool, prefix);
        Node logits;
        using (b.Scope("head"))
            logits = Classifier.Fc(b, "fc", b.Identity("drop", x), options.NumClasses);
        return BackboneGraph.OfLevels(b, levels, features, (x, logits)) with
        {
            NumFeatures = features.Shape[1],
            HeadHiddenSize = features.Shape[1],
            Intermediates = [.. intermediates],
            FeaturesFromIntermediates = true,
            Adapters = adapters.ToImmutable(),
        };
    }

    private static (Node Tokens, Size2 Grid) Block(GraphBuilder b, BlockArgs args, Node x, Size2 grid, int prefix)
    {
        Node normed = Norms.LayerNorm()(b, "norm1", x), shortcut = x;
        if (x.Shape[1] != args.Width)
            shortcut = b.Linear("shortcut_proj_attn", normed, args.Width);
        if (args.QueryStride > 1)
            shortcut = PoolShortcut(b, shortcut, grid, prefix, args.QueryStride);
        (Node y, grid) = Attend(b, args, normed, grid, prefix);
        x = b.Add(shortcut, b.Identity("drop_path1", y));
        normed = Norms.LayerNorm()(b, "norm2", x);
        shortcut = args.Width == args.OutWidth ? x : b.Linear("shortcut_proj_mlp", normed, args.OutWidth);
        y = Mlp.Build(b, "mlp", normed, 4 * args.Width, ActLayers.Torch(UnaryKind.Gelu), outFeatures: args.OutWidth);
        return (b.Add(shortcut, b.Identity("drop_path2", y)), grid);
    }

    private static Node PoolShortcut(GraphBuilder b, Node x, Size2 grid, int prefix, int stride)
    {
        Node? classToken = prefix > 0 ? b.Slice(x, 0, 0, prefix) : null;
        x = prefix > 0 ? b.Slice(x, 0, prefix, grid.H * grid.W) : x;
        x = b.Permute(b.Reshape(x, [grid.H, grid.W, x.Shape[1]]), [2, 0, 1]);
        x = b.MaxPool2d("shortcut_pool_attn", x, stride + 1, stride, (stride + 1) / 2);
        x = b.Transpose(b.Reshape(x, [x.Shape[0], x.Shape[1] * x.Shape[2]]), 0, 1);
        return classToken is null ? x : b.Concat(0, [classToken, x]);
    }

    private static (Node Tokens, Size2 Grid) Attend(GraphBuilder b, BlockArgs args, Node x, Size2 grid, int prefix)
    {
        (int length, int depth) = (x.Shape[0], Attention.HeadWidth(args.Width, args.Heads));
        using (b.Scope("attn"))
        {
            b.Declare("qkv", "proj");
            Node qkv = b.Permute(b.Reshape(b.Linear("qkv", x, 3 * args.Width), [length, 3, args.Heads, depth]), [1, 2, 0, 3]);
            (Node q, Size2 queries) = Pool(b, "q", Attention.Part(b, qkv, 0), grid, prefix, args.QueryStride);
            (Node k, Size2 keys) = Pool(b, "k", Attention.Part(b, qkv, 1), grid, prefix, args.KeyStride);
            (Node v, _) = Pool(b, "v", Attention.Part(b, qkv, 2), grid, prefix, args.KeyStride);

            int positions = 2 * Math.Max(grid.H / args.QueryStride, grid.H / args.KeyStride) - 1;
            Node terms = PositionTerms(b, q, queries, keys, prefix, b.Parameter("rel_pos_h", [positions, depth]), b.Parameter("rel_pos_w", [positions, depth]));
            Node places = Places(b, keys, prefix), scaled = b.Affine(q, Attention.Scale(q));
            Node scores = b.MatMul(scaled, b.Transpose(k, -2, -1));
            b.Softmax(b.Add(scores, b.MatMul(terms, places, transposeB: true, target: "#rel_pos"), "cal_rel_pos_type"), -1);
            // The terms as further channels of the queries, which meet a 1 in the channels of the key's row and column: no map of biases for all pairs.
            Node attended = b.Leaf("matmul_1", () =>
                b.Attention(b.Concat(2, [scaled, terms]), b.Concat(2, [k, b.Expand(places, [args.Heads, .. places.Shape])]), v, scale: 1));
            // The pooled queries are a shortcut of their own.
            return (b.Linear("proj", Attention.MergeHeads(b, b.Add(attended, q)), args.Width), queries);
        }
    }

    /// <summary>Pools the patches of <c>[heads, P + H · W, d]</c> by a convolution that all heads share.</summary>
    private static (Node Tokens, Size2 Grid) Pool(GraphBuilder b, string name, Node x, Size2 grid, int prefix, int stride)
    {
        (int heads, int depth) = (x.Shape[0], x.Shape[2]);
        Node map = b.Leaf("reshape_pre_pool", () =>
            b.Reshape(b.Transpose(prefix > 0 ? b.Slice(x, 1, prefix, grid.H * grid.W) : x, 1, 2), [heads * depth, grid.H, grid.W]));
        Node weight;
        using (b.Scope($"pool_{name}"))
            weight = b.Parameter("weight", [depth, 1, 3, 3]);
        Node shared = heads == 1 ? weight : b.Reshape(b.Expand(weight, [heads, depth, 1, 3, 3]), [heads * depth, 1, 3, 3]);
        map = b.Conv2d($"pool_{name}", map, shared, null, stride, 1, 1, heads * depth);
        Size2 pooled = (map.Shape[1], map.Shape[2]);
        Node tokens = b.Leaf("reshape_post_pool", () =>
        {
            Node patches = b.Transpose(b.Reshape(map, [heads, depth, pooled.H * pooled.W]), 1, 2);
            return prefix > 0 ? b.Concat(1, [b.Slice(x, 1, 0, prefix), patches]) : patches;
        });
        return (Norms.LayerNorm()(b, $"norm_{name}", tokens), pooled);
    }

    /// <summary>
    /// The parts of timm's <c>cal_rel_pos_type</c>: for every query its product with the vector of the distance to each row of the keys, then to each column,
    /// <c>[heads, Lq, h + w]</c>; zeros for the class token.
    /// </summary>
    private static Node PositionTerms(GraphBuilder b, Node q, Size2 queries, Size2 keys, int prefix, Node rowTable, Node columnTable)
    {
        (int heads, int length, int depth) = (q.Shape[0], queries.H * queries.W, q.Shape[2]);
        Node patches = prefix > 0 ? b.Slice(q, 1, prefix, length, target: "#patches") : q;
        patches = b.Reshape(patches, [heads, queries.H, queries.W, depth], "#grid");
        Node rows = b.MatMul(patches, Distances(rowTable, queries.H, keys.H), transposeB: true, target: "#rel_h");
        Node columns = b.MatMul(b.Transpose(patches, 1, 2, "#columns"), Distances(columnTable, queries.W, keys.W), transposeB: true, target: "#rel_w");
        Node terms = b.Concat(2, [b.Reshape(rows, [heads, length, keys.H], "#rel_h"), b.Reshape(b.Transpose(columns, 1, 2, "#rel_w"), [heads, length, keys.W], "#rel_w")], "#terms");
        Shape prefixTerms = [heads, prefix, keys.H + keys.W];
        return prefix > 0 ? b.Concat(1, [b.Constant(prefixTerms, new float[prefixTerms.Length]), terms], "#terms") : terms;

        // [queries, keys, d]; where there are fewer of the one than of the other they lie farther apart.
        Node Distances(Node table, int queryCount, int keyCount)
        {
            double queryStep = Math.Max((double)keyCount / queryCount, 1), keyStep = Math.Max((double)queryCount / keyCount, 1);
            int[] index = [.. Enumerable.Range(0, PositionTable.Length(queryCount, keyCount)).Select(i => (int)(i / keyCount * queryStep - i % keyCount * keyStep + (keyCount - 1) * keyStep))];
            return b.Reshape(b.Gather(table, 0, index), [queryCount, keyCount, depth]);
        }
    }

    /// <summary>For each key a 1 in the channel of its row and one in that of its column, <c>[Lk, h + w]</c>; none for the class token.</summary>
    private static Node Places(GraphBuilder b, Size2 keys, int prefix)
    {
        (int length, int channels) = (keys.H * keys.W, keys.H + keys.W);
        var values = new float[PositionTable.Length(prefix + length, channels)];
        for (int i = 0; i < length; i++)
            values[(prefix + i) * channels + i / keys.W] = values[(prefix + i) * channels + keys.H + i % keys.W] = 1;
        return b.Constant([prefix + length, channels], values, "places");
    }

    /// <summary>The authors' files: blocks are numbered through all stages.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        c.RenameMatches(@"^blocks\.(\d+)\.(proj\.)?", m =>
        {
            (int stage, int block) = (0, Checkpoint.Number(m.Groups[1]));
            while (stage < config.Depths.Length - 1 && block >= config.Depths[stage])
                block -= config.Depths[stage++];
            string projection = config.ExpandAttention ? "shortcut_proj_attn." : "shortcut_proj_mlp.";
            return $"stages.{stage}.blocks.{block}.{(m.Groups[2].Success ? projection : "")}";
        });
        c.RenameMatches((@"^head\.projection\.", "head.fc."));
    }

    public static ModelFamily<Config> Models => new(Build)
    {
        Remap = Remap,
        GlobalPool = config => config.ClassToken ? "token" : "avg",
        ["mvitv2_tiny"] = new([1, 2, 5, 2]),
        ["mvitv2_small"] = new([1, 2, 11, 2]),
        ["mvitv2_base"] = new([2, 3, 16, 3]),
        ["mvitv2_large"] = new([2, 6, 36, 4]) { Width = 144, Heads = 2, ExpandAttention = false },
        ["mvitv2_small_cls"] = new([1, 2, 11, 2]) { ClassToken = true },
        ["mvitv2_base_cls"] = new([2, 3, 16, 3]) { ClassToken = true },
        ["mvitv2_large_cls"] = new([2, 6, 36, 4]) { Width = 144, Heads = 2, ClassToken = true },
        ["mvitv2_huge_cls"] = new([4, 8, 60, 8]) { Width = 192, Heads = 3, ClassToken = true },
    };
}
