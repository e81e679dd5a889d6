using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

/// <summary>Image sizes that windows, blocks and position tables of these families do not fit are refused with the reason.</summary>
[TestClass]
public sealed class HierarchicalTransformerTests
{
    [TestMethod]
    [DataRow("hiera_tiny_224", 240, 240, "choose a size that 32 divides")]
    [DataRow("hieradet_small", 240, 256, "choose an image size that 32 divides")]
    [DataRow("mvitv2_tiny", 224, 256, "square images, not for 224×256")]
    [DataRow("nest_tiny", 230, 230, "square images that 16 divides, not for 230×230")]
    [DataRow("twins_svt_small", 240, 256, "Choose an image size that 32 divides")]
    [DataRow("swinv2_cr_tiny_224", 24, 64, "images must have 32 pixels at least")]
    public void SizesThatDoNotFitAreRefused(string name, int height, int width, string message)
        => StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find(name).Build(new BuildOptions { ImageSize = (height, width) })).Message, message);

    [TestMethod]
    [DataRow("tiny_vit_5m_224", 200, 264)]
    [DataRow("davit_tiny", 200, 250)]
    [DataRow("focalnet_tiny_srf", 200, 250)]
    [DataRow("pvt_v2_b0", 200, 250)]
    [DataRow("hiera_tiny_224", 256, 320)]
    [DataRow("swin_tiny_patch4_window7_224", 200, 250)]
    public void OtherSizesThatTimmTakesAreTaken(string name, int height, int width)
        => Assert.AreEqual([10], ModelCatalog.Find(name).Build(new BuildOptions { ImageSize = (height, width), NumClasses = 10 }).Graph.Outputs[0].Shape);

    [TestMethod]
    [DataRow("mvitv2_tiny")]
    [DataRow("hiera_tiny_224")]
    [DataRow("twins_svt_small")]
    public void StridesAreNoDilations(string name)
        => StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => SelectedFeatures.Create(ModelCatalog.Find(name), FeatureSelection.Pyramid(outputStride: 16))).Message, "Leave it at 32");
}
