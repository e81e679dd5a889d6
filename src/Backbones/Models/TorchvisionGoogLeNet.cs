using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// torchvision's GoogLeNet (Inception V1 with batch norm), with torchvision's module and node names, without the auxiliary classifiers: torchvision drops them, too, when it loads its weights.
/// torchvision: <c>models/googlenet.py</c>. Paper: Going Deeper with Convolutions, https://arxiv.org/abs/1409.4842
/// </summary>
internal static class TorchvisionGoogLeNet
{
    /// <summary>Widths of a block's branches: 1×1; 3×3 with the 1×1 before it; again (5×5 in the paper, 3×3 in all published weights); 1×1 behind the pooling.</summary>
    private readonly record struct Widths(int One, int Reduce3, int Three, int Reduce5, int Five, int Pool);

    private static BackboneGraph Build(GraphBuilder b, string _, ModelOptions options)
    {
        options.RequireOutputStride(32);
        var levels = new List<FeatureLevel>();
        Node x = Level(2, "conv1", Conv("conv1", b.Input, 64, 7, stride: 2));
        x = Conv("conv2", MaxPool("maxpool1", x, 3), 64, 1);
        x = Level(4, "conv3", Conv("conv3", x, 192, 3));
        x = Inception("inception3a", MaxPool("maxpool2", x, 3), new(64, 96, 128, 16, 32, 32));
        x = Level(8, "inception3b", Inception("inception3b", x, new(128, 128, 192, 32, 96, 64)));
        x = Inception("inception4a", MaxPool("maxpool3", x, 3), new(192, 96, 208, 16, 48, 64));
        x = Inception("inception4b", x, new(160, 112, 224, 24, 64, 64));
        x = Inception("inception4c", x, new(128, 128, 256, 24, 64, 64));
        x = Inception("inception4d", x, new(112, 144, 288, 32, 64, 64));
        x = Level(16, "inception4e", Inception("inception4e", x, new(256, 160, 320, 32, 128, 128)));
        x = Inception("inception5a", MaxPool("maxpool4", x, 2), new(256, 160, 320, 32, 128, 128));
        x = Level(32, "inception5b", Inception("inception5b", x, new(384, 192, 384, 48, 128, 128)));

        Node pooled = b.Identity("dropout", TorchvisionHead.Pool(b, x, options));
        return BackboneGraph.OfLevels(b, levels, x, (pooled, Classifier.Fc(b, "fc", pooled, options.NumClasses))) with { Intermediates = null };

        Node Level(int reduction, string module, Node map)
        {
            levels.Add(new FeatureLevel(map.Shape[0], reduction, module, map));
            return map;
        }

        Node Conv(string name, Node map, int channels, int kernel, int stride = 1)
        {
            using (b.Scope(name))
                return TorchvisionInceptionV3.Norm(b, "bn", b.Conv2d("conv", map, channels, kernel, stride, kernel / 2), UnaryKind.Relu);
        }

        Node MaxPool(string name, Node map, int kernel, int stride = 2) => b.MaxPool2d(name, map, kernel, stride, stride == 1 ? kernel / 2 : 0, ceilMode: true);

        Node Inception(string name, Node map, Widths widths)
        {
            using (b.Scope(name))
            {
                return b.Concat(0, [
                    Conv("branch1", map, widths.One, 1),
                    Conv("branch2.1", Conv("branch2.0", map, widths.Reduce3, 1), widths.Three, 3),
                    Conv("branch3.1", Conv("branch3.0", map, widths.Reduce5, 1), widths.Five, 3),
                    Conv("branch4.1", MaxPool("branch4.0", map, 3, stride: 1), widths.Pool, 1),
                ]);
            }
        }
    }

    /// <summary>The published file has the auxiliary classifiers.</summary>
    private static void Remap(Checkpoint c, string _) => c.Drop(@"^aux[12]\.");

    public static ModelFamily<string> Models => new(Build)
    {
        Remap = Remap,
        ["torchvision/googlenet"] = "",
    };
}
