using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class CspNetTests
{
    // The variants that have no reference line.
    [TestMethod]
    [DataRow("cspresnet50", 21.62)]
    [DataRow("cs3darknet_focus_l", 21.15)]
    [DataRow("cs3edgenet_x", 47.82)]
    public void ParameterCountsAreTimms(string name, double millions) => ParameterCounts.AssertMillions(name, millions);

    [TestMethod]
    [DataRow("darknet21", 6)]
    [DataRow("cspdarknet53", 6)]
    [DataRow("sedarknet21", 5)]
    [DataRow("cspresnet50d", 5)]
    [DataRow("cs3darknet_focus_s", 5)]
    public void LevelsStartWithTheMapBeforeTheFirstStride(string name, int levels)
    {
        SelectedFeatures features = SelectedFeatures.Create(ModelCatalog.Find(name), FeatureSelection.Pyramid());
        Assert.HasCount(levels, features.Outputs);
        Assert.IsTrue(features.Outputs.All(o => o.Shape[1] == 256 / o.Level!.Reduction));
    }

    [TestMethod]
    [DataRow("cspresnext50", 8, new[] { 128, 64, 32, 32, 32 })]
    [DataRow("cs3darknet_m", 16, new[] { 128, 64, 32, 16, 16 })]
    [DataRow("darknetaa53", 8, new[] { 256, 128, 64, 32, 32, 32 })]
    public void StridesBecomeDilations(string name, int outputStride, int[] sizes)
        => CollectionAssert.AreEqual(
            sizes,
            SelectedFeatures.Create(ModelCatalog.Find(name), FeatureSelection.Pyramid(outputStride: outputStride)).Outputs.Select(o => o.Shape[1]).ToArray());
}
