using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Models;
using Backbones.Weights;

namespace Backbones.Detection;

/// <summary>The six maps of SSDlite over MobileNetV3 (torchvision's <c>SSDLiteFeatureExtractorMobileNet</c>): inside the first block of the last stage, of the last convolution, and four that become
/// smaller.</summary>
internal static partial class SsdLiteMobileNet
{
    /// <summary>The first block of the last stage, which torchvision cuts in two behind its first convolution.</summary>
    private const int C4 = 13;

    /// <summary>Channels of the last map of a whole MobileNetV3.</summary>
    private const int WholeTail = 960;

    private static readonly NormLayer s_norm = Norms.BatchNormWith(1e-3f);

    private static readonly ImmutableArray<int> s_extraChannels = [512, 256, 256, 128];

    /// <summary>The maps for an image size.</summary>
    /// <param name="weights">What tells how wide the last stage is: half as wide in the published model, whole where the training began with the classifier's weights.</param>
    /// <param name="size">The image size.</param>
    public static SelectedFeatures Build(ParameterStore? weights, Size2 size)
    {
        ModelEntry model = ModelCatalog.Find("torchvision/mobilenet_v3_large");
        bool isWhole = weights?.TryGet("backbone.extra.0.0.0.weight", out ParameterTensor? next) == true && next.Shape is [_, WholeTail, ..];
        if (!isWhole)
            model = model.WithConfig(((TorchvisionMobileNetV3.Config)model.Config).WithReducedTail());
        return SelectedFeatures.Create(model, FeatureSelection.Nodes($"features.{C4}.block.0", "features.16"), new BuildOptions { ImageSize = size }).Extend(Extend);
    }

    /// <summary>torchvision's key of one of MobileNet's, or of a layer behind it.</summary>
    public static string KeyOf(string key)
    {
        Match layer = Layer().Match(key);
        if (!layer.Success)
            return "backbone." + key;
        (int number, string part, string rest) = (int.Parse(layer.Groups[1].Value, CultureInfo.InvariantCulture), layer.Groups[2].Value, layer.Groups[3].Value);
        return "backbone.features." + (number, part) switch
        {
            (C4, "0") => $"0.{C4}{rest}",
            (C4, _) => $"1.0.{part}{rest}",
            ( < C4, _) => $"0.{number}{(part.Length > 0 ? $".block.{part}" : "")}{rest}",
            _ => $"1.{number - C4}{(part.Length > 0 ? $".block.{part}" : "")}{rest}",
        };
    }

    private static IEnumerable<(string, Node)> Extend(GraphBuilder b, IReadOnlyList<(string Name, Node Map)> maps)
    {
        var results = new List<Node>(maps.Select(m => m.Map));
        Node x = results[^1];
        foreach ((int i, int channels) in s_extraChannels.Index())
        {
            using (b.Scope($"extra.{i}"))
            {
                x = Conv2dNormActivation.Build(b, "0", x, channels / 2, 1, s_norm, UnaryKind.Relu6);
                x = Conv2dNormActivation.Build(b, "1", x, channels / 2, 3, s_norm, UnaryKind.Relu6, stride: 2, groups: channels / 2);
                results.Add(x = Conv2dNormActivation.Build(b, "2", x, channels, 1, s_norm, UnaryKind.Relu6));
            }
        }
        return results.Select((map, i) => ($"{i}", map));
    }

    [GeneratedRegex(@"^features\.(\d+)(?:\.block\.(\d+))?(.*)$")]
    private static partial Regex Layer();
}
