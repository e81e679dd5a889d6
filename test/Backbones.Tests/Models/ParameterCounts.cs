using Backbones.Models;

namespace Backbones.Tests.Models;

/// <summary>Parameter counts as timm's benchmark tables have them: millions, two decimals.</summary>
internal static class ParameterCounts
{
    public static void AssertMillions(string name, double millions)
        => Assert.AreEqual(millions, Math.Round(ModelCatalog.Find(name).Build(BuildOptions.Default).Graph.ParameterCount / 1e6, 2), name);
}
