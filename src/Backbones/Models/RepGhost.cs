using System.Collections.Immutable;
using Backbones.Graphs;

namespace Backbones.Models;

/// <summary>
/// RepGhostNet: ghost modules whose cheap features are added, so that their branches can be merged into one convolution.
/// timm: <c>repghost.py</c>. Paper: RepGhost, https://arxiv.org/abs/2211.06088
/// </summary>
internal static class RepGhost
{
    /// <summary>What tells one variant from another: the channel multiplier.</summary>
    internal sealed record Config(double Width);

    private static readonly ImmutableArray<ImmutableArray<GhostStages.Block>> s_stages = GhostStages.WithWidths([8, 24, 36, 36, 60, 120, 100, 120, 120, 240, 336, 336, 480, 480, 480, 480]);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options) => GhostStages.Build(b, options, config.Width, headRatio: 2, s_stages, Bottleneck);

    private static Node Bottleneck(GraphBuilder b, Node x, GhostStages.PlacedBlock block)
    {
        Node shortcut = x;
        x = RepGhostModule(b, "ghost1", x, block.MidChannels, relu: true);
        if (block.Stride > 1)
            x = b.BatchNorm("bn_dw", b.Conv2d("conv_dw", x, block.MidChannels, block.Kernel, block.Stride, block.Kernel / 2, groups: block.MidChannels));
        if (block.SqueezeExcite > 0)
            x = GhostStages.SqueezeExcite(b, x, block.SqueezeExcite);
        x = RepGhostModule(b, "ghost2", x, block.OutChannels, relu: false);
        return b.Add(x, block.KeepsShape ? shortcut : GhostStages.Shortcut(b, shortcut, block));
    }

    private static Node RepGhostModule(GraphBuilder b, string name, Node x, int channels, bool relu)
    {
        using (b.Scope(name))
        {
            b.Declare("primary_conv", "fusion_conv", "fusion_bn");
            Node primary = GhostStages.PrimaryConv(b, x, channels, relu);
            Node cheap;
            using (b.Scope("cheap_operation"))
                cheap = b.BatchNorm("1", b.Conv2d("0", primary, channels, 3, padding: 1, groups: channels));
            Node fused = b.BatchNorm("fusion_bn.0", b.Identity("fusion_conv.0", primary));
            x = b.Add(cheap, fused);
            return relu ? b.Act("relu", x, UnaryKind.Relu) : b.Identity("relu", x);
        }
    }

    public static ModelFamily<Config> Models => new(Build)
    {
        ["repghostnet_050"] = new(0.5),
        ["repghostnet_058"] = new(0.58),
        ["repghostnet_080"] = new(0.8),
        ["repghostnet_100"] = new(1),
        ["repghostnet_111"] = new(1.11),
        ["repghostnet_130"] = new(1.3),
        ["repghostnet_150"] = new(1.5),
        ["repghostnet_200"] = new(2),
    };
}
