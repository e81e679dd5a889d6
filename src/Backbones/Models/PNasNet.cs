using Backbones.Graphs;
using Backbones.Layers;
using static Backbones.Models.NasLayers;

namespace Backbones.Models;

/// <summary>
/// PNASNet: a network of one kind of cell that a progressive search found.
/// timm: <c>pnasnet.py</c>. Paper: Progressive Neural Architecture Search, https://arxiv.org/abs/1712.00559
/// </summary>
internal static class PNasNet
{
    /// <summary>What tells one variant from another: width of the first cells' layers, channels of the first convolution, cells per stage.</summary>
    internal sealed record Config(int Channels, int StemChannels, int Cells);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node left = Stem(b, "conv_0", b.Input, config.StemChannels), x;
        var levels = new List<FeatureLevel> { new(config.StemChannels, 2, "conv_0", left) };
        int width = config.Channels / 4;
        using (b.Scope("cell_stem_0"))
            x = Combine(b, left, ActConvBn(b, "conv_1x1", left, width).Result, width, 2, isStem: true);
        (left, x) = (x, Cell("cell_stem_1", left, x, config.Channels / 2, 2));
        for (int i = 0; i < 3 * config.Cells; i++)
        {
            int stage = i / config.Cells;
            bool isReduction = stage > 0 && i % config.Cells == 0;
            (left, x) = (x, Cell($"cell_{i}", left, x, config.Channels << stage, isReduction ? 2 : 1));
        }
        x = b.Act("act", x, UnaryKind.Relu);
        levels.Add(new FeatureLevel(x.Shape[0], 32, "act", x));
        return BackboneGraph.OfLevels(b, levels, x, Classifier.WithDrop(b, x, options.NumClasses, options.GlobalPool, "last_linear")) with { Intermediates = null };

        // The maps of the two cells before → this cell's; the older one may be twice as large.
        Node Cell(string name, Node older, Node newer, int channels, int stride)
        {
            using (b.Scope(name))
            {
                if (older.Shape[1] == newer.Shape[1])
                {
                    older = ActConvBn(b, "conv_prev_1x1", older, channels).Result;
                }
                else
                {
                    using (b.Scope("conv_prev_1x1"))
                        older = FactorizedReduction(b, older, channels);
                }
                (Node act, newer) = ActConvBn(b, "conv_1x1", newer, channels);
                if (stride > 1)
                    levels.Add(new FeatureLevel(act.Shape[0], 2 << levels.Count, $"{name}.conv_1x1.act", act));
                return Combine(b, older, newer, channels, stride, isStem: false);
            }
        }
    }

    /// <summary>The combinations of a cell: two maps → <c>[5 · channels, H/stride, W/stride]</c>.</summary>
    private static Node Combine(GraphBuilder b, Node left, Node right, int channels, int stride, bool isStem)
    {
        Node first = b.Add(Separable(b, "comb_iter_0_left", left, channels, 5, stride), FirstPool());
        Node second = b.Add(Separable(b, "comb_iter_1_left", right, channels, 7, stride), MaxPool(b, "comb_iter_1_right", right, stride));
        Node third = b.Add(Separable(b, "comb_iter_2_left", right, channels, 5, stride), Separable(b, "comb_iter_2_right", right, channels, 3, stride));
        Node fourth = b.Add(Separable(b, "comb_iter_3_left", third, channels, 3), MaxPool(b, "comb_iter_3_right", right, stride));
        Node fifth = b.Add(Separable(b, "comb_iter_4_left", left, channels, 3, stride), stride > 1 ? ActConvBn(b, "comb_iter_4_right", right, channels, stride).Result : right);
        return b.Concat(0, [first, second, third, fourth, fifth]);

        Node FirstPool()
        {
            if (!isStem)
                return MaxPool(b, "comb_iter_0_right", left, stride);
            using (b.Scope("comb_iter_0_right"))
                return BatchNorm(b, "bn", b.Conv2d("conv", MaxPool(b, "max_pool", left, stride), channels, 1));
        }
    }

    public static ModelFamily<Config> Models => new(Build)
    {
        ["pnasnet5large"] = new(216, 96, 4),
    };
}
