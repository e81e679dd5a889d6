using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class InceptionTests
{
    // Convolutions without padding: the maps are not the image's size divided by the reduction.
    [TestMethod]
    [DataRow("inception_v3", new[] { 147, 71, 35, 17, 8 })]
    [DataRow("inception_v4", new[] { 147, 73, 35, 17, 8 })]
    [DataRow("inception_resnet_v2", new[] { 147, 71, 35, 17, 8 })]
    public void MapsAreSmallerThanTheImageDividedByTheReduction(string name, int[] sizes)
    {
        SelectedFeatures features = SelectedFeatures.Create(ModelCatalog.Find(name), FeatureSelection.Pyramid());
        CollectionAssert.AreEqual(sizes, features.Outputs.Select(o => o.Shape[1]).ToArray());
        CollectionAssert.AreEqual(new[] { 2, 4, 8, 16, 32 }, features.Outputs.Select(o => o.Level!.Reduction).ToArray());
    }

    [TestMethod]
    public void AnImageThatIsTooSmallIsRefused()
        => Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find("inception_v3").Build(new BuildOptions { ImageSize = 64 }));
}
