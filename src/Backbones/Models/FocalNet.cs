using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// FocalNet: in place of attention, depthwise convolutions gather contexts of growing size, which gates weigh and a product brings to each pixel.
/// timm: <c>focalnet.py</c>. Paper: Focal Modulation Networks, https://arxiv.org/abs/2203.11926
/// </summary>
internal static class FocalNet
{
    /// <summary>What tells one variant from another; the width is the first stage's and doubles with each.</summary>
    internal sealed record Config(int Width, ImmutableArray<int> Depths)
    {
        /// <summary>How many contexts there are beside the global one, stage by stage.</summary>
        public ImmutableArray<int> FocalLevels { get; init; } = [2, 2, 2, 2];

        /// <summary>Kernel of the first context; each further one is 2 larger.</summary>
        public ImmutableArray<int> FocalWindows { get; init; } = [3, 3, 3, 3];

        public double MlpRatio { get; init; } = 4;

        /// <summary>Overlapping convolutions between stages.</summary>
        public bool OverlapDown { get; init; }

        /// <summary>Norms behind modulation and perceptron in place of those before.</summary>
        public bool PostNorm { get; init; }

        public bool LayerScale { get; init; }

        /// <summary>The sum of contexts is divided by their number.</summary>
        public bool MeanOfContexts { get; init; }

        /// <summary>A norm inside the modulation.</summary>
        public bool NormInModulation { get; init; }
    }

