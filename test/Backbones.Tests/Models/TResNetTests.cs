using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class TResNetTests
{
    [TestMethod]
    public void ParameterCountsAreTimms() => ParameterCounts.AssertMillions("tresnet_v2_l", 46.17);

    // The stem takes blocks of 4 × 4 pixels: there is no map of half the size, though timm counts one.
    [TestMethod]
    public void ThePyramidStartsWithTheSecondLevel()
    {
        SelectedFeatures features = SelectedFeatures.Create(ModelCatalog.Find("tresnet_m"), FeatureSelection.Pyramid());
        CollectionAssert.AreEqual(new[] { 4, 8, 16, 32 }, features.Outputs.Select(o => o.Level!.Reduction).ToArray());
        SelectedFeatures intermediates = SelectedFeatures.Create(ModelCatalog.Find("tresnet_m"), FeatureSelection.Intermediates());
        CollectionAssert.AreEqual(new[] { 56, 56, 28, 14, 7 }, intermediates.Outputs.Select(o => o.Shape[1]).ToArray());
    }

    [TestMethod]
    public void AnImageThatFillsNoWholeBlocksIsRefused()
        => StringAssert.Contains(
            Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find("tresnet_m").Build(new BuildOptions { ImageSize = (224, 230) })).Message,
            "multiples of 4, not 224×230");
}
