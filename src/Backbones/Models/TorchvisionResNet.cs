using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// torchvision's own ResNet, ResNeXt and Wide ResNet, with torchvision's module and node names.
/// torchvision: <c>models/resnet.py</c>. Papers: Deep Residual Learning, https://arxiv.org/abs/1512.03385; Aggregated Residual
/// Transformations, https://arxiv.org/abs/1611.05431; Wide Residual Networks, https://arxiv.org/abs/1605.07146
/// </summary>
public static class TorchvisionResNet
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

    internal static BackboneGraph Build(Config config, BuildOptions options)
    {
        // torchvision's replace_stride_with_dilation; its basic blocks refuse dilation.
        options.RequireOutputStride(config.BasicBlocks ? [32] : [8, 16, 32]);
        Size2 size = options.ImageSize ?? 224;
        var b = new GraphBuilder([options.InChannels, size.H, size.W]);

        Node x = b.Conv2d("conv1", b.Input, 64, 7, stride: 2, padding: 3);
        x = b.Act("relu", b.BatchNorm("bn1", x), UnaryKind.Relu);
        var levels = new List<FeatureLevel> { new(64, 2, "relu", x) };
        x = b.MaxPool2d("maxpool", x, 3, stride: 2, padding: 1);

        int stride = 4, dilation = 1;
        for (int stage = 0; stage < config.Layers.Length; stage++)
        {
            int stageStride = stage == 0 ? 1 : 2, firstDilation = dilation, planes = 64 << stage;
            if (stride >= options.OutputStride)
            {
                dilation *= stageStride;
                stageStride = 1;
            }
            stride *= stageStride;
            string name = $"layer{stage + 1}";
            for (int i = 0; i < config.Layers[stage]; i++)
            {
                var args = i == 0
                    ? new BlockArgs(planes, stageStride, firstDilation, stageStride != 1 || x.Shape[0] != planes * config.Expansion)
                    : new BlockArgs(planes, 1, dilation, false);
                using (b.Scope($"{name}.{i}"))
                    x = config.BasicBlocks ? BasicBlock(b, x, args) : Bottleneck(b, config, x, args);
            }
            levels.Add(new FeatureLevel(x.Shape[0], stride, name, x));
        }

        string pool = options.GlobalPool ?? "avg";
        int numClasses = options.NumClasses ?? 1000;
        Classifier.RequirePool(x, numClasses, pool);
        Node pooled = Pool(b, x, pool);
        return new BackboneGraph
        {
            Graph = b.Build(Classifier.Fc(b, "fc", pooled, numClasses)),
            Features = x,
            PreLogits = pooled,
            NumFeatures = x.Shape[0],
            HeadHiddenSize = x.Shape[0],
            Levels = [.. levels],
            Adapters = ImmutableDictionary<string, ParameterAdapter>.Empty.Add("conv1.weight", ParameterAdapters.InputConv),
        };
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

    private static Node Pool(GraphBuilder b, Node x, string pool) => pool switch
    {
        "avg" => b.Flatten(b.Module("avgpool", new ReduceOp(ReduceKind.Mean, [1, 2], KeepDims: true), x)),
        "" => x,
        _ => throw new GraphException($"Pool type '{pool}' is not one of torchvision's ResNets; valid types are 'avg' and ''."),
    };

    /// <summary>All variants.</summary>
    public static IEnumerable<ModelEntry> Models =>
    [
        Model("resnet18", new([2, 2, 2, 2]) { BasicBlocks = true }),
        Model("resnet34", new([3, 4, 6, 3]) { BasicBlocks = true }),
        Model("resnet50", new([3, 4, 6, 3])),
        Model("resnet101", new([3, 4, 23, 3])),
        Model("resnet152", new([3, 8, 36, 3])),
        Model("resnext50_32x4d", new([3, 4, 6, 3]) { Groups = 32, WidthPerGroup = 4 }),
        Model("resnext101_32x8d", new([3, 4, 23, 3]) { Groups = 32, WidthPerGroup = 8 }),
        Model("resnext101_64x4d", new([3, 4, 23, 3]) { Groups = 64, WidthPerGroup = 4 }),
        Model("wide_resnet50_2", new([3, 4, 6, 3]) { WidthPerGroup = 128 }),
        Model("wide_resnet101_2", new([3, 4, 23, 3]) { WidthPerGroup = 128 }),
    ];

    private static ModelEntry Model(string name, Config config) => new($"torchvision/{name}", options => Build(config, options));
}