    private static readonly NormLayer s_norm = Norms.LayerNorm2d(1e-5f);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x = Downsample(b, config, "stem", b.Input, config.Width, 4);
        var levels = new List<FeatureLevel>();
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            using (b.Scope($"layers.{stage}"))
            {
                x = stage > 0 ? Downsample(b, config, "downsample", x, config.Width << stage, 2) : b.Identity("downsample", x);
                for (int i = 0; i < config.Depths[stage]; i++)
                {
                    using (b.Scope($"blocks.{i}"))
                        x = Block(b, config, x, stage, hasDropPath: stage == 0 && i == 0);
                }
            }
            levels.Add(new FeatureLevel(x.Shape[0], 4 << stage, $"layers.{stage}", x));
        }
        Node features = s_norm(b, "norm", x);
        return BackboneGraph.OfLevels(b, levels, features, ClassifierHeads.Pool(b, features, options.NumClasses, options.GlobalPool)) with
        {
            // The norm fits the last stage alone.
            Intermediates = [.. levels.Select(l => new IntermediateLevel(l.Node, Norm: l.Node == x ? (_, _) => features : null))],
        };
    }

    private static Node Downsample(GraphBuilder b, Config config, string name, Node x, int channels, int stride)
    {
        (int kernel, int padding) = !config.OverlapDown ? (stride, 0) : stride == 4 ? (7, 2) : (3, 1);
        using (b.Scope(name))
            return s_norm(b, "norm", b.Conv2d("proj", x, channels, kernel, stride, padding, bias: true));
    }

    private static Node Block(GraphBuilder b, Config config, Node x, int stage, bool hasDropPath)
    {
        NormLayer before = Norms.OrIdentity(config.PostNorm ? null : s_norm), after = Norms.OrIdentity(config.PostNorm ? s_norm : null);
        Node y = after(b, "norm1_post", Modulation(b, config, before(b, "norm1", x), stage));
        x = b.Add(x, Branch("ls1", "drop_path1", y));
        y = Mlp.Build(b, "mlp", before(b, "norm2", x), (int)(config.MlpRatio * x.Shape[0]), ActLayers.Torch(UnaryKind.Gelu), useConv: true);
        return b.Add(x, Branch("ls2", "drop_path2", after(b, "norm2_post", y)));

        Node Branch(string scale, string dropPath, Node branch)
        {
            branch = LayerScale.Build2d(b, scale, branch, config.LayerScale);
            // timm's drop path is a module (an identity) where its rate is 0: in the first block.
            return hasDropPath ? b.Identity(dropPath, branch) : branch;
        }
    }

    private static Node Modulation(GraphBuilder b, Config config, Node x, int stage)
    {
        (int channels, int levels) = (x.Shape[0], config.FocalLevels[stage]);
        using (b.Scope("modulation"))
        {
            b.Declare("f", "h", "proj", "focal_layers");
            x = b.Conv2d("f", x, 2 * channels + levels + 1, 1, bias: true);
            Node query = b.Slice(x, 0, 0, channels), context = b.Slice(x, 0, channels, channels), sum = query;
            Node Gate(int level) => b.Slice(x, 0, 2 * channels + level, 1);
            for (int level = 0; level < levels; level++)
            {
                int kernel = config.FocalWindows[stage] + 2 * level;
                context = b.Conv2d($"focal_layers.{level}.0", context, channels, kernel, padding: kernel / 2, groups: channels);
                context = b.Act($"focal_layers.{level}.1", context, UnaryKind.Gelu);
                Node gated = b.Multiply(context, Gate(level));
                sum = level == 0 ? b.Identity("add", gated) : b.Add(sum, gated);
            }
            Node global = b.Act("act", b.Reduce(context, ReduceKind.Mean, [1, 2], keepDims: true), UnaryKind.Gelu);
            sum = b.Add(sum, b.Multiply(global, Gate(levels)));
            if (config.MeanOfContexts)
                sum = b.Affine(sum, 1f / (levels + 1), target: "truediv");
            x = b.Multiply(query, b.Conv2d("h", sum, channels, 1, bias: true));
            x = Norms.OrIdentity(config.NormInModulation ? s_norm : null)(b, "norm", x);
            return b.Identity("proj_drop", b.Conv2d("proj", x, channels, 1, bias: true));
        }
    }

    /// <summary>The authors' files: a stage's downsampling stands at the end of the one before, norms behind a branch are called as those before.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        if (c.Has("stem.proj.weight"))
            return;
        c.RenameMatches((@"\.gamma_(\d)$", ".ls$1.gamma"), (@"^patch_embed\.", "stem."));
        c.RenameMatches(@"^layers\.(\d+)\.downsample\.", m => $"layers.{Checkpoint.Number(m.Groups[1]) + 1}.downsample.");
        c.RenameMatches(@"^.*\.norm\d\.\w+$", m => c.ModelShape(m.Value) is null ? m.Value.Insert(m.Value.LastIndexOf('.'), "_post") : m.Value);
        c.RenameMatches((@"\.ln\.", ".norm."), (@"^head\.", "head.fc."));
        c.TakeModelShapes();
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
        ["focal_levels"] = (c, v) => c with { FocalLevels = v.PerStage(c.FocalLevels.Length) },
        ["focal_windows"] = (c, v) => c with { FocalWindows = v.OddKernels(c.FocalWindows.Length) },
        ["use_overlap_down"] = (c, v) => c with { OverlapDown = v.GetBoolean() },
        ["use_post_norm"] = (c, v) => c with { PostNorm = v.GetBoolean() },
        ["use_post_norm_in_modulation"] = (c, v) => c with { NormInModulation = v.GetBoolean() },
        ["normalize_modulator"] = (c, v) => c with { MeanOfContexts = v.GetBoolean() },
        ["layerscale_value"] = (c, _) => c with { LayerScale = true },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        Remap = Remap,
        ["focalnet_tiny_srf"] = new(96, [2, 2, 6, 2]),
        ["focalnet_small_srf"] = new(96, [2, 2, 18, 2]),
        ["focalnet_base_srf"] = new(128, [2, 2, 18, 2]),
        ["focalnet_tiny_lrf"] = new(96, [2, 2, 6, 2]) { FocalLevels = [3, 3, 3, 3] },
        ["focalnet_small_lrf"] = new(96, [2, 2, 18, 2]) { FocalLevels = [3, 3, 3, 3] },
        ["focalnet_base_lrf"] = new(128, [2, 2, 18, 2]) { FocalLevels = [3, 3, 3, 3] },
        ["focalnet_large_fl3"] = Large(192, 3) with { FocalWindows = [5, 5, 5, 5] },
        ["focalnet_large_fl4"] = Large(192, 4),
        ["focalnet_xlarge_fl3"] = Large(256, 3) with { FocalWindows = [5, 5, 5, 5] },
        ["focalnet_xlarge_fl4"] = Large(256, 4),
        ["focalnet_huge_fl3"] = Large(352, 3) with { NormInModulation = true },
        ["focalnet_huge_fl4"] = Large(352, 4) with { NormInModulation = true },
    };

    private static Config Large(int width, int levels) => new(width, [2, 2, 18, 2]) { FocalLevels = [levels, levels, levels, levels], OverlapDown = true, PostNorm = true, LayerScale = true };
}
