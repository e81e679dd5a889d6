using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class PiTTests
{
    // timm counts one pixel less than the stride of the patches, and the maps are not the image divided by that.
    [TestMethod]
    [DataRow("pit_s_224", new[] { 7, 14, 28 }, new[] { 27, 14, 7 })]
    [DataRow("pit_b_distilled_224", new[] { 6, 12, 24 }, new[] { 31, 16, 8 })]
    public void ReductionsAreTimmsAndNoneOfTheMaps(string name, int[] reductions, int[] sizes)
    {
        SelectedFeatures features = SelectedFeatures.Create(ModelCatalog.Find(name), FeatureSelection.Pyramid());
        CollectionAssert.AreEqual(reductions, features.Outputs.Select(o => o.Level!.Reduction).ToArray());
        CollectionAssert.AreEqual(sizes, features.Outputs.Select(o => o.Shape[1]).ToArray());
    }

    [TestMethod]
    public void FeaturesAreTheClassTokens()
    {
        Assert.AreEqual([1, 256], SelectedFeatures.Create(ModelCatalog.Find("pit_ti_224"), FeatureSelection.Unpooled).Outputs[0].Shape);
        Assert.AreEqual([2, 256], SelectedFeatures.Create(ModelCatalog.Find("pit_ti_distilled_224"), FeatureSelection.Unpooled).Outputs[0].Shape);
    }

    [TestMethod]
    public void StoppedEarlyItEndsWithTheClassTokensToo()
        => CollectionAssert.AreEqual(
            new Shape[] { [64, 27, 27], [1, 64] },
            SelectedFeatures.Create(ModelCatalog.Find("pit_ti_224"), FeatureSelection.Intermediates([0], stopEarly: true, intermediatesOnly: false)).Outputs.Select(o => o.Shape).ToArray());

    [TestMethod]
    public void PatchesCannotBePooled()
        => StringAssert.Contains(
            Assert.ThrowsExactly<GraphException>(() => SelectedFeatures.Create(ModelCatalog.Find("pit_ti_224"), FeatureSelection.Pooled("avg"))).Message,
            "Valid types of this model are 'token', ''");
}
