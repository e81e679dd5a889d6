using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// torchvision's own ResNet, ResNeXt and Wide ResNet, with torchvision's module and node names.
/// torchvision: <c>models/resnet.py</c>. Papers: Deep Residual Learning, https://arxiv.org/abs/1512.03385; Aggregated Residual
/// Transformations, https://arxiv.org/abs/1611.05431; Wide Residual Networks, https://arxiv.org/abs/1605.07146
/// </summary>
internal static class TorchvisionResNet
{
    /// <summary>What tells one variant from another: blocks per stage; the defaults are ResNet's with bottlenecks.</summary>
    internal sealed record Config(ImmutableArray<int> Layers)
    {
        /// <summary>Two 3×3 convolutions per block, no bottleneck.</summary>
        public bool BasicBlocks { get; init; }

        public int Groups { get; init; } = 1;

        public int WidthPerGroup { get; init; } = 64;

        public int Expansion => BasicBlocks ? 1 : 4;
    }

    private sealed record BlockArgs(int Planes, int Stride, int Dilation, bool Downsamples);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        // torchvision's replace_stride_with_dilation; its basic blocks refuse dilation.
        if (config.BasicBlocks)
            options.RequireOutputStride(32);
        var schedule = new StrideSchedule(options, stem: 4);
        Node x = b.Conv2d("conv1", b.Input, 64, 7, stride: 2, padding: 3);
        x = b.Act("relu", b.BatchNorm("bn1", x), UnaryKind.Relu);
        var levels = new List<FeatureLevel> { new(64, 2, "relu", x) };
        x = b.MaxPool2d("maxpool", x, 3, stride: 2, padding: 1);

        for (int stage = 0; stage < config.Layers.Length; stage++)
        {
            int firstDilation = schedule.Dilation, stride = schedule.Next(stage == 0 ? 1 : 2), planes = 64 << stage;
            string name = $"layer{stage + 1}";
            for (int i = 0; i < config.Layers[stage]; i++)
            {
                var args = i == 0
                    ? new BlockArgs(planes, stride, firstDilation, stride != 1 || x.Shape[0] != planes * config.Expansion)
                    : new BlockArgs(planes, 1, schedule.Dilation, false);
                using (b.Scope($"{name}.{i}"))
                    x = config.BasicBlocks ? BasicBlock(b, x, args) : Bottleneck(b, config, x, args);
            }
            levels.Add(new FeatureLevel(x.Shape[0], schedule.Reduction, name, x));
        }

        Node pooled = TorchvisionHead.Pool(b, x, options);
        return BackboneGraph.OfLevels(b, levels, x, (pooled, Classifier.Fc(b, "fc", pooled, options.NumClasses))) with { Intermediates = null };
    }

    private static Node BasicBlock(GraphBuilder b, Node x, BlockArgs args)
    {
        Node identity = x;
        x = b.Conv2d("conv1", x, args.Planes, 3, args.Stride, 1);
        x = b.Act("relu", b.BatchNorm("bn1", x), UnaryKind.Relu);
        x = b.BatchNorm("bn2", b.Conv2d("conv2", x, args.Planes, 3, padding: 1));
        return b.Act("relu", b.Add(x, Downsample(b, identity, args.Planes, args)), UnaryKind.Relu);
    }

    private static Node Bottleneck(GraphBuilder b, Config config, Node x, BlockArgs args)
    {
        Node identity = x;
        int width = args.Planes * config.WidthPerGroup / 64 * config.Groups;
        x = b.Act("relu", b.BatchNorm("bn1", b.Conv2d("conv1", x, width, 1)), UnaryKind.Relu);
        x = b.Conv2d("conv2", x, width, 3, args.Stride, args.Dilation, args.Dilation, config.Groups);
        x = b.Act("relu", b.BatchNorm("bn2", x), UnaryKind.Relu);
        x = b.BatchNorm("bn3", b.Conv2d("conv3", x, args.Planes * config.Expansion, 1));
        return b.Act("relu", b.Add(x, Downsample(b, identity, args.Planes * config.Expansion, args)), UnaryKind.Relu);
    }

    private static Node Downsample(GraphBuilder b, Node x, int channels, BlockArgs args)
    {
        if (!args.Downsamples)
            return x;
        using (b.Scope("downsample"))
            return b.BatchNorm("1", b.Conv2d("0", x, channels, 1, args.Stride));
    }

    public static ModelFamily<Config> Models => new(Build)
    {
        ["torchvision/resnet18"] = new([2, 2, 2, 2]) { BasicBlocks = true },
        ["torchvision/resnet34"] = new([3, 4, 6, 3]) { BasicBlocks = true },
        ["torchvision/resnet50"] = new([3, 4, 6, 3]),
        ["torchvision/resnet101"] = new([3, 4, 23, 3]),
        ["torchvision/resnet152"] = new([3, 8, 36, 3]),
        ["torchvision/resnext50_32x4d"] = new([3, 4, 6, 3]) { Groups = 32, WidthPerGroup = 4 },
        ["torchvision/resnext101_32x8d"] = new([3, 4, 23, 3]) { Groups = 32, WidthPerGroup = 8 },
        ["torchvision/resnext101_64x4d"] = new([3, 4, 23, 3]) { Groups = 64, WidthPerGroup = 4 },
        ["torchvision/wide_resnet50_2"] = new([3, 4, 6, 3]) { WidthPerGroup = 128 },
        ["torchvision/wide_resnet101_2"] = new([3, 4, 23, 3]) { WidthPerGroup = 128 },
    };
}
