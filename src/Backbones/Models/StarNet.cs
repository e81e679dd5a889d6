using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// StarNet: blocks that multiply two linear maps of the same pixels (the star operation).
/// timm: <c>starnet.py</c>. Paper: Rewrite the Stars, https://arxiv.org/abs/2403.19967
/// </summary>
internal static class StarNet
{
    /// <summary>What tells one variant from another: channels of the first stage, which every further stage doubles, and blocks per stage.</summary>
    internal sealed record Config(int Width, ImmutableArray<int> Depths)
    {
        /// <summary>Width inside a block, relative to its input.</summary>
        public int MlpRatio { get; init; } = 4;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x = ConvBn(b, "stem.0", b.Input, 32, 3, stride: 2);
        x = b.Act("stem.1", x, UnaryKind.Relu6);
        var levels = new List<FeatureLevel>();
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            using (b.Scope($"stages.{stage}"))
            {
                x = ConvBn(b, "0", x, config.Width << stage, 3, stride: 2);
                for (int i = 0; i < config.Depths[stage]; i++)
                {
                    using (b.Scope($"{i + 1}"))
                        x = Block(b, x, config.MlpRatio);
                }
            }
            levels.Add(new FeatureLevel(x.Shape[0], 4 << stage, $"stages.{stage}", x));
        }

        Node last = x, features = b.BatchNorm("norm", x);
        return BackboneGraph.OfLevels(b, levels, features, ClassifierHeads.PoolLinear(b, features, options.NumClasses, options.GlobalPool, "head")) with
        {
            // The norm fits the last stage alone.
            Intermediates = [.. levels.Select(l => new IntermediateLevel(l.Node, Norm: l.Node == last ? (_, _) => features : null))],
        };
    }

    private static Node Block(GraphBuilder b, Node x, int mlpRatio)
    {
        Node shortcut = x;
        int channels = x.Shape[0];
        x = ConvBn(b, "dwconv", x, channels, 7, groups: channels);
        Node gate = ConvBn(b, "f1", x, mlpRatio * channels, 1, norm: false), value = ConvBn(b, "f2", x, mlpRatio * channels, 1, norm: false);
        x = b.Multiply(b.Act("act", gate, UnaryKind.Relu6), value);
        x = ConvBn(b, "g", x, channels, 1);
        x = ConvBn(b, "dwconv2", x, channels, 7, groups: channels, norm: false);
        return b.Add(shortcut, b.Identity("drop_path", x));
    }

    private static Node ConvBn(GraphBuilder b, string name, Node x, int channels, int kernel, int stride = 1, int groups = 1, bool norm = true)
    {
        using (b.Scope(name))
        {
            x = b.Conv2d("conv", x, channels, kernel, stride, kernel / 2, groups: groups, bias: true);
            return norm ? b.BatchNorm("bn", x) : x;
        }
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["base_dim"] = (c, v) => c with { Width = v.GetInt32() },
        ["depths"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.Number() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        ["starnet_s1"] = new(24, [2, 2, 8, 3]),
        ["starnet_s2"] = new(32, [1, 2, 6, 2]),
        ["starnet_s3"] = new(32, [2, 2, 8, 4]),
        ["starnet_s4"] = new(32, [3, 3, 12, 5]),
        ["starnet_s050"] = new(16, [1, 1, 3, 1]) { MlpRatio = 3 },
        ["starnet_s100"] = new(20, [1, 2, 4, 1]),
        ["starnet_s150"] = new(24, [1, 2, 4, 2]) { MlpRatio = 3 },
    };
}
