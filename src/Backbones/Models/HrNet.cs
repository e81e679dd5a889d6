using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// HRNet: branches of up to four resolutions side by side, which exchange their maps again and again.
/// timm: <c>hrnet.py</c>. Paper: Deep High-Resolution Representation Learning for Visual Recognition, https://arxiv.org/abs/1908.07919
/// </summary>
internal static class HrNet
{
    private static readonly ResNet.Config s_blocks = new(ResNet.Block.Basic, []);

    /// <summary>What tells one variant from another; the defaults are those of the full networks.</summary>
    /// <param name="Width">Channels of the branch of highest resolution; each further one has twice as many.</param>
    internal sealed record Config(int Width)
    {
        /// <summary>Bottlenecks of the first stage, and their planes.</summary>
        public (int Count, int Planes) Stage1 { get; init; } = (4, 64);

        /// <summary>Modules of stages 2, 3 and 4: after each the branches exchange.</summary>
        public ImmutableArray<int> Modules { get; init; } = [1, 4, 3];

        /// <summary>Blocks of a branch in a module.</summary>
        public int Blocks { get; init; } = 4;

        public bool HeadConvBias { get; init; } = true;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        RequireExactHalves(b.Input.Shape);
        Node x = b.Act("act1", b.BatchNorm("bn1", Conv3x3(b, "conv1", b.Input, 64)), UnaryKind.Relu);
        var levels = new List<FeatureLevel> { new(64, 2, "stem", x) };
        x = b.Act("act2", b.BatchNorm("bn2", Conv3x3(b, "conv2", x, 64)), UnaryKind.Relu);
        x = Blocks(b, "layer1", x, ResNet.Block.Bottleneck, config.Stage1.Planes, config.Stage1.Count);

        Node[] maps = [x];
        for (int stage = 2; stage <= 4; stage++)
        {
            maps = Transition(b, $"transition{stage - 1}", maps, config.Width, stage);
            for (int module = 0; module < config.Modules[stage - 2]; module++)
            {
                using (b.Scope($"stage{stage}.{module}"))
                    maps = Module(b, config, maps);
            }
        }

        b.Declare("incre_modules", "downsamp_modules", "final_layer");
        x = Increase(0);
        for (int i = 1; i < maps.Length; i++)
            x = b.Add(Increase(i), ConvBnAct(b, $"downsamp_modules.{i - 1}", x, 128 << i, 3, 2, config.HeadConvBias));
        x = ConvBnAct(b, "final_layer", x, 2048, 1, 1, config.HeadConvBias);
        return BackboneGraph.OfLevels(b, levels, x, Classifier.WithDrop(b, x, options.NumClasses, options.GlobalPool, "classifier")) with { Intermediates = null };

        // One wide bottleneck on each branch; timm's features_only gives these maps.
        Node Increase(int branch)
        {
            Node map = Blocks(b, $"incre_modules.{branch}", maps[branch], ResNet.Block.Bottleneck, 32 << branch, 1);
            levels.Add(new FeatureLevel(map.Shape[0], 4 << branch, $"stage{branch + 1}", map));
            return map;
        }
    }

    /// <summary>Maps are halved three times after the stem and enlarged again: they must come out as they were.</summary>
    private static void RequireExactHalves(Shape image)
    {
        if ((image[1] + 3) / 4 % 8 != 0 || (image[2] + 3) / 4 % 8 != 0)
            throw new GraphException($"HRNet takes images whose sides are multiples of 32, not {image[1]}×{image[2]}.");
    }

    /// <summary>The branches of the stage before, and one more of half the resolution.</summary>
    private static Node[] Transition(GraphBuilder b, string name, Node[] maps, int width, int branches)
    {
        var result = new Node[branches];
        using (b.Scope(name))
        {
            for (int i = 0; i < branches; i++)
            {
                int channels = width << i;
                if (i >= maps.Length)
                    result[i] = ConvBnAct(b, $"{i}.0", maps[^1], channels, 3, 2);
                else
                    result[i] = maps[i].Shape[0] == channels ? maps[i] : ConvBnAct(b, $"{i}", maps[i], channels, 3, 1);
            }
        }
        return result;
    }

