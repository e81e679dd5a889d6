using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// torchvision's DenseNet, with torchvision's module and node names: timm's layers with norms and activations apart.
/// torchvision: <c>models/densenet.py</c>. Paper: Densely Connected Convolutional Networks, https://arxiv.org/abs/1608.06993
/// </summary>
internal static class TorchvisionDenseNet
{
    private static readonly NormActLayer s_norm = (b, name, x, act)
        => b.Act(name.Replace("norm", "relu", StringComparison.Ordinal), b.BatchNorm(name, x), act ?? throw new ArgumentNullException(nameof(act)));

    private static BackboneGraph Build(GraphBuilder b, DenseNet.Config config, ModelOptions options)
    {
        (List<FeatureLevel> levels, Node x) = DenseNet.BuildBlocks(b, config, options);
        x = b.Unary(b.BatchNorm("features.norm5", x), UnaryKind.Relu, "relu");
        levels.Add(new FeatureLevel(x.Shape[0], DenseNet.LastStride, "relu", x));
        Node pooled = TorchvisionHead.Pool(b, x, options, "adaptive_avg_pool2d");
        return BackboneGraph.OfLevels(b, levels, x, (pooled, Classifier.Fc(b, "classifier", pooled, options.NumClasses))) with { Intermediates = null };
    }

    public static ModelFamily<DenseNet.Config> Models => new(Build)
    {
        Remap = DenseNet.Remap,
        ["torchvision/densenet121"] = new(32, [6, 12, 24, 16]) { Norm = s_norm },
        ["torchvision/densenet161"] = new(48, [6, 12, 36, 24]) { Norm = s_norm },
        ["torchvision/densenet169"] = new(32, [6, 12, 32, 32]) { Norm = s_norm },
        ["torchvision/densenet201"] = new(32, [6, 12, 48, 32]) { Norm = s_norm },
    };
}
