using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class TorchvisionMaxViTTests
{
    [TestMethod]
    public void LevelsAreTheStemAndTheBlocks()
        => Assert.AreEqual("64/2 stem, 64/4 blocks.0, 128/8 blocks.1, 256/16 blocks.2, 512/32 blocks.3", string.Join(", ",
            SelectedFeatures.Create(ModelCatalog.Find("torchvision/maxvit_t"), FeatureSelection.Pyramid()).Outputs.Select(o => $"{o.Level!.Channels}/{o.Level.Reduction} {o.Level.Module}")));

    // torchvision's condition is on the maps, whose sides are rounded up.
    [TestMethod]
    [DataRow(448, 448)]
    [DataRow(224, 448)]
    [DataRow(221, 223)]
    public void WindowsThatDivideAllMapsAreTaken(int height, int width)
    {
        ModelEntry model = ModelCatalog.Find("torchvision/maxvit_t");
        Graph graph = model.Build(new() { ImageSize = (height, width) }).Graph;
        CollectionAssert.AreEqual(model.Build(BuildOptions.Default).Graph.Parameters, graph.Parameters);
        CollectionAssert.AreEqual(model.Build(BuildOptions.Default).Graph.NodeNames, graph.NodeNames);
    }

    [TestMethod]
    [DataRow(256, 224, "The map 64×56 of block 0 of an image of 256×224")]
    [DataRow(112, 112, "The map 4×4 of block 3")]
    public void OtherImageSizesAreRefused(int height, int width, string problem)
    {
        string message = Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find("torchvision/maxvit_t").Build(new() { ImageSize = (height, width) })).Message;
        StringAssert.Contains(message, problem);
        StringAssert.Contains(message, "choose an image size that 224 divides");
    }
}
