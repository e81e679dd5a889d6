using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <content>The blocks.</content>
internal static partial class ByobNet
{
    /// <summary>Two 3×3 convolutions.</summary>
    private static Node BasicBlock(GraphBuilder b, Config config, Node x, BlockArgs args)
    {
        Node input = x;
        int width = ChannelAttention.MakeDivisible(args.Channels * args.Blocks.BottleRatio);
        DeclareShortcut(b, config, input, args);
        x = Conv(b, config, "conv1_kxk", x, width, args.Blocks.Kernel, args.Stride, args.FirstDilation);
        x = b.Identity("attn", x);
        x = Conv(b, config, "conv2_kxk", x, args.Channels, args.Blocks.Kernel, 1, args.Dilation, args.GroupsOf(width), act: false);
        return Residual(b, config, Attend(b, config, "attn_last", x, args), input, args);
    }

    /// <summary>1×1, 3×3 (one or two), 1×1.</summary>
    internal static Node BottleneckBlock(GraphBuilder b, Config config, Node x, BlockArgs args)
    {
        Node input = x;
        int width = BottleWidth(config, x, args), groups = args.GroupsOf(width);
        DeclareShortcut(b, config, input, args);
        x = Conv(b, config, "conv1_1x1", x, width, 1);
        x = Conv(b, config, "conv2_kxk", x, width, args.Blocks.Kernel, args.Stride, args.FirstDilation, groups);
        x = config.ExtraConv ? Conv(b, config, "conv2b_kxk", x, width, args.Blocks.Kernel, 1, args.Dilation, groups) : b.Identity("conv2b_kxk", x);
        x = Attend(b, config, "attn", x, args);
        x = Conv(b, config, "conv3_1x1", x, args.Channels, 1, act: false);
        return Residual(b, config, b.Identity("attn_last", x), input, args);
    }

    /// <summary>1×1, 3×3, as in DarkNet.</summary>
    private static Node DarkBlock(GraphBuilder b, Config config, Node x, BlockArgs args)
    {
        Node input = x;
        int width = ChannelAttention.MakeDivisible(args.Channels * args.Blocks.BottleRatio);
        DeclareShortcut(b, config, input, args);
        x = b.Identity("attn", Conv(b, config, "conv1_1x1", x, width, 1));
        x = Conv(b, config, "conv2_kxk", x, args.Channels, args.Blocks.Kernel, args.Stride, args.FirstDilation, args.GroupsOf(width), act: false);
        return Residual(b, config, Attend(b, config, "attn_last", x, args), input, args);
    }

    /// <summary>3×3, 1×1.</summary>
    private static Node EdgeBlock(GraphBuilder b, Config config, Node x, BlockArgs args)
    {
        Node input = x;
        int width = ChannelAttention.MakeDivisible(args.Channels * args.Blocks.BottleRatio);
        DeclareShortcut(b, config, input, args);
        x = Conv(b, config, "conv1_kxk", x, width, args.Blocks.Kernel, args.Stride, args.FirstDilation, args.GroupsOf(width));
        x = Attend(b, config, "attn", x, args);
        x = Conv(b, config, "conv2_1x1", x, args.Channels, 1, act: false);
        return Residual(b, config, b.Identity("attn_last", x), input, args);
    }

    /// <summary>1×1, self-attention, 1×1.</summary>
    internal static Node SelfAttentionBlock(GraphBuilder b, Config config, Node x, BlockArgs args)
    {
        Node input = x;
        SelfAttentionLayer attention = args.Blocks.SelfAttention ?? config.SelfAttention ?? throw new InvalidOperationException("A variant with a block of self-attention says which.");
        DeclareShortcut(b, config, input, args);
        x = Conv(b, config, "conv1_1x1", x, BottleWidth(config, x, args), 1);
        x = b.Identity("conv2_kxk", x);
        x = attention(b, "self_attn", x, args.Stride);
        x = config.Norm(b, "post_attn", x, config.Act);
        x = Conv(b, config, "conv3_1x1", x, args.Channels, 1, act: false);
        return Residual(b, config, x, input, args);
    }

