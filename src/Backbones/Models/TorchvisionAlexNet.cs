using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// torchvision's AlexNet, with torchvision's module and node names: the one-tower network.
/// torchvision: <c>models/alexnet.py</c>. Paper: One weird trick for parallelizing convolutional neural networks, https://arxiv.org/abs/1404.5997
/// </summary>
internal static class TorchvisionAlexNet
{
    private const int HeadGrid = 6, HeadHiddenSize = 4096;

    private static BackboneGraph Build(GraphBuilder b, string _, ModelOptions options)
    {
        options.RequireOutputStride(32);
        var levels = new List<FeatureLevel>();
        int layer = 0;
        Node x = Level(4, Conv(b.Input, 64, 11, stride: 4, padding: 2));
        x = Level(8, Conv(Pool(x), 192, 5, padding: 2));
        x = Conv(Conv(Pool(x), 384, 3, padding: 1), 256, 3, padding: 1);
        x = Level(16, Conv(x, 256, 3, padding: 1));
        x = Level(32, Pool(x));
        return BackboneGraph.OfLevels(b, levels, x, Head(b, x, options)) with { HeadHiddenSize = HeadHiddenSize, Intermediates = null };

        string Next() => $"features.{layer++}";

        Node Conv(Node map, int channels, int kernel, int padding, int stride = 1)
        {
            map = b.Conv2d(Next(), map, channels, kernel, stride, padding, bias: true);
            return b.Act(Next(), map, UnaryKind.Relu);
        }

        Node Pool(Node map) => b.MaxPool2d(Next(), map, 3, 2);

        Node Level(int reduction, Node map)
        {
            levels.Add(new FeatureLevel(map.Shape[0], reduction, map.Name, map));
            return map;
        }
    }

    private static (Node PreLogits, Node Logits) Head(GraphBuilder b, Node x, ModelOptions options)
    {
        TorchvisionHead.RequirePool(x, options);
        if (options.GlobalPool.Length > 0)
        {
            x = b.Identity("classifier.0", b.Flatten(b.Module("avgpool", new AdaptiveAvgPool2dOp(HeadGrid, HeadGrid), x)));
            x = b.Act("classifier.2", b.Linear("classifier.1", x, HeadHiddenSize), UnaryKind.Relu);
            x = b.Act("classifier.5", b.Linear("classifier.4", b.Identity("classifier.3", x), HeadHiddenSize), UnaryKind.Relu);
        }
        return (x, Classifier.Fc(b, "classifier.6", x, options.NumClasses));
    }

    public static ModelFamily<string> Models => new(Build)
    {
        ["torchvision/alexnet"] = "",
    };
}
