using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// torchvision's own RegNet X and Y, with torchvision's module and node names.
/// torchvision: <c>models/regnet.py</c>. Papers: Designing Network Design Spaces, https://arxiv.org/abs/2003.13678; the SWAG weights: Revisiting Weakly Supervised Pre-Training
/// of Visual Perception Models, https://arxiv.org/abs/2201.08371
/// </summary>
internal static class TorchvisionRegNet
{
    private static BackboneGraph Build(GraphBuilder b, RegNet.Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x = ConvNormAct(b, "stem", b.Input, 32, 3, UnaryKind.Relu, stride: 2);
        var levels = new List<FeatureLevel> { new(32, 2, "stem", x) };
        foreach ((int number, RegNet.Stage stage) in RegNet.StagesOf(config).Index())
        {
            string name = $"trunk_output.block{number + 1}";
            for (int i = 0; i < stage.Depth; i++)
            {
                using (b.Scope($"{name}.block{number + 1}-{i}"))
                    x = Bottleneck(b, config, x, stage, i == 0 ? 2 : 1);
            }
            levels.Add(new FeatureLevel(stage.Width, 4 << number, name, x));
        }
        Node pooled = TorchvisionHead.Pool(b, x, options);
        return BackboneGraph.OfLevels(b, levels, x, (pooled, Classifier.Fc(b, "fc", pooled, options.NumClasses))) with { Intermediates = null };
    }

    private static Node Bottleneck(GraphBuilder b, RegNet.Config config, Node x, RegNet.Stage stage, int stride)
    {
        Node shortcut = stride != 1 || x.Shape[0] != stage.Width ? ConvNormAct(b, "proj", x, stage.Width, 1, act: null, stride) : x;
        int squeeze = (int)MathF.Round(config.SqueezeRatio * x.Shape[0]);
        using (b.Scope("f"))
        {
            x = ConvNormAct(b, "a", x, stage.Width, 1, UnaryKind.Relu);
            x = ConvNormAct(b, "b", x, stage.Width, 3, UnaryKind.Relu, stride, stage.Width / stage.GroupWidth);
            if (squeeze > 0)
                x = SqueezeExcitation.Build(b, "se", x, squeeze);
            x = ConvNormAct(b, "c", x, stage.Width, 1, act: null);
        }
        return b.Act("activation", b.Add(shortcut, x), UnaryKind.Relu);
    }

    private static Node ConvNormAct(GraphBuilder b, string name, Node x, int channels, int kernel, UnaryKind? act, int stride = 1, int groups = 1)
        => Conv2dNormActivation.Build(b, name, x, channels, kernel, Norms.BatchNorm, act, stride, groups: groups);

    public static ModelFamily<RegNet.Config> Models => new(Build)
    {
        ["torchvision/regnet_y_400mf"] = Y(16, 48, 27.89f, 2.09f, 8),
        ["torchvision/regnet_y_800mf"] = Y(14, 56, 38.84f, 2.4f, 16),
        ["torchvision/regnet_y_1_6gf"] = Y(27, 48, 20.71f, 2.65f, 24),
        ["torchvision/regnet_y_3_2gf"] = Y(21, 80, 42.63f, 2.66f, 24),
        ["torchvision/regnet_y_8gf"] = Y(17, 192, 76.82f, 2.19f, 56),
        ["torchvision/regnet_y_16gf"] = Y(18, 200, 106.23f, 2.48f, 112),
        ["torchvision/regnet_y_32gf"] = Y(20, 232, 115.89f, 2.53f, 232),
        ["torchvision/regnet_y_128gf"] = Y(27, 456, 160.83f, 2.52f, 264),
        ["torchvision/regnet_x_400mf"] = X(22, 24, 24.48f, 2.54f, 16),
        ["torchvision/regnet_x_800mf"] = X(16, 56, 35.73f, 2.28f, 16),
        ["torchvision/regnet_x_1_6gf"] = X(18, 80, 34.01f, 2.25f, 24),
        ["torchvision/regnet_x_3_2gf"] = X(25, 88, 26.31f, 2.25f, 48),
        ["torchvision/regnet_x_8gf"] = X(23, 80, 49.56f, 2.88f, 120),
        ["torchvision/regnet_x_16gf"] = X(22, 216, 55.59f, 2.1f, 128),
        ["torchvision/regnet_x_32gf"] = X(23, 320, 69.86f, 2f, 168),
    };

    private static RegNet.Config X(int depth, int initialWidth, float slope, float multiplier, int groupWidth)
        => new(depth, initialWidth, slope, multiplier, groupWidth) { TorchvisionRounding = true };

    private static RegNet.Config Y(int depth, int initialWidth, float slope, float multiplier, int groupWidth)
        => X(depth, initialWidth, slope, multiplier, groupWidth) with { SqueezeRatio = 0.25f };
}