    /// <summary>A 3×3 convolution, a 1×1 convolution and the input side by side, each normalised: one convolution in disguise. Paper: RepVGG, https://arxiv.org/abs/2101.03697</summary>
    private static Node RepVgg(GraphBuilder b, Config config, Node x, BlockArgs args)
    {
        int groups = args.GroupsOf(x.Shape[0]);
        b.Declare("identity", "conv_kxk");
        Node? identity = KeepsShape(x, args) ? config.Norm(b, "identity", x, null) : null;
        Node small = Conv(b, config, "conv_1x1", x, args.Channels, 1, args.Stride, 1, groups, act: false);
        Node sum = b.Add(small, Conv(b, config, "conv_kxk", x, args.Channels, args.Blocks.Kernel, args.Stride, args.FirstDilation, groups, act: false));
        if (identity is not null)
            sum = b.Add(b.Identity("drop_path", sum), identity);
        return Activate(b, config, Attend(b, config, "attn", sum, args));
    }

    /// <summary>The same with several convolutions of the large kernel. Paper: MobileOne, https://arxiv.org/abs/2206.04040</summary>
    private static Node MobileOne(GraphBuilder b, Config config, Node x, BlockArgs args)
    {
        int groups = args.GroupsOf(x.Shape[0]), kernel = args.Blocks.Kernel;
        b.Declare("identity", "conv_kxk");
        Node? identity = KeepsShape(x, args) ? config.Norm(b, "identity", x, null) : null;
        Node? sum = kernel > 1 ? Conv(b, config, "conv_scale", x, args.Channels, 1, args.Stride, 1, groups, act: false) : null;
        for (int i = 0; i < args.Blocks.Branches; i++)
        {
            Node branch = Conv(b, config, $"conv_kxk.{i}", x, args.Channels, kernel, args.Stride, 1, groups, act: false);
            // timm adds to 0 where there is nothing to add to.
            sum = sum is null ? b.Identity("add", branch) : b.Add(sum, branch);
        }
        sum = b.Identity("drop_path", sum!);
        sum = identity is null ? b.Identity("add", sum) : b.Add(sum, identity);
        return Activate(b, config, Attend(b, config, "attn", sum, args));
    }

    private static int BottleWidth(Config config, Node x, BlockArgs args)
        => ChannelAttention.MakeDivisible((config.Inverted ? x.Shape[0] : args.Channels) * args.Blocks.BottleRatio);

    private static bool KeepsShape(Node x, BlockArgs args) => x.Shape[0] == args.Channels && args.Stride == 1 && args.FirstDilation == args.Dilation;

    private static Node Conv(GraphBuilder b, Config config, string name, Node x, int channels, int kernel, int stride = 1, int dilation = 1, int groups = 1, bool act = true)
        => ConvNormAct.Build(b, name, x, channels, kernel, config.Norm, act ? config.Act : null, stride, dilation, groups, antiAlias: config.AntiAlias);

    private static Node Attend(GraphBuilder b, Config config, string name, Node x, BlockArgs args) => (args.Blocks.Attention ?? config.Attention)?.Invoke(b, name, x) ?? b.Identity(name, x);

    private static Node Activate(GraphBuilder b, Config config, Node x) => ActLayers.Timm(config.Act)(b, "act", x);

    private static Node Residual(GraphBuilder b, Config config, Node x, Node input, BlockArgs args)
    {
        x = b.Identity("drop_path", x);
        if (KeepsShape(input, args) || config.Shortcut != Shortcut.None)
            x = b.Add(x, ShortcutOf(b, config, input, args));
        return config.Inverted ? b.Identity("act", x) : Activate(b, config, x);
    }

    // The shortcut runs last, but its parameters are the block's first.
    private static void DeclareShortcut(GraphBuilder b, Config config, Node x, BlockArgs args)
    {
        if (!KeepsShape(x, args) && config.Shortcut != Shortcut.None)
            b.Declare("shortcut");
    }

    private static Node ShortcutOf(GraphBuilder b, Config config, Node x, BlockArgs args)
    {
        if (KeepsShape(x, args))
            return b.Identity("shortcut", x);
        if (config.Shortcut == Shortcut.Conv)
            return Conv(b, config, "shortcut", x, args.Channels, 1, args.Stride, args.FirstDilation, act: false);
        using (b.Scope("shortcut"))
            return Conv(b, config, "conv", DownsamplePool.Build(b, "pool", x, args.Stride, args.FirstDilation), args.Channels, 1, act: false);
    }
}
