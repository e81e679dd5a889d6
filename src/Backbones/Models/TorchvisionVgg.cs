using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// torchvision's VGG, with torchvision's module and node names: timm's layers, and a head of linear layers.
/// torchvision: <c>models/vgg.py</c>. Paper: Very Deep Convolutional Networks for Large-Scale Image Recognition, https://arxiv.org/abs/1409.1556
/// </summary>
internal static class TorchvisionVgg
{
    private static (Node PreLogits, Node Logits) Head(GraphBuilder b, Vgg.Config config, Node x, ModelOptions options)
    {
        TorchvisionHead.RequirePool(x, options);
        if (options.GlobalPool.Length > 0)
        {
            x = b.Flatten(b.Module("avgpool", new AdaptiveAvgPool2dOp(Vgg.HeadKernel, Vgg.HeadKernel), x));
            x = b.Identity("classifier.2", b.Act("classifier.1", b.Linear("classifier.0", x, config.HeadHiddenSize), UnaryKind.Relu));
            x = b.Identity("classifier.5", b.Act("classifier.4", b.Linear("classifier.3", x, config.HeadHiddenSize), UnaryKind.Relu));
        }
        return (x, Classifier.Fc(b, "classifier.6", x, options.NumClasses));
    }

    public static ModelFamily<Vgg.Config> Models => new((b, config, options) => Vgg.Build(b, config, options, Head))
    {
        ["torchvision/vgg11"] = new([1, 1, 2, 2, 2]),
        ["torchvision/vgg11_bn"] = new([1, 1, 2, 2, 2], Norm: true),
        ["torchvision/vgg13"] = new([2, 2, 2, 2, 2]),
        ["torchvision/vgg13_bn"] = new([2, 2, 2, 2, 2], Norm: true),
        ["torchvision/vgg16"] = new([2, 2, 3, 3, 3]),
        ["torchvision/vgg16_bn"] = new([2, 2, 3, 3, 3], Norm: true),
        ["torchvision/vgg19"] = new([2, 2, 4, 4, 4]),
        ["torchvision/vgg19_bn"] = new([2, 2, 4, 4, 4], Norm: true),
    };
}
