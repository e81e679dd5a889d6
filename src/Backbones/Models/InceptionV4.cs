using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// Inception V4: more and more uniform Inception blocks.
/// timm: <c>inception_v4.py</c>. Paper: Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning, https://arxiv.org/abs/1602.07261
/// </summary>
internal static class InceptionV4
{
    /// <summary>A block: its layers, in its scope.</summary>
    internal delegate Node Block(GraphBuilder b, Node x);

    private static BackboneGraph Build(GraphBuilder b, IReadOnlyList<Block> blocks, ModelOptions options)
    {
        options.RequireOutputStride(32);
        // The last block of each resolution.
        int[] ends = [2, 3, 9, 17, 21];
        var levels = new List<FeatureLevel>();
        Node x = b.Input;
        for (int i = 0; i < blocks.Count; i++)
        {
            using (b.Scope($"features.{i}"))
                x = blocks[i](b, x);
            if (ends.Contains(i))
                levels.Add(new FeatureLevel(x.Shape[0], 2 << levels.Count, $"features.{i}", x));
        }
        return BackboneGraph.OfLevels(b, levels, x, Classifier.WithDrop(b, x, options.NumClasses, options.GlobalPool, "last_linear"));
    }

    private static Block Conv(InceptionConv conv) => (b, x) => conv.Build(b, "", x);

    private static Node Chain(GraphBuilder b, string name, Node x, params ReadOnlySpan<InceptionConv> convs) => InceptionConv.Chain(b, $"{name}.", x, convs);

    private static Node Mixed3A(GraphBuilder b, Node x) => b.Concat(0, [b.MaxPool2d("maxpool", x, 3, 2), new InceptionConv(96, 3, 2).Build(b, "conv", x)]);

    private static Node Mixed4A(GraphBuilder b, Node x) => b.Concat(0, [
        Chain(b, "branch0", x, new(64, 1), new(96, 3, Valid: true)),
        Chain(b, "branch1", x, new(64, 1), new(64, (1, 7)), new(64, (7, 1)), new(96, 3, Valid: true)),
    ]);

    private static Node Mixed5A(GraphBuilder b, Node x) => b.Concat(0, [new InceptionConv(192, 3, 2).Build(b, "conv", x), b.MaxPool2d("maxpool", x, 3, 2)]);

    private static Node InceptionA(GraphBuilder b, Node x) => b.Concat(0, [
        new InceptionConv(96, 1).Build(b, "branch0", x),
        Chain(b, "branch1", x, new(64, 1), new(96, 3)),
        Chain(b, "branch2", x, new(64, 1), new(96, 3), new(96, 3)),
        InceptionConv.PoolBranch(b, "branch3", x, 96),
    ]);

    private static Node ReductionA(GraphBuilder b, Node x) => b.Concat(0, [
        new InceptionConv(384, 3, 2).Build(b, "branch0", x),
        Chain(b, "branch1", x, new(192, 1), new(224, 3), new(256, 3, 2)),
        b.MaxPool2d("branch2", x, 3, 2),
    ]);

    private static Node InceptionB(GraphBuilder b, Node x) => b.Concat(0, [
        new InceptionConv(384, 1).Build(b, "branch0", x),
        Chain(b, "branch1", x, new(192, 1), new(224, (1, 7)), new(256, (7, 1))),
        Chain(b, "branch2", x, new(192, 1), new(192, (7, 1)), new(224, (1, 7)), new(224, (7, 1)), new(256, (1, 7))),
        InceptionConv.PoolBranch(b, "branch3", x, 128),
    ]);

    private static Node ReductionB(GraphBuilder b, Node x) => b.Concat(0, [
        Chain(b, "branch0", x, new(192, 1), new(192, 3, 2)),
        Chain(b, "branch1", x, new(256, 1), new(256, (1, 7)), new(320, (7, 1)), new(320, 3, 2)),
        b.MaxPool2d("branch2", x, 3, 2),
    ]);

    private static Node InceptionC(GraphBuilder b, Node x)
    {
        Node single = new InceptionConv(256, 1).Build(b, "branch0", x);
        Node branch1 = InceptionConv.Chain(b, "branch1_", x, [new(384, 1)]);
        branch1 = Split(b, "branch1_1", branch1);
        Node branch2 = InceptionConv.Chain(b, "branch2_", x, [new(384, 1), new(448, (3, 1)), new(512, (1, 3))]);
        branch2 = Split(b, "branch2_3", branch2);
        return b.Concat(0, [single, branch1, branch2, InceptionConv.PoolBranch(b, "branch3", x, 256)]);
    }

    private static Node Split(GraphBuilder b, string name, Node x)
        => b.Concat(0, [new InceptionConv(256, (1, 3)).Build(b, $"{name}a", x), new InceptionConv(256, (3, 1)).Build(b, $"{name}b", x)]);

    public static ModelFamily<IReadOnlyList<Block>> Models => new(Build)
    {
        ["inception_v4"] =
        [
            Conv(new(32, 3, 2)),
            Conv(new(32, 3, Valid: true)),
            Conv(new(64, 3)),
            Mixed3A,
            Mixed4A,
            Mixed5A,
            .. Enumerable.Repeat<Block>(InceptionA, 4),
            ReductionA,
            .. Enumerable.Repeat<Block>(InceptionB, 7),
            ReductionB,
            .. Enumerable.Repeat<Block>(InceptionC, 3),
        ],
    };
}
