using Backbones.Graphs;

namespace Backbones.Models;

/// <summary>
/// Res2Net: bottlenecks whose 3×3 convolution is split into several, each of which sees what the one before it made.
/// timm: <c>res2net.py</c>. Paper: Res2Net: A New Multi-scale Backbone Architecture, https://arxiv.org/abs/1904.01169
/// </summary>
internal static class Res2Net
{
    /// <summary>The middle of the bottleneck.</summary>
    /// <param name="Width">Channels of each scale.</param>
    /// <param name="Scale">Number of scales; all but the last have a convolution.</param>
    /// <param name="Groups">Groups of the convolutions.</param>
    /// <param name="Stride">Their stride.</param>
    /// <param name="Dilation">Their dilation.</param>
    /// <param name="Separate">No scale gets another's result, and the last is pooled: where the map changes.</param>
    internal sealed record Scales(int Width, int Scale, int Groups, int Stride, int Dilation, bool Separate);

    /// <summary>The bottleneck in its scope: x <c>[C, H, W]</c> → <c>[outChannels, H/stride, W/stride]</c>; the shortcut is made behind its layers.</summary>
    internal static Node Bottle2neck(GraphBuilder b, Node x, Scales scales, int outChannels, Func<Node> shortcut)
    {
        x = Relu(b.BatchNorm("bn1", b.Conv2d("conv1", x, scales.Width * scales.Scale, 1)));
        b.Declare("convs", "bns");
        Node? previous = null;
        var parts = new Node[scales.Scale];
        for (int i = 0; i < scales.Scale - 1; i++)
        {
            Node part = b.Slice(x, 0, i * scales.Width, scales.Width);
            if (previous is not null && !scales.Separate)
                part = b.Add(previous, part);
            part = b.Conv2d($"convs.{i}", part, scales.Width, 3, scales.Stride, scales.Dilation, scales.Dilation, scales.Groups);
            parts[i] = previous = Relu(b.BatchNorm($"bns.{i}", part));
        }
        Node last = b.Slice(x, 0, (scales.Scale - 1) * scales.Width, scales.Width);
        parts[^1] = scales.Separate ? b.AvgPool2d("pool", last, 3, scales.Stride, 1) : last;
        x = b.BatchNorm("bn3", b.Conv2d("conv3", b.Concat(0, parts), outChannels, 1));
        return Relu(b.Add(x, shortcut()));

        Node Relu(Node y) => b.Act("relu", y, UnaryKind.Relu);
    }

    private static ResNet.Block Block(int scale) => new(4, (b, config, x, args) => Bottle2neck(
        b, x,
        new(args.Planes * config.BaseWidth / 64 * config.Cardinality, scale, config.Cardinality, args.Stride, args.FirstDilation, args.Stride > 1 || args.Downsample is not null),
        4 * args.Planes,
        () => args.Downsample?.Invoke(x) ?? x));

    public static ModelFamily<ResNet.Config> Models => new(ResNet.Build)
    {
        Arguments = ResNet.Arguments,
        ["res2net50_26w_4s"] = new(Block(4), [3, 4, 6, 3]) { BaseWidth = 26 },
        ["res2net101_26w_4s"] = new(Block(4), [3, 4, 23, 3]) { BaseWidth = 26 },
        ["res2net50_26w_6s"] = new(Block(6), [3, 4, 6, 3]) { BaseWidth = 26 },
        ["res2net50_26w_8s"] = new(Block(8), [3, 4, 6, 3]) { BaseWidth = 26 },
        ["res2net50_48w_2s"] = new(Block(2), [3, 4, 6, 3]) { BaseWidth = 48 },
        ["res2net50_14w_8s"] = new(Block(8), [3, 4, 6, 3]) { BaseWidth = 14 },
        ["res2next50"] = new(Block(4), [3, 4, 6, 3]) { BaseWidth = 4, Cardinality = 8 },
        ["res2net50d"] = new(Block(4), [3, 4, 6, 3]) { Stem = ResNet.Stem.Deep, StemWidth = 32, AvgDown = true, BaseWidth = 26 },
        ["res2net101d"] = new(Block(4), [3, 4, 23, 3]) { Stem = ResNet.Stem.Deep, StemWidth = 32, AvgDown = true, BaseWidth = 26 },
    };
}
