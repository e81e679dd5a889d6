using System.Globalization;
using System.Text.RegularExpressions;
using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Models;

namespace Backbones.Detection;

/// <summary>The six maps of SSD300 over VGG-16 (torchvision's <c>SSDFeatureExtractorVGG</c>): the fourth stage's with vectors of equal length, the last stage's after the layers that were VGG's head, and
/// four that become smaller.</summary>
internal static partial class SsdVgg
{
    /// <summary>VGG's fourth pooling: torchvision counts its layers anew from here on.</summary>
    private const int Pool4 = 23;

    /// <summary>Pixels of a side of which the last map still has one.</summary>
    private const int LeastSide = 268;

    /// <summary>The layers behind the maps, each of a 1×1 and a 3×3 convolution: their channels, stride and padding.</summary>
    private static readonly (int Hidden, int Channels, int Stride, int Padding)[] s_extra = [(256, 512, 2, 1), (128, 256, 2, 1), (128, 256, 1, 0), (128, 256, 1, 0)];

    /// <summary>The maps for an image size.</summary>
    /// <exception cref="GraphException">It is too small.</exception>
    public static SelectedFeatures Build(Size2 size)
    {
        if (Math.Min(size.H, size.W) < LeastSide)
            throw new GraphException($"Nothing is left of an image of {size} in the last map of 'torchvision/ssd300_vgg16'; its sides must be {LeastSide} or more (FixedSize).");
        ModelEntry vgg = ModelCatalog.Find("torchvision/vgg16");
        vgg = vgg.WithConfig((Vgg.Config)vgg.Config with { CeilModeStage = 2 });
        return SelectedFeatures.Create(vgg, FeatureSelection.Nodes($"features.{Pool4 - 1}", "features.29"), new BuildOptions { ImageSize = size }).Extend(Extend);
    }

    /// <summary>torchvision's key of one of VGG's, or of a layer behind it.</summary>
    public static string KeyOf(string key)
    {
        Match layer = VggLayer().Match(key);
        int number = layer.Success ? int.Parse(layer.Groups[1].Value, CultureInfo.InvariantCulture) : 0;
        return "backbone." + (number < Pool4 ? key : $"extra.0.{number - Pool4}{layer.Groups[2].Value}");
    }

    private static IEnumerable<(string, Node)> Extend(GraphBuilder b, IReadOnlyList<(string Name, Node Map)> maps)
    {
        Node fine = maps[0].Map, x = maps[1].Map;
        Node scale = b.Reshape(b.Parameter("scale_weight", [fine.Shape[0]]), [fine.Shape[0], 1, 1]);
        var results = new List<Node> { b.Multiply(Norms.L2Normalize(b, fine, axis: 0), scale) };
        // The head's layers as convolutions, of which the first sees 7×7 pixels with gaps.
        using (b.Scope("extra.0.7"))
        {
            x = b.MaxPool2d("0", x, 3, stride: 1, padding: 1);
            x = b.Act("2", b.Conv2d("1", x, 1024, 3, padding: 6, dilation: 6, bias: true), UnaryKind.Relu);
            results.Add(x = b.Act("4", b.Conv2d("3", x, 1024, 1, bias: true), UnaryKind.Relu));
        }
        foreach ((int i, (int hidden, int channels, int stride, int padding)) in s_extra.Index())
        {
            using (b.Scope($"extra.{i + 1}"))
            {
                x = b.Act("1", b.Conv2d("0", x, hidden, 1, bias: true), UnaryKind.Relu);
                results.Add(x = b.Act("3", b.Conv2d("2", x, channels, 3, stride, padding, bias: true), UnaryKind.Relu));
            }
        }
        return results.Select((map, i) => ($"{i}", map));
    }

    [GeneratedRegex(@"^features\.(\d+)(.*)$")]
    private static partial Regex VggLayer();
}
