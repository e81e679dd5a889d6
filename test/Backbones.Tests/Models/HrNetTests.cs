using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class HrNetTests
{
    [TestMethod]
    public void LevelsAreTheWidenedBranches()
    {
        SelectedFeatures features = SelectedFeatures.Create(ModelCatalog.Find("hrnet_w18_small"), FeatureSelection.Pyramid());
        CollectionAssert.AreEqual(new Shape[] { [64, 112, 112], [128, 56, 56], [256, 28, 28], [512, 14, 14], [1024, 7, 7] }, features.Outputs.Select(o => o.Shape).ToArray());
        Assert.IsFalse(features.Graph.Parameters.Any(p => p.Name.StartsWith("downsamp_modules", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void ASizeThatDoesNotHalveIsRefused()
        => StringAssert.Contains(
            Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find("hrnet_w18").Build(new BuildOptions { ImageSize = (224, 240) })).Message,
            "multiples of 32, not 224×240");
}
