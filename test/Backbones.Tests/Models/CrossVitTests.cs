using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class CrossVitTests
{
    [TestMethod]
    public void ParameterCountsAreTimms() => ParameterCounts.AssertMillions("crossvit_small_240", 26.86);

    [TestMethod]
    public void FeaturesAreTheTokensOfBothBranches()
        => CollectionAssert.AreEqual(
            new Shape[] { [401, 128], [197, 256] },
            SelectedFeatures.Create(ModelCatalog.Find("crossvit_9_240"), FeatureSelection.Unpooled).Outputs.Select(o => o.Shape).ToArray());

    [TestMethod]
    public void ThereIsNoPyramidAndThereAreNoIntermediates()
    {
        ModelEntry model = ModelCatalog.Find("crossvit_9_240");
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => SelectedFeatures.Create(model, FeatureSelection.Pyramid())).Message, "no feature pyramid in timm; use Nodes.");
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => SelectedFeatures.Create(model, FeatureSelection.Intermediates())).Message, "no forward_intermediates in timm; use Nodes.");
    }

    [TestMethod]
    public void PooledFeaturesAreBothBranchesTokensOneAfterTheOther()
    {
        ModelEntry model = ModelCatalog.Find("crossvit_9_240");
        Assert.AreEqual([384], SelectedFeatures.Create(model, FeatureSelection.Pooled("token")).Outputs[0].Shape);
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => SelectedFeatures.Create(model, FeatureSelection.Pooled(""))).Message, "'token', 'avg'");
    }

    [TestMethod]
    public void ASizeThatOneBranchCannotDivideIsRefused()
        => StringAssert.Contains(
            Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find("crossvit_9_240").Build(new BuildOptions { ImageSize = 252 })).Message,
            "is 235×235 for the branch of 16×16 patches");
}
