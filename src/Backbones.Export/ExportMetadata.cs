using System.Globalization;
using System.Text.Json;
using Backbones.Imaging;

namespace Backbones;

/// <summary>What an exported backbone says about itself, under timm's config names.</summary>
internal static class ExportMetadata
{
    public static IReadOnlyDictionary<string, string> Of(Backbone backbone, FeatureSelection selection)
    {
        ImageTransformOptions transform = backbone.TransformOptions;
        return new Dictionary<string, string>
        {
            ["model"] = backbone.Name,
            ["selection"] = JsonSerializer.Serialize(selection),
            ["input_size"] = JsonSerializer.Serialize((int[])[transform.Channels, transform.Height, transform.Width]),
            ["interpolation"] = transform.Interpolation.ToString().ToLowerInvariant(),
            ["crop_pct"] = transform.CropPct.ToString(CultureInfo.InvariantCulture),
            ["crop_mode"] = transform.CropMode.ToString().ToLowerInvariant(),
            ["mean"] = JsonSerializer.Serialize(transform.Mean),
            ["std"] = JsonSerializer.Serialize(transform.Std),
        };
    }
}
