using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// NaFlexViT: vision transformers for images of any size and shape. A table of positions on a grid of 16×16 is stretched to the patches of the image.
/// timm: <c>naflexconfig.py</c>. Papers: Patch n' Pack: NaViT, https://arxiv.org/abs/2307.06304; FlexiViT, https://arxiv.org/abs/2212.08013; SigLIP 2, https://arxiv.org/abs/2502.14786
/// </summary>
internal static class NaFlexVit
{
    /// <summary>Rows and columns of the tables of positions.</summary>
    private const int TableSize = 16;

    private static readonly string[] s_pools = ["", "avg", "avgmax", "max", "map"];

    internal sealed record Config(int PatchSize, int Width, int Depth, int Heads, double MlpRatio = 4) : VisionTransformer.Config(PatchSize, Width, Depth, Heads, MlpRatio)
    {
        /// <summary>One table for rows and one for columns, which are added.</summary>
        public bool Factorized { get; init; }

        /// <summary>The table is stretched to a square around the image's grid.</summary>
        public bool PreservesAspect { get; init; }
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Size2 grid = Grid(b.Input, config.PatchSize);
        Node x = b.Identity("norm_pre", b.Leaf("embeds", () => Embed(b, config, grid)));
        var blocks = new List<Node>();
        for (int i = 0; i < config.Depth; i++)
        {
            using (b.Scope($"blocks.{i}"))
                x = config.Block(b, config, x, i);
            blocks.Add(x);
        }

        // Where it is open whether the last norm stands behind the pooling there is one before it, and where the patches are pooled another behind.
        NormLayer? norm = config.FcNorm == true ? null : config.Norm;
        Node features = Norms.OrIdentity(norm)(b, "norm", x);
        Node pooled = Pool(b, config, features, options);
        bool fcNorm = config.FcNorm ?? options.CreatedPool == "avg";
        pooled = b.Identity("head_drop", Norms.OrIdentity(fcNorm ? config.Norm : null)(b, "fc_norm", pooled));
        return BackboneGraph.OfBlocks(b, blocks, config.PatchSize, grid, config.RegTokens, features, norm, (pooled, Classifier.Fc(b, "head", pooled, options.NumClasses))) with
        {
            Adapters = ImmutableDictionary<string, ParameterAdapter>.Empty.Add("embeds.proj.weight", ParameterAdapters.InputPatches(b.Input.Shape[0], config.PatchSize, channelsLast: true)),
        };
    }

    private static Size2 Grid(Node image, int patch)
    {
        (int height, int width) = (image.Shape[1], image.Shape[2]);
        if (height % patch != 0 || width % patch != 0)
            throw new GraphException($"An image of {height}×{width} does not divide into patches of {patch}; the nearest that does is {Nearest(height)}×{Nearest(width)}.");
        return (height / patch, width / patch);

        int Nearest(int size) => Math.Max(patch, (size + patch / 2) / patch * patch);
    }

    /// <summary>Patches with their positions, behind register tokens: <c>[P + H·W, C]</c>.</summary>
    private static Node Embed(GraphBuilder b, Config config, Size2 grid)
    {
        (int patch, int width, int channels, int registers) = (config.PatchSize, config.Width, b.Input.Shape[0], config.RegTokens);
        Node? tokens = registers > 0 ? b.Reshape(b.Parameter("reg_token", [1, registers, width]), [registers, width]) : null;
        Node positions = config.Factorized ? Factorized(b, config, grid) : Learned(b, config, grid);
        // A linear layer over the pixels of a patch, their colours innermost, is a convolution.
        Node weight, bias;
        using (b.Scope("proj"))
            (weight, bias) = (b.Parameter("weight", [width, patch * patch * channels]), b.Parameter("bias", [width]));
        Node kernel = b.Permute(b.Reshape(weight, [width, patch, patch, channels]), [0, 3, 1, 2]);
        Node map = b.Conv2d("proj", b.Input, kernel, bias, patch, 0, 1);
        Node x = b.Add(b.Transpose(b.Flatten(map, 1), 0, 1), positions);
        return tokens is null ? x : b.Concat(0, [tokens, x]);
    }

    private static Node Learned(GraphBuilder b, Config config, Size2 grid)
    {
        int width = config.Width;
        Node table = b.Parameter("pos_embed", [1, TableSize, TableSize, width]), map = b.Permute(b.Reshape(table, [TableSize, TableSize, width]), [2, 0, 1]);
        if (grid != TableSize)
        {
            Size2 size = Stretched(config, grid);
            map = b.Resize(map, size.H, size.W, ResizeMode.Bicubic, antialias: true);
            map = b.Slice(b.Slice(map, 1, 0, grid.H), 2, 0, grid.W);
        }
        return b.Transpose(b.Reshape(map, [width, grid.H * grid.W]), 0, 1);
    }

    private static Node Factorized(GraphBuilder b, Config config, Size2 grid)
    {
        int width = config.Width;
        Size2 size = Stretched(config, grid);
        Node rows = Line("pos_embed_y", size.H, grid.H), columns = Line("pos_embed_x", size.W, grid.W);
        Node sums = b.Add(b.Reshape(rows, [width, grid.H, 1]), b.Reshape(columns, [width, 1, grid.W]));
        return b.Transpose(b.Reshape(sums, [width, grid.H * grid.W]), 0, 1);

        // [C, 1, length]
        Node Line(string name, int stretched, int length)
        {
            Node line = b.Reshape(b.Transpose(b.Reshape(b.Parameter(name, [1, TableSize, width]), [TableSize, width]), 0, 1), [width, 1, TableSize]);
            if (stretched != TableSize)
                line = b.Resize(line, 1, stretched, ResizeMode.Bilinear);
            return b.Slice(line, 2, 0, length);
        }
    }