    /// <summary>Each branch's blocks, then the exchange: every branch becomes the sum of all, brought to its resolution.</summary>
    private static Node[] Module(GraphBuilder b, Config config, Node[] maps)
    {
        maps = [.. maps.Select((map, i) => Blocks(b, $"branches.{i}", map, ResNet.Block.Basic, map.Shape[0], config.Blocks))];
        return [.. maps.Select((_, to) =>
        {
            Node? sum = null;
            for (int from = 0; from < maps.Length; from++)
            {
                Node map = Exchange(b, $"fuse_layers.{to}.{from}", maps, from, to);
                sum = sum is null ? map : b.Add(sum, map);
            }
            return b.Act("fuse_act", sum!, UnaryKind.Relu);
        })];
    }

    private static Node Exchange(GraphBuilder b, string name, Node[] maps, int from, int to)
    {
        Node x = maps[from];
        Shape target = maps[to].Shape;
        if (from == to)
            return b.Identity(name, x);
        using (b.Scope(name))
        {
            if (from > to)
            {
                x = b.BatchNorm("1", b.Conv2d("0", x, target[0], 1));
                return b.Leaf("2", () => b.Resize(x, target[1], target[2], ResizeMode.Nearest));
            }
            for (int i = 0; i < to - from; i++)
            {
                if (i < to - from - 1)
                {
                    x = ConvBnAct(b, $"{i}", x, x.Shape[0], 3, 2);
                    continue;
                }
                using (b.Scope($"{i}"))
                    x = b.BatchNorm("1", Conv3x3(b, "0", x, target[0]));
            }
            return x;
        }
    }

    /// <summary>ResNet's blocks, the first with a shortcut of its own where the channels change.</summary>
    private static Node Blocks(GraphBuilder b, string name, Node x, ResNet.Block block, int planes, int count)
    {
        int channels = planes * block.Expansion;
        using (b.Scope(name))
        {
            for (int i = 0; i < count; i++)
            {
                using (b.Scope($"{i}"))
                    x = block.Build(b, s_blocks, x, new ResNet.BlockArgs(planes, 1, 1, 1, x.Shape[0] == channels ? null : Shortcut));
            }
        }
        return x;

        Node Shortcut(Node map)
        {
            using (b.Scope("downsample"))
                return b.BatchNorm("1", b.Conv2d("0", map, channels, 1));
        }
    }

    private static Node Conv3x3(GraphBuilder b, string name, Node x, int channels) => b.Conv2d(name, x, channels, 3, stride: 2, padding: 1);

    private static Node ConvBnAct(GraphBuilder b, string name, Node x, int channels, int kernel, int stride, bool bias = false)
    {
        using (b.Scope(name))
            return b.Act("2", b.BatchNorm("1", b.Conv2d("0", x, channels, kernel, stride, kernel / 2, bias: bias)), UnaryKind.Relu);
    }

    public static ModelFamily<Config> Models => new(Build)
    {
        ["hrnet_w18_small"] = new(16) { Stage1 = (1, 32), Modules = [1, 1, 1], Blocks = 2 },
        ["hrnet_w18_small_v2"] = new(18) { Stage1 = (2, 64), Modules = [1, 3, 2], Blocks = 2 },
        ["hrnet_w18"] = new(18),
        ["hrnet_w30"] = new(30),
        ["hrnet_w32"] = new(32),
        ["hrnet_w40"] = new(40),
        ["hrnet_w44"] = new(44),
        ["hrnet_w48"] = new(48),
        ["hrnet_w64"] = new(64),
        ["hrnet_w18_ssld"] = new(18) { HeadConvBias = false },
        ["hrnet_w48_ssld"] = new(48) { HeadConvBias = false },
    };
}
