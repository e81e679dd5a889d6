using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// Inception V3: blocks of branches with factorised convolutions.
/// timm: <c>inception_v3.py</c>. Paper: Rethinking the Inception Architecture for Computer Vision, https://arxiv.org/abs/1512.00567
/// </summary>
internal static class InceptionV3
{
    /// <summary>What timm and torchvision have otherwise: names, and the head over the last map.</summary>
    /// <param name="PoolPrefix">What the names of the stem's pools begin with.</param>
    /// <param name="Norm">Norm and activation behind a convolution; null for timm's module of both.</param>
    /// <param name="Head">The classifier's input and its result.</param>
    internal sealed record Config(string PoolPrefix, NormActLayer? Norm, Func<GraphBuilder, Node, ModelOptions, (Node PreLogits, Node Logits)> Head);

    internal static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        var levels = new List<FeatureLevel>();
        Node x = Conv("Conv2d_1a_3x3", b.Input, new(32, 3, 2));
        x = Conv("Conv2d_2a_3x3", x, new(32, 3, Valid: true));
        x = Level("Conv2d_2b_3x3", Conv("Conv2d_2b_3x3", x, new(64, 3)));
        x = b.MaxPool2d($"{config.PoolPrefix}1", x, 3, 2);
        x = Conv("Conv2d_3b_1x1", x, new(80, 1));
        x = Level("Conv2d_4a_3x3", Conv("Conv2d_4a_3x3", x, new(192, 3, Valid: true)));
        x = b.MaxPool2d($"{config.PoolPrefix}2", x, 3, 2);
        x = BlockA("Mixed_5b", x, 32);
        x = BlockA("Mixed_5c", x, 64);
        x = Level("Mixed_5d", BlockA("Mixed_5d", x, 64));
        x = BlockB("Mixed_6a", x);
        x = BlockC("Mixed_6b", x, 128);
        x = BlockC("Mixed_6c", x, 160);
        x = BlockC("Mixed_6d", x, 160);
        x = Level("Mixed_6e", BlockC("Mixed_6e", x, 192));
        x = BlockD("Mixed_7a", x);
        x = BlockE("Mixed_7b", x);
        x = Level("Mixed_7c", BlockE("Mixed_7c", x));
        return BackboneGraph.OfLevels(b, levels, x, config.Head(b, x, options)) with { Intermediates = null };

        Node Level(string module, Node map)
        {
            levels.Add(new FeatureLevel(map.Shape[0], 2 << levels.Count, module, map));
            return map;
        }

        Node Conv(string name, Node map, InceptionConv conv) => conv.Build(b, name, map, config.Norm);

        Node Chain(string name, Node map, params ReadOnlySpan<InceptionConv> convs) => InceptionConv.Chain(b, $"{name}_", map, convs, first: 1, config.Norm);

        // Unlike the later Inceptions' pooling, this one counts its zero padding.
        Node PoolBranch(Node map, int channels) => Conv("branch_pool", b.AvgPool2d("avg_pool2d", map, 3, 1, 1), new(channels, 1));

        Node BlockA(string name, Node map, int poolChannels)
        {
            using (b.Scope(name))
            {
                return b.Concat(0, [
                    Conv("branch1x1", map, new(64, 1)),
                    Chain("branch5x5", map, new(48, 1), new(64, 5)),
                    Chain("branch3x3dbl", map, new(64, 1), new(96, 3), new(96, 3)),
                    PoolBranch(map, poolChannels),
                ]);
            }
        }

        Node BlockB(string name, Node map)
        {
            using (b.Scope(name))
            {
                return b.Concat(0, [
                    Conv("branch3x3", map, new(384, 3, 2)),
                    Chain("branch3x3dbl", map, new(64, 1), new(96, 3), new(96, 3, 2)),
                    b.MaxPool2d("max_pool2d", map, 3, 2),
                ]);
            }
        }

        Node BlockC(string name, Node map, int width)
        {
            using (b.Scope(name))
            {
                return b.Concat(0, [
                    Conv("branch1x1", map, new(192, 1)),
                    Chain("branch7x7", map, new(width, 1), new(width, (1, 7)), new(192, (7, 1))),
                    Chain("branch7x7dbl", map, new(width, 1), new(width, (7, 1)), new(width, (1, 7)), new(width, (7, 1)), new(192, (1, 7))),
                    PoolBranch(map, 192),
                ]);
            }
        }

        Node BlockD(string name, Node map)
        {
            using (b.Scope(name))
            {
                return b.Concat(0, [
                    Chain("branch3x3", map, new(192, 1), new(320, 3, 2)),
                    Chain("branch7x7x3", map, new(192, 1), new(192, (1, 7)), new(192, (7, 1)), new(192, 3, 2)),
                    b.MaxPool2d("max_pool2d", map, 3, 2),
                ]);
            }
        }

        Node BlockE(string name, Node map)
        {
            using (b.Scope(name))
            {
                Node single = Conv("branch1x1", map, new(320, 1));
                Node branch = Chain("branch3x3", map, new InceptionConv(384, 1));
                branch = b.Concat(0, [Conv("branch3x3_2a", branch, new(384, (1, 3))), Conv("branch3x3_2b", branch, new(384, (3, 1)))]);
                Node twice = Chain("branch3x3dbl", map, new(448, 1), new(384, 3));
                twice = b.Concat(0, [Conv("branch3x3dbl_3a", twice, new(384, (1, 3))), Conv("branch3x3dbl_3b", twice, new(384, (3, 1)))]);
                return b.Concat(0, [single, branch, twice, PoolBranch(map, 192)]);
            }
        }
    }

    public static ModelFamily<Config> Models => new(Build)
    {
        ["inception_v3"] = new("Pool", Norm: null, (b, x, options) => Classifier.WithDrop(b, x, options.NumClasses, options.GlobalPool)),
    };
}
