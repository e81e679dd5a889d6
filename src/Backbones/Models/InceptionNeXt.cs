using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// InceptionNeXt: ConvNeXt whose depthwise kernels are a square, two bands and nothing, each over a part of the channels.
/// timm: <c>inception_next.py</c>. Paper: InceptionNeXt, https://arxiv.org/abs/2303.16900
/// </summary>
internal static class InceptionNeXt
{
    private static readonly ActLayer s_act = ActLayers.Torch(UnaryKind.Gelu);

    /// <summary>What tells one variant from another: blocks and channels of the stages.</summary>
    internal sealed record Config(ImmutableArray<int> Depths, ImmutableArray<int> Widths)
    {
        public ImmutableArray<double> MlpRatios { get; init; } = [4, 4, 4, 3];

        /// <summary>Length of the bands.</summary>
        public int BandKernel { get; init; } = 11;

        /// <summary>Channels divided by those of each kernel.</summary>
        public int BranchDivisor { get; init; } = 8;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        var schedule = new StrideSchedule(options, stem: 4);
        Node x = b.BatchNorm("stem.1", b.Conv2d("stem.0", b.Input, config.Widths[0], 4, 4, bias: true));
        var levels = new List<FeatureLevel>();
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            int stride = schedule.Next(stage == 0 ? 1 : 2);
            using (b.Scope($"stages.{stage}"))
            {
                x = stage == 0 ? b.Identity("downsample", x) : Downsample(b, x, config.Widths[stage], stride, schedule.Dilation > 2 ? 2 : 1);
                for (int i = 0; i < config.Depths[stage]; i++)
                {
                    using (b.Scope($"blocks.{i}"))
                        x = Block(b, config, x, config.MlpRatios[stage], schedule.Dilation);
                }
            }
            levels.Add(new FeatureLevel(x.Shape[0], schedule.Reduction, $"stages.{stage}", x));
        }
        int hidden = 3 * x.Shape[0];
        return BackboneGraph.OfLevels(b, levels, x, Head(b, x, hidden, options.NumClasses, options.GlobalPool)) with { HeadHiddenSize = hidden };
    }

    /// <summary>A dilated 2×2 window is not padded: it makes the map smaller by as much as it spans.</summary>
    private static Node Downsample(GraphBuilder b, Node x, int width, int stride, int dilation)
    {
        using (b.Scope("downsample"))
            return b.Conv2d("1", b.BatchNorm("0", x), width, 2, stride, dilation: dilation, bias: true);
    }

    private static Node Block(GraphBuilder b, Config config, Node x, double mlpRatio, int dilation)
    {
        Node shortcut = x;
        int channels = x.Shape[0];
        x = b.BatchNorm("norm", InceptionDepthwise(b, config, x, dilation));
        using (b.Scope("mlp"))
        {
            x = b.Identity("norm", b.Conv2d("fc1", x, (int)(mlpRatio * channels), 1, bias: true));
            x = b.Conv2d("fc2", b.Identity("drop", s_act(b, "act", x)), channels, 1, bias: true);
        }
        x = b.Multiply(x, b.Reshape(b.Parameter("gamma", [channels]), [channels, 1, 1]));
        return b.Add(b.Identity("drop_path", x), shortcut);
    }

    private static Node InceptionDepthwise(GraphBuilder b, Config config, Node x, int dilation)
    {
        int branch = x.Shape[0] / config.BranchDivisor, start = x.Shape[0] - 3 * branch;
        using (b.Scope("token_mixer"))
        {
            return b.Concat(0,
            [
                b.Slice(x, 0, 0, start),
                Branch("dwconv_hw", 0, (3, 3)),
                Branch("dwconv_w", 1, (1, config.BandKernel)),
                Branch("dwconv_h", 2, (config.BandKernel, 1)),
            ]);
        }

        Node Branch(string name, int i, Size2 kernel) => b.Conv2d(name, b.Slice(x, 0, start + i * branch, branch), branch, kernel, padding: (dilation * (kernel.H / 2), dilation * (kernel.W / 2)),
            dilation: (kernel.H > 1 ? dilation : 1, kernel.W > 1 ? dilation : 1), groups: branch, bias: true);
    }

    private static (Node PreLogits, Node Logits) Head(GraphBuilder b, Node x, int hidden, int numClasses, string pool)
    {
        if (pool.Length == 0)
            throw new GraphException("This model's head cannot go without pooling, because linear layers follow it; take the unpooled features, or one of the pool types 'avg', 'max', 'avgmax' and 'catavgmax'.");
        using (b.Scope("head"))
        {
            x = b.Linear("fc1", GlobalPool.Pool(b, "global_pool", x, pool, flatten: true), hidden);
            x = b.Identity("drop", b.LayerNorm("norm", s_act(b, "act", x), 1e-6f));
            return (x, Classifier.Fc(b, "fc2", x, numClasses));
        }
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["depths"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["dims"] = (c, v) => c with { Widths = v.PerStage(c.Widths.Length) },
        ["mlp_ratios"] = (c, v) => c with { MlpRatios = v.RatioPerStage(c.MlpRatios.Length) },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        ["inception_next_atto"] = new([2, 2, 6, 2], [40, 80, 160, 320]) { BandKernel = 9, BranchDivisor = 4 },
        ["inception_next_tiny"] = new([3, 3, 9, 3], [96, 192, 384, 768]),
        ["inception_next_small"] = new([3, 3, 27, 3], [96, 192, 384, 768]),
        ["inception_next_base"] = new([3, 3, 27, 3], [128, 256, 512, 1024]),
    };
}
