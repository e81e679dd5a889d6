using Backbones.Graphs;
using Backbones.Layers;
using static Backbones.Models.NasLayers;

namespace Backbones.Models;

/// <summary>
/// NASNet: a network of two kinds of cells that a search found.
/// timm: <c>nasnet.py</c>. Paper: Learning Transferable Architectures for Scalable Image Recognition, https://arxiv.org/abs/1707.07012
/// </summary>
internal static class NasNet
{
    /// <summary>What tells one variant from another.</summary>
    /// <param name="Channels">Width of the first cells' layers.</param>
    /// <param name="StemChannels">Channels of the first convolution.</param>
    /// <param name="Cells">Cells between two reductions.</param>
    internal sealed record Config(int Channels, int StemChannels, int Cells);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        int channels = config.Channels;
        Node stem = Stem(b, "conv0", b.Input, config.StemChannels), act, previous, x;
        var levels = new List<FeatureLevel> { new(config.StemChannels, 2, "conv0", stem) };
        using (b.Scope("cell_stem_0"))
            previous = ReductionLayers(b, ActConvBn(b, "conv_1x1", stem, channels / 4).Result, stem, channels / 4);
        using (b.Scope("cell_stem_1"))
        {
            (act, Node main) = ActConvBn(b, "conv_1x1", previous, channels / 2);
            x = ReductionLayers(b, main, FactorizedReduction(b, stem, channels / 2), channels / 2);
        }
        levels.Add(new FeatureLevel(act.Shape[0], 4, "cell_stem_1.conv_1x1.act", act));

        for (int stage = 0; stage < 3; stage++)
        {
            int width = channels << stage;
            if (stage > 0)
            {
                string name = $"reduction_cell_{stage - 1}";
                using (b.Scope(name))
                {
                    Node side = ActConvBn(b, "conv_prev_1x1", previous, width).Result;
                    (act, Node main) = ActConvBn(b, "conv_1x1", x, width);
                    x = ReductionLayers(b, main, side, width);
                }
                levels.Add(new FeatureLevel(act.Shape[0], 4 << stage, $"{name}.conv_1x1.act", act));
            }
            for (int i = 0; i < config.Cells; i++)
            {
                // The first cell's side map is the one before the reduction, twice as large.
                using (b.Scope($"cell_{stage * config.Cells + i}"))
                    (previous, x) = (x, i == 0 ? FirstCell(b, x, previous, width) : NormalCell(b, x, previous, width));
            }
        }
        x = b.Act("act", x, UnaryKind.Relu);
        levels.Add(new FeatureLevel(x.Shape[0], 32, "act", x));
        return BackboneGraph.OfLevels(b, levels, x, Classifier.WithDrop(b, x, options.NumClasses, options.GlobalPool, "last_linear")) with { Intermediates = null };
    }

    /// <summary>The combinations that halve the map: x and the side map → <c>[4 · channels, H/2, W/2]</c>.</summary>
    private static Node ReductionLayers(GraphBuilder b, Node x, Node side, int channels)
    {
        Node first = b.Add(Separable(b, "comb_iter_0_left", x, channels, 5, 2), Separable(b, "comb_iter_0_right", side, channels, 7, 2));
        Node second = b.Add(MaxPool(b, "comb_iter_1_left", x, 2), Separable(b, "comb_iter_1_right", side, channels, 7, 2));
        Node third = b.Add(AvgPool(b, "comb_iter_2_left", x, 2), Separable(b, "comb_iter_2_right", side, channels, 5, 2));
        Node fourth = b.Add(AvgPool(b, "comb_iter_3_right", first, 1), second);
        Node fifth = b.Add(Separable(b, "comb_iter_4_left", first, channels, 3), MaxPool(b, "comb_iter_4_right", x, 2));
        return b.Concat(0, [second, third, fourth, fifth]);
    }

    /// <summary>A cell whose side map is twice as large.</summary>
    private static Node FirstCell(GraphBuilder b, Node x, Node side, int channels)
    {
        b.Declare("conv_1x1");
        side = FactorizedReduction(b, side, channels);
        return NormalLayers(b, ActConvBn(b, "conv_1x1", x, channels).Result, side, channels);
    }

    private static Node NormalCell(GraphBuilder b, Node x, Node side, int channels)
    {
        side = ActConvBn(b, "conv_prev_1x1", side, channels).Result;
        return NormalLayers(b, ActConvBn(b, "conv_1x1", x, channels).Result, side, channels);
    }

    /// <summary>The combinations that keep the size: x and the side map → <c>[6 · channels, H, W]</c>.</summary>
    private static Node NormalLayers(GraphBuilder b, Node x, Node side, int channels) => b.Concat(0, [
        side,
        b.Add(Separable(b, "comb_iter_0_left", x, channels, 5), Separable(b, "comb_iter_0_right", side, channels, 3)),
        b.Add(Separable(b, "comb_iter_1_left", side, channels, 5), Separable(b, "comb_iter_1_right", side, channels, 3)),
        b.Add(AvgPool(b, "comb_iter_2_left", x, 1), side),
        b.Add(AvgPool(b, "comb_iter_3_left", side, 1), AvgPool(b, "comb_iter_3_right", side, 1)),
        b.Add(Separable(b, "comb_iter_4_left", x, channels, 3), x),
    ]);

    public static ModelFamily<Config> Models => new(Build)
    {
        ["nasnetalarge"] = new(168, 96, 6),
    };
}
