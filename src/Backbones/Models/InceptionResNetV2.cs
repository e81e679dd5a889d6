using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// Inception-ResNet V2: Inception blocks whose scaled result is added to their input.
/// timm: <c>inception_resnet_v2.py</c>. Paper: Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning, https://arxiv.org/abs/1602.07261
/// </summary>
internal static class InceptionResNetV2
{
    private static BackboneGraph Build(GraphBuilder b, string _, ModelOptions options)
    {
        options.RequireOutputStride(32);
        var levels = new List<FeatureLevel>();
        Node x = new InceptionConv(32, 3, 2).Build(b, "conv2d_1a", b.Input);
        x = new InceptionConv(32, 3, Valid: true).Build(b, "conv2d_2a", x);
        x = Level("conv2d_2b", new InceptionConv(64, 3).Build(b, "conv2d_2b", x));
        x = b.MaxPool2d("maxpool_3a", x, 3, 2);
        x = new InceptionConv(80, 1).Build(b, "conv2d_3b", x);
        x = Level("conv2d_4a", new InceptionConv(192, 3, Valid: true).Build(b, "conv2d_4a", x));
        x = b.MaxPool2d("maxpool_5a", x, 3, 2);
        using (b.Scope("mixed_5b"))
            x = Mixed5B(b, x);
        x = Level("repeat", Repeat("repeat", x, 10, map => Residual(b, map, 0.17f, Branches35(b, map))));
        using (b.Scope("mixed_6a"))
            x = Mixed6A(b, x);
        x = Level("repeat_1", Repeat("repeat_1", x, 20, map => Residual(b, map, 0.1f, Branches17(b, map))));
        using (b.Scope("mixed_7a"))
            x = Mixed7A(b, x);
        x = Repeat("repeat_2", x, 9, map => Residual(b, map, 0.2f, Branches8(b, map), "relu"));
        using (b.Scope("block8"))
            x = Residual(b, x, 1, Branches8(b, x), act: null);
        x = Level("conv2d_7b", new InceptionConv(1536, 1).Build(b, "conv2d_7b", x));
        return BackboneGraph.OfLevels(b, levels, x, Classifier.WithDrop(b, x, options.NumClasses, options.GlobalPool, "classif")) with { Intermediates = null };

        Node Level(string module, Node map)
        {
            levels.Add(new FeatureLevel(map.Shape[0], 2 << levels.Count, module, map));
            return map;
        }

        Node Repeat(string name, Node map, int count, Func<Node, Node> block)
        {
            for (int i = 0; i < count; i++)
            {
                using (b.Scope($"{name}.{i}"))
                    map = block(map);
            }
            return map;
        }
    }

    /// <summary>The branches' maps through a 1×1 convolution, scaled, added to the block's input.</summary>
    private static Node Residual(GraphBuilder b, Node x, float scale, Node[] branches, string? act = "act")
    {
        Node y = b.Conv2d("conv2d", b.Concat(0, branches), x.Shape[0], 1, bias: true);
        y = b.Add(b.Affine(y, scale), x);
        return act is null ? y : b.Act(act, y, UnaryKind.Relu);
    }

    private static Node Chain(GraphBuilder b, string name, Node x, params ReadOnlySpan<InceptionConv> convs) => InceptionConv.Chain(b, $"{name}.", x, convs);

    private static Node Mixed5B(GraphBuilder b, Node x) => b.Concat(0, [
        new InceptionConv(96, 1).Build(b, "branch0", x),
        Chain(b, "branch1", x, new(48, 1), new(64, 5)),
        Chain(b, "branch2", x, new(64, 1), new(96, 3), new(96, 3)),
        InceptionConv.PoolBranch(b, "branch3", x, 64),
    ]);

    private static Node[] Branches35(GraphBuilder b, Node x) => [
        new InceptionConv(32, 1).Build(b, "branch0", x),
        Chain(b, "branch1", x, new(32, 1), new(32, 3)),
        Chain(b, "branch2", x, new(32, 1), new(48, 3), new(64, 3)),
    ];

    private static Node Mixed6A(GraphBuilder b, Node x) => b.Concat(0, [
        new InceptionConv(384, 3, 2).Build(b, "branch0", x),
        Chain(b, "branch1", x, new(256, 1), new(256, 3), new(384, 3, 2)),
        b.MaxPool2d("branch2", x, 3, 2),
    ]);

    private static Node[] Branches17(GraphBuilder b, Node x) => [
        new InceptionConv(192, 1).Build(b, "branch0", x),
        Chain(b, "branch1", x, new(128, 1), new(160, (1, 7)), new(192, (7, 1))),
    ];

    private static Node Mixed7A(GraphBuilder b, Node x) => b.Concat(0, [
        Chain(b, "branch0", x, new(256, 1), new(384, 3, 2)),
        Chain(b, "branch1", x, new(256, 1), new(288, 3, 2)),
        Chain(b, "branch2", x, new(256, 1), new(288, 3), new(320, 3, 2)),
        b.MaxPool2d("branch3", x, 3, 2),
    ]);

    private static Node[] Branches8(GraphBuilder b, Node x) => [
        new InceptionConv(192, 1).Build(b, "branch0", x),
        Chain(b, "branch1", x, new(192, 1), new(224, (1, 3)), new(256, (3, 1))),
    ];

    public static ModelFamily<string> Models => new(Build)
    {
        ["inception_resnet_v2"] = "",
    };
}
