using Backbones.Engines;

namespace TimmFeatures.Extraction;

/// <summary>How a number format is written for people: 'float32', 'float16-weights'.</summary>
internal static class PrecisionName
{
    public static string Of(Precision precision) => precision == Precision.Float16Weights ? "float16-weights" : precision.ToString().ToLowerInvariant();
}
