using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class VovNetTests
{
    [TestMethod]
    [DataRow("vovnet39a", 22.6)]
    [DataRow("ese_vovnet19b_slim_dw", 1.9)]
    [DataRow("ese_vovnet39b_evos", 24.58)]
    public void ParameterCountsAreTimms(string name, double millions) => ParameterCounts.AssertMillions(name, millions);

    [TestMethod]
    public void APyramidOfAnOddSizeKeepsTheLastPixels()
    {
        SelectedFeatures features = SelectedFeatures.Create(ModelCatalog.Find("ese_vovnet19b_slim_dw"), FeatureSelection.Pyramid(), new BuildOptions { ImageSize = (200, 232) });
        CollectionAssert.AreEqual(
            new Shape[] { [64, 100, 116], [112, 50, 58], [256, 25, 29], [384, 12, 14], [512, 6, 7] },
            features.Outputs.Select(o => o.Shape).ToArray());
    }
}
