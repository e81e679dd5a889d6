using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class LevitTests
{
    [TestMethod]
    [DataRow("levit_128s")]
    [DataRow("levit_conv_128s")]
    public void ThePyramidIsAllThreeStages(string name)
    {
        SelectedFeatures features = SelectedFeatures.Create(ModelCatalog.Find(name), FeatureSelection.Pyramid());
        CollectionAssert.AreEqual(new Shape[] { [128, 14, 14], [256, 7, 7], [384, 4, 4] }, features.Outputs.Select(o => o.Shape).ToArray());
        CollectionAssert.AreEqual(new[] { 16, 32, 64 }, features.Outputs.Select(o => o.Level!.Reduction).ToArray());
    }

    [TestMethod]
    public void OtherSizesAndPoolsAreRefused()
    {
        ModelEntry model = ModelCatalog.Find("levit_128s");
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => model.Build(new BuildOptions { ImageSize = 232 })).Message, "multiples of 16");
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => SelectedFeatures.Create(model, FeatureSelection.Pooled("max"))).Message, "valid types of this model are 'avg', ''");
    }
}