    private static Size2 Stretched(Config config, Size2 grid) => config.PreservesAspect ? Math.Max(grid.H, grid.W) : grid;

    private static Node Pool(GraphBuilder b, Config config, Node x, ModelOptions options)
    {
        (string pool, int prefix) = (options.GlobalPool, config.RegTokens);
        if (!s_pools.Contains(pool))
            throw new GraphException($"NaFlexViT has no pool type '{pool}'. Valid types are {string.Join(", ", s_pools.Select(n => $"'{n}'"))}.{NearestName.Suggest(pool, s_pools)}");
        if (pool != "map")
            return TokenPool.Pool(b, x, pool, prefix);
        if (options.CreatedPool != "map")
            throw new GraphException("Attention pooling 'map' has layers that this model was not made with; make the model with it, or pool with one of '', 'avg', 'avgmax' and 'max'.");
        return AttentionPool.Latent(b, "attn_pool", TokenPool.WithoutPrefix(b, x, prefix), config.Heads, config.MlpHidden, config.Norm, config.Act);
    }

    /// <summary>Files of a plain vision transformer.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        Node positions = c.Pop("pos_embed");
        int count = positions.Shape[1], classTokens = c.Has("cls_token") ? 1 : 0, registers = c.Has("reg_token") ? c["reg_token"].Shape[1] : 0;
        int side = (int)Math.Sqrt(count);
        if (side * side != count)
        {
            // Positions of class and register tokens too, which take theirs up.
            if (classTokens > 0)
                c["cls_token"] = c.Ops.Add(c["cls_token"], c.Ops.Slice(positions, 1, 0, 1));
            if (registers > 0)
                c["reg_token"] = c.Ops.Add(c["reg_token"], c.Ops.Slice(positions, 1, classTokens, registers));
            count -= classTokens + registers;
            side = (int)Math.Sqrt(count);
            positions = c.Ops.Slice(positions, 1, classTokens + registers, count);
        }
        c["pos_embed"] = c.Ops.Reshape(positions, [1, side, side, positions.Shape[2]]);
        c.Change(@"^patch_embed\.proj\.weight$", w => c.Ops.Flatten(c.Ops.Permute(w, [0, 2, 3, 1]), 1));
        c.RenameMatches(("^(cls_token|reg_token|pos_embed)$", "embeds.$1"), (@"^patch_embed\.", "embeds."));
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["patch_size"] = (c, v) => c with { PatchSize = v.GetInt32() },
        ["embed_dim"] = (c, v) => c with { Width = v.Number() },
        ["depth"] = (c, v) => c with { Depth = v.Number() },
        ["num_heads"] = (c, v) => c with { Heads = v.Number() },
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
        ["qkv_bias"] = (c, v) => c with { QkvBias = v.GetBoolean() },
        ["qk_norm"] = (c, v) => c with { QkNorm = v.GetBoolean() },
        ["proj_bias"] = (c, v) => c with { ProjBias = v.GetBoolean() },
        ["init_values"] = (c, v) => c with { LayerScale = v.GetDouble() != 0 },
        ["reg_tokens"] = (c, v) => c with { RegTokens = v.GetInt32() },
        ["fc_norm"] = (c, v) => c with { FcNorm = v.GetBoolean() },
        ["act_layer"] = (c, v) => c with { Act = ActLayers.Timm(v.Activation()) },
        ["norm_layer"] = (c, v) => c with { Norm = v.TokenNorm() },
        ["pos_embed"] = (c, v) => c with { Factorized = v.OneOf(("learned", false), ("factorized", true)) },
        ["pos_embed_ar_preserving"] = (c, v) => c with { PreservesAspect = v.GetBoolean() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        GlobalPool = config => config.GlobalPool,
        Remap = Remap,
        Arguments = Arguments,
        ["naflexvit_base_patch16_gap"] = Gap(Base with { LayerScale = true, RegTokens = 4 }),
        ["naflexvit_base_patch16_par_gap"] = Gap(Base with { LayerScale = true, RegTokens = 4, PreservesAspect = true }),
        ["naflexvit_base_patch16_parfac_gap"] = Gap(Base with { LayerScale = true, RegTokens = 4, PreservesAspect = true, Factorized = true }),
        ["naflexvit_base_patch16_map"] = Map(Base with { LayerScale = true, RegTokens = 1 }),
        ["naflexvit_so150m2_patch16_reg1_gap"] = Gap(So150m2),
        ["naflexvit_so150m2_patch16_reg1_map"] = Map(So150m2),
        ["naflexvit_base_patch16_siglip"] = Map(Base with { Act = ActLayers.Timm(UnaryKind.GeluTanh) }),
        ["naflexvit_so400m_patch16_siglip"] = Map(new(16, 1152, 27, 16, 3.7362) { Act = ActLayers.Timm(UnaryKind.GeluTanh) }),
    };

    private static Config Base => new(16, 768, 12, 12);

    private static Config So150m2 => new(16, 832, 21, 13, 34.0 / 13) { QkvBias = false, LayerScale = true, RegTokens = 1 };

    private static Config Gap(Config size) => size with { GlobalPool = "avg", FcNorm = true };

    private static Config Map(Config size) => size with { GlobalPool = "map" };
}
