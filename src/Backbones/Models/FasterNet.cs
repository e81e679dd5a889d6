using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// FasterNet: 3×3 convolutions over a quarter of the channels, the others pass by.
/// timm: <c>fasternet.py</c>. Paper: Run, Don't Walk, https://arxiv.org/abs/2303.03667
/// </summary>
internal static class FasterNet
{
    /// <summary>What tells one variant from another: channels of the first stage, which every further stage doubles, and blocks per stage.</summary>
    internal sealed record Config(int Width, ImmutableArray<int> Depths)
    {
        public UnaryKind Act { get; init; } = UnaryKind.Relu;

        public double MlpRatio { get; init; } = 2;

        /// <summary>Channels divided by those that are convolved.</summary>
        public int Divisor { get; init; } = 4;

        /// <summary>Channels of the head's convolution.</summary>
        public int HeadWidth { get; init; } = 1280;

        /// <summary>All blocks but the first drop paths in training, by a module that FX looks through.</summary>
        public bool DropPath { get; init; } = true;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x;
        using (b.Scope("patch_embed"))
            x = b.BatchNorm("norm", b.Conv2d("proj", b.Input, config.Width, 4, 4));
        var levels = new List<FeatureLevel>();
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            using (b.Scope($"stages.{stage}"))
            {
                b.Declare("blocks", "downsample");
                x = stage == 0 ? b.Identity("downsample", x) : PatchMerging(b, x);
                for (int i = 0; i < config.Depths[stage]; i++)
                {
                    using (b.Scope($"blocks.{i}"))
                        x = Block(b, config, x, named: !config.DropPath || (stage, i) == (0, 0));
                }
            }
            levels.Add(new FeatureLevel(x.Shape[0], 4 << stage, $"stages.{stage}", x));
        }
        (Node, Node) head = ClassifierHeads.PoolConvAct(b, x, options.NumClasses, options.GlobalPool, config.HeadWidth, ActLayers.Torch(config.Act), "act", bias: false);
        return BackboneGraph.OfLevels(b, levels, x, head) with { HeadHiddenSize = config.HeadWidth };
    }

    private static Node PatchMerging(GraphBuilder b, Node x)
    {
        using (b.Scope("downsample"))
            return b.BatchNorm("norm", b.Conv2d("reduction", x, 2 * x.Shape[0], 2, 2));
    }

    private static Node Block(GraphBuilder b, Config config, Node x, bool named)
    {
        Node shortcut = x;
        int channels = x.Shape[0];
        b.Declare("mlp", "spatial_mixing");
        x = PartialConv(b, config, x);
        using (b.Scope("mlp"))
        {
            x = b.BatchNorm("1", b.Conv2d("0", x, (int)(config.MlpRatio * channels), 1));
            x = b.Conv2d("3", b.Act("2", x, config.Act), channels, 1);
        }
        return b.Add(shortcut, named ? b.Identity("drop_path", x) : x);
    }

    private static Node PartialConv(GraphBuilder b, Config config, Node x)
    {
        int convolved = x.Shape[0] / config.Divisor;
        using (b.Scope("spatial_mixing"))
        {
            Node part = b.Conv2d("partial_conv3", b.Slice(x, 0, 0, convolved), convolved, 3, padding: 1);
            return convolved == x.Shape[0] ? part : b.Concat(0, [part, b.Slice(x, 0, convolved, x.Shape[0] - convolved)]);
        }
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["embed_dim"] = (c, v) => c with { Width = v.Number() },
        ["depths"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
        ["n_div"] = (c, v) => c with { Divisor = v.GetInt32() },
        ["feature_dim"] = (c, v) => c with { HeadWidth = v.GetInt32() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        ["fasternet_t0"] = new(40, [1, 2, 8, 2]) { Act = UnaryKind.Gelu, DropPath = false },
        ["fasternet_t1"] = new(64, [1, 2, 8, 2]) { Act = UnaryKind.Gelu },
        ["fasternet_t2"] = new(96, [1, 2, 8, 2]),
        ["fasternet_s"] = new(128, [1, 2, 13, 2]),
        ["fasternet_m"] = new(144, [3, 4, 18, 3]),
        ["fasternet_l"] = new(192, [3, 4, 18, 3]),
    };
}
