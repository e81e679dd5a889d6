using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class XceptionTests
{
    [TestMethod]
    public void LevelsAreTakenBeforeTheStride()
    {
        SelectedFeatures features = SelectedFeatures.Create(ModelCatalog.Find("legacy_xception"), FeatureSelection.Pyramid());
        CollectionAssert.AreEqual(
            new Shape[] { [64, 147, 147], [128, 74, 74], [256, 37, 37], [728, 19, 19], [2048, 10, 10] },
            features.Outputs.Select(o => o.Shape).ToArray());
    }
}
