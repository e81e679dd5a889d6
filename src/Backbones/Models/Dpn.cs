using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// Dual path networks: every block has a part that is added, as in ResNet, and a part that is appended, as in DenseNet.
/// timm: <c>dpn.py</c>. Paper: Dual Path Networks, https://arxiv.org/abs/1707.01629
/// </summary>
internal static class Dpn
{
    private static readonly NormActLayer s_norm = NormActs.BatchNormWith(1e-3f);

    /// <summary>What tells one variant from another.</summary>
    /// <param name="Layers">Blocks of each stage.</param>
    /// <param name="Increments">Channels that each block of a stage appends.</param>
    /// <param name="StemChannels">Channels of the first convolution.</param>
    /// <param name="BaseWidth">Width of the first stage's 3×3 convolutions.</param>
    /// <param name="Groups">Their groups.</param>
    internal sealed record Config(ImmutableArray<int> Layers, ImmutableArray<int> Increments, int StemChannels, int BaseWidth, int Groups)
    {
        /// <summary>A 3×3 stem and a quarter of the added channels.</summary>
        public bool Small { get; init; }

        /// <summary>Added and appended part come from convolutions of their own (B).</summary>
        public bool SeparateOutputs { get; init; }

        /// <summary>Activation of the stem and of the end.</summary>
        public UnaryKind Act { get; init; } = UnaryKind.Relu;
    }

    /// <summary>A map as the blocks pass it on: the added part, and the appended one. Joined, it is timm's feature map.</summary>
    private readonly record struct DualPath(Node Residual, Node Dense);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        var levels = new List<FeatureLevel>();
        Node x;
        using (b.Scope("features"))
        {
            x = ConvNormAct.Build(b, "conv1_1", b.Input, config.StemChannels, config.Small ? 3 : 7, s_norm, config.Act, stride: 2);
            levels.Add(new FeatureLevel(config.StemChannels, 2, "features.conv1_1", x));
            x = b.MaxPool2d("conv1_pool", x, 3, stride: 2, padding: 1);
            // A block begins by joining the parts that the block before it left: that is where a stage's level is made.
            DualPath? paths = null;
            for (int stage = 0; stage < config.Layers.Length; stage++)
            {
                int number = stage + 2;
                for (int i = 0; i < config.Layers[stage]; i++)
                {
                    using (b.Scope($"conv{number}_{i + 1}"))
                    {
                        Node joined = paths is { } p ? Join(b, p) : x;
                        if (i == 0 && stage > 0)
                            AddLevel(stage - 1, joined);
                        paths = BuildBlock(b, config, joined, paths, stage, i == 0);
                    }
                }
            }
            using (b.Scope("conv5_bn_ac"))
            {
                Node joined = Join(b, paths!.Value);
                AddLevel(config.Layers.Length - 1, joined);
                // timm asks for ELU here, but the stem's activation is already set and stays.
                x = s_norm(b, "bn", joined, config.Act);
            }
        }
        return BackboneGraph.OfLevels(b, levels, x, ClassifierHeads.PoolConv(b, x, options.NumClasses, options.GlobalPool, "classifier", dropName: null)) with { Intermediates = null };

        void AddLevel(int stage, Node joined) => levels.Add(new FeatureLevel(joined.Shape[0], 4 << stage, $"features.conv{stage + 2}_{config.Layers[stage]}", joined));
    }

    private static Node Join(GraphBuilder b, DualPath paths) => b.Concat(0, [paths.Residual, paths.Dense]);

    private static DualPath BuildBlock(GraphBuilder b, Config config, Node x, DualPath? paths, int stage, bool isFirst)
    {
        int width = config.BaseWidth << stage, added = (config.Small ? 64 : 256) << stage, increment = config.Increments[stage];
        int stride = isFirst && stage > 0 ? 2 : 1;
        DualPath shortcut = paths is { } p && !isFirst ? p
            : Split(b, NormActConv(b, stride == 2 ? "c1x1_w_s2" : "c1x1_w_s1", x, added + 2 * increment, 1, stride), added);
        x = NormActConv(b, "c1x1_a", x, width, 1);
        x = NormActConv(b, "c3x3_b", x, width, 3, stride, config.Groups);
        DualPath output;
        if (config.SeparateOutputs)
        {
            using (b.Scope("c1x1_c"))
                x = s_norm(b, "bn", x, UnaryKind.Relu);
            output = new(b.Conv2d("c1x1_c1", x, added, 1), b.Conv2d("c1x1_c2", x, increment, 1));
        }
        else
        {
            output = Split(b, NormActConv(b, "c1x1_c", x, added + increment, 1), added);
        }
        return new(b.Add(shortcut.Residual, output.Residual), b.Concat(0, [shortcut.Dense, output.Dense]));
    }

    private static DualPath Split(GraphBuilder b, Node x, int added) => new(b.Slice(x, 0, 0, added), b.Slice(x, 0, added, x.Shape[0] - added));

    private static Node NormActConv(GraphBuilder b, string name, Node x, int channels, int kernel, int stride = 1, int groups = 1)
    {
        using (b.Scope(name))
            return ConvLayers.Plain(b, "conv", s_norm(b, "bn", x, UnaryKind.Relu), channels, kernel, stride, groups: groups);
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["k_sec"] = (c, v) => c with { Layers = v.PerStage(c.Layers.Length) },
        ["inc_sec"] = (c, v) => c with { Increments = v.PerStage(c.Increments.Length) },
        ["k_r"] = (c, v) => c with { BaseWidth = v.GetInt32() },
        ["groups"] = (c, v) => c with { Groups = v.GetInt32() },
        ["num_init_features"] = (c, v) => c with { StemChannels = v.GetInt32() },
        ["small"] = (c, v) => c with { Small = v.GetBoolean() },
        ["b"] = (c, v) => c with { SeparateOutputs = v.GetBoolean() },
        ["act_layer"] = (c, v) => c with { Act = v.Activation() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        ["dpn48b"] = new([3, 4, 6, 3], [16, 32, 32, 64], 10, 128, 32) { Small = true, SeparateOutputs = true, Act = UnaryKind.Silu },
        ["dpn68"] = new([3, 4, 12, 3], [16, 32, 32, 64], 10, 128, 32) { Small = true },
        ["dpn68b"] = new([3, 4, 12, 3], [16, 32, 32, 64], 10, 128, 32) { Small = true, SeparateOutputs = true },
        ["dpn92"] = new([3, 4, 20, 3], [16, 32, 24, 128], 64, 96, 32),
        ["dpn98"] = new([3, 6, 20, 3], [16, 32, 32, 128], 96, 160, 40),
        ["dpn131"] = new([4, 8, 28, 3], [16, 32, 32, 128], 128, 160, 40),
        ["dpn107"] = new([4, 8, 20, 3], [20, 64, 64, 128], 128, 200, 50),
    };
}
