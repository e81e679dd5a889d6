using Backbones;
using TimmFeatures.Extraction;
using TimmFeatures.Service.Backends;

namespace TimmFeatures.Cli.Serving;

/// <summary>An output as it is sent.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Shape">Its shape, without batch.</param>
/// <param name="Level">Which level it is, for pyramids and blocks.</param>
internal sealed record WireOutput(string Name, int[] Shape, FeatureInfo? Level)
{
    public static string Write(FeatureLayout layout) => SnakeCaseJson.Write(layout.Outputs.Select(o => new WireOutput(o.Name, [.. o.Shape], o.Level)).ToArray());

    public static FeatureLayout Read(string json) => new([.. SnakeCaseJson.Read<WireOutput[]>(json).Select(o => new FeatureOutput(o.Name, Backbones.Graphs.Shape.Create(o.Shape), o.Level))]);
}
