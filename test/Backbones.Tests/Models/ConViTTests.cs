using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class ConViTTests
{
    // timm has a feature_info, which names the head, and refuses features_only all the same.
    [TestMethod]
    public void ThereIsNoPyramid()
    {
        ModelEntry model = ModelCatalog.Find("convit_tiny");
        Assert.AreEqual("head", model.Build(BuildOptions.Default).Levels.Single().Module);
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => SelectedFeatures.Create(model, FeatureSelection.Pyramid())).Message, "no feature pyramid in timm; use Nodes.");
    }

    [TestMethod]
    public void ImagesThatAreNotSquareAreRefused()
        => StringAssert.Contains(
            Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find("convit_tiny").Build(new BuildOptions { ImageSize = (224, 256) })).Message,
            "not for 14×16");
}
