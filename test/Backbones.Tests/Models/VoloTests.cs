using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class VoloTests
{
    [TestMethod]
    public void ThePyramidIsTheThreeStagesOfCoarseTokens()
    {
        SelectedFeatures features = SelectedFeatures.Create(ModelCatalog.Find("volo_d1_224"), FeatureSelection.Pyramid());
        CollectionAssert.AreEqual(new[] { "network.2", "network.3", "network.4" }, features.Outputs.Select(o => o.Level!.Module).ToArray());
        CollectionAssert.AreEqual(new[] { 1, 2, 3 }, features.Outputs.Select(o => o.Level!.Index).ToArray());
        foreach (FeatureOutput output in features.Outputs)
            Assert.AreEqual([384, 14, 14], output.Shape);
    }

    [TestMethod]
    public void TheNormFitsAllStagesButTheFirst()
    {
        ModelEntry model = ModelCatalog.Find("volo_d1_224");
        Graph plain = SelectedFeatures.Create(model, FeatureSelection.Intermediates([0])).Graph, normed = SelectedFeatures.Create(model, FeatureSelection.Intermediates([0], norm: true)).Graph;
        Assert.AreEqual(plain.ParameterCount, normed.ParameterCount);
        Assert.Contains("norm.weight", SelectedFeatures.Create(model, FeatureSelection.Intermediates([1], norm: true)).Graph.Parameters.Select(p => p.Name));
    }

    [TestMethod]
    public void AnImageThatDoesNotDivideIsRefused()
        => StringAssert.Contains(
            Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find("volo_d1_224").Build(new BuildOptions { ImageSize = 200 })).Message,
            "multiples of 16");
}
