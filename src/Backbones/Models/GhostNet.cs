using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// GhostNet, V2 and V3: half of the channels come from 1×1 convolutions, the others from cheap depthwise convolutions over those.
/// timm: <c>ghostnet.py</c>. Papers: GhostNet, https://arxiv.org/abs/1911.11907; GhostNetV2, https://arxiv.org/abs/2211.12905; GhostNetV3,
/// https://arxiv.org/abs/2404.11202
/// </summary>
internal static class GhostNet
{
    internal enum Version
    {
        V1,
        /// <summary>A gate of long-range attention over the first module of all blocks but the first two.</summary>
        V2,
        /// <summary>The same over modules of parallel branches.</summary>
        V3,
    }

    /// <summary>What tells one variant from another: the channel multiplier and the kind of blocks.</summary>
    internal sealed record Config(double Width, Version Version = Version.V1);

    private const int Branches = 3;

    private static readonly ImmutableArray<ImmutableArray<GhostStages.Block>> s_stages = GhostStages.WithWidths([16, 48, 72, 72, 120, 240, 200, 184, 184, 480, 672, 672, 960, 960, 960, 960]);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options) => GhostStages.Build(b, options, config.Width, headRatio: 1, s_stages,
        (b, x, block) => config.Version == Version.V3 ? BottleneckV3(b, x, block) : Bottleneck(b, x, block, gated: config.Version == Version.V2 && block.Index > 1));

    private static Node Bottleneck(GraphBuilder b, Node x, GhostStages.PlacedBlock block, bool gated)
    {
        Node shortcut = x;
        x = GhostModule(b, "ghost1", x, block.MidChannels, relu: true, gated);
        if (block.Stride > 1)
            x = b.BatchNorm("bn_dw", b.Conv2d("conv_dw", x, block.MidChannels, block.Kernel, block.Stride, block.Kernel / 2, groups: block.MidChannels));
        if (block.SqueezeExcite > 0)
            x = GhostStages.SqueezeExcite(b, x, block.SqueezeExcite);
        x = GhostModule(b, "ghost2", x, block.OutChannels, relu: false, gated: false);
        return b.Add(x, block.KeepsShape ? shortcut : GhostStages.Shortcut(b, shortcut, block));
    }

    private static Node GhostModule(GraphBuilder b, string name, Node x, int channels, bool relu, bool gated)
    {
        int primaryChannels = (channels + 1) / 2;
        using (b.Scope(name))
        {
            b.Declare("primary_conv", "cheap_operation");
            Node? gate = gated ? ShortConv(b, x, channels) : null;
            Node primary = GhostStages.PrimaryConv(b, x, primaryChannels, relu), cheap;
            using (b.Scope("cheap_operation"))
            {
                cheap = b.BatchNorm("1", b.Conv2d("0", primary, primaryChannels, 3, padding: 1, groups: primaryChannels));
                cheap = relu ? b.Act("2", cheap, UnaryKind.Relu) : b.Identity("2", cheap);
            }
            x = b.Slice(b.Concat(0, [primary, cheap]), 0, 0, channels);
            return gate is null ? x : Gated(b, x, gate);
        }
    }

    private static Node BottleneckV3(GraphBuilder b, Node x, GhostStages.PlacedBlock block)
    {
        Node shortcut = x;
        b.Declare("ghost1", "dw_rpr_conv", "dw_rpr_scale");
        x = GhostModuleV3(b, "ghost1", x, block.MidChannels, relu: true, gated: block.Index > 1);
        if (block.Stride > 1)
        {
            Node sum = GhostStages.ConvBnAct(b, "dw_rpr_scale", x, block.MidChannels, 1, block.Stride, block.MidChannels);
            for (int i = 0; i < Branches; i++)
                sum = b.Add(sum, GhostStages.ConvBnAct(b, $"dw_rpr_conv.{i}", x, block.MidChannels, block.Kernel, block.Stride, block.MidChannels));
            x = sum;
        }
        x = block.SqueezeExcite > 0 ? GhostStages.SqueezeExcite(b, x, block.SqueezeExcite) : b.Identity("se", x);
        x = GhostModuleV3(b, "ghost2", x, block.OutChannels, relu: false, gated: false);
        return b.Add(x, block.KeepsShape ? b.Identity("shortcut", shortcut) : GhostStages.Shortcut(b, shortcut, block));
    }

    private static Node GhostModuleV3(GraphBuilder b, string name, Node x, int channels, bool relu, bool gated)
    {
        int half = (channels + 1) / 2;
        using (b.Scope(name))
        {
            b.Declare("primary_rpr_conv", "cheap_rpr_skip", "cheap_rpr_conv", "cheap_rpr_scale");
            // The sum starts at zero, which FX has as an addition of its own.
            Node primary = b.Identity("add", GhostStages.ConvBnAct(b, "primary_rpr_conv.0", x, half, 1));
            for (int i = 1; i < Branches; i++)
                primary = b.Add(primary, GhostStages.ConvBnAct(b, $"primary_rpr_conv.{i}", x, half, 1));
            primary = Activation("primary_activation", primary);

            Node cheap = b.Add(GhostStages.ConvBnAct(b, "cheap_rpr_scale", primary, half, 1, groups: half), b.BatchNorm("cheap_rpr_skip", primary));
            for (int i = 0; i < Branches; i++)
                cheap = b.Add(cheap, GhostStages.ConvBnAct(b, $"cheap_rpr_conv.{i}", primary, half, 3, groups: half));
            cheap = Activation("cheap_activation", cheap);

            Node all = b.Concat(0, [primary, cheap]);
            return gated ? Gated(b, b.Slice(all, 0, 0, channels), ShortConv(b, x, channels)) : all;
        }

        Node Activation(string act, Node y) => relu ? b.Act(act, y, UnaryKind.Relu) : b.Identity(act, y);
    }

    /// <summary>The map of long-range attention, of half the size: along the rows, then along the columns.</summary>
    private static Node ShortConv(GraphBuilder b, Node x, int channels)
    {
        x = b.AvgPool2d("avg_pool2d", x, 2, 2);
        using (b.Scope("short_conv"))
        {
            x = b.BatchNorm("1", b.Conv2d("0", x, channels, 1));
            x = b.BatchNorm("3", b.Conv2d("2", x, channels, (1, 5), padding: (0, 2), groups: channels));
            return b.BatchNorm("5", b.Conv2d("4", x, channels, (5, 1), padding: (2, 0), groups: channels));
        }
    }

    private static Node Gated(GraphBuilder b, Node x, Node gate)
        => b.Multiply(x, b.Resize(b.Act("gate_fn", gate, UnaryKind.Sigmoid), x.Shape[1], x.Shape[2], ResizeMode.Nearest));

    /// <summary>The authors' files, which also count operations.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        c.Drop("total");
        c.RenameMatches((@"^(.*\.(ghost|dw_rpr_).*\.)bn\.", "$1bn1."));
    }

    public static ModelFamily<Config> Models => new(Build)
    {
        Remap = Remap,
        ["ghostnet_050"] = new(0.5),
        ["ghostnet_100"] = new(1),
        ["ghostnet_130"] = new(1.3),
        ["ghostnetv2_100"] = new(1, Version.V2),
        ["ghostnetv2_130"] = new(1.3, Version.V2),
        ["ghostnetv2_160"] = new(1.6, Version.V2),
        ["ghostnetv3_050"] = new(0.5, Version.V3),
        ["ghostnetv3_100"] = new(1, Version.V3),
        ["ghostnetv3_130"] = new(1.3, Version.V3),
        ["ghostnetv3_160"] = new(1.6, Version.V3),
    };
}
