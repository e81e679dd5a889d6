using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// torchvision's Inception V3, with torchvision's module and node names, without the auxiliary classifier: torchvision drops it, too, when it loads its weights.
/// torchvision: <c>models/inception.py</c>. Paper: Rethinking the Inception Architecture for Computer Vision, https://arxiv.org/abs/1512.00567
/// </summary>
internal static class TorchvisionInceptionV3
{
    /// <summary>Batch norm as a module and ReLU as a function, in the scope of the convolution.</summary>
    internal static NormActLayer Norm { get; } = (b, name, x, _) => b.Unary(b.BatchNorm(name, x, 1e-3f), UnaryKind.Relu, "relu");

    private static (Node PreLogits, Node Logits) Head(GraphBuilder b, Node x, ModelOptions options)
    {
        TorchvisionHead.RequirePool(x, options);
        if (options.GlobalPool.Length > 0)
            x = b.Flatten(b.Identity("dropout", b.Module("avgpool", new ReduceOp(ReduceKind.Mean, [1, 2], KeepDims: true), x)));
        return (x, Classifier.Fc(b, "fc", x, options.NumClasses));
    }

    /// <summary>The published file has the auxiliary classifier.</summary>
    private static void Remap(Checkpoint c, InceptionV3.Config config) => c.Drop(@"^AuxLogits\.");

    public static ModelFamily<InceptionV3.Config> Models => new(InceptionV3.Build)
    {
        Remap = Remap,
        ["torchvision/inception_v3"] = new("maxpool", Norm, Head),
    };
}
