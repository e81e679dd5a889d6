using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class SequencerTests
{
    [TestMethod]
    public void MapsOfThePyramidHaveTheirChannelsLast()
    {
        ModelEntry model = ModelCatalog.Find("sequencer2d_s");
        SelectedFeatures features = SelectedFeatures.Create(model, FeatureSelection.Pyramid());
        CollectionAssert.AreEqual(new Shape[] { [32, 32, 192], [16, 16, 384], [16, 16, 384] }, features.Outputs.Select(o => o.Shape).ToArray());
        Assert.AreEqual(FeatureLayout.Nhwc, model.Build(BuildOptions.Default).LevelLayout);
        // The fourth level is there when asked for.
        Assert.AreEqual([16, 16, 384], SelectedFeatures.Create(model, FeatureSelection.Pyramid([3])).Outputs[0].Shape);
    }

    [TestMethod]
    public void AnyImageSizeIsTaken()
        => Assert.AreEqual([9, 12, 384], ModelCatalog.Find("sequencer2d_s").Build(new BuildOptions { ImageSize = (126, 168) }).Features.Shape);
}
