using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class MaxxViTTests
{
    [TestMethod]
    public void ThePyramidHasFiveLevelsFromTheStemOn()
    {
        SelectedFeatures features = SelectedFeatures.Create(ModelCatalog.Find("maxvit_tiny_tf_224"), FeatureSelection.Pyramid());
        CollectionAssert.AreEqual(new Shape[] { [64, 112, 112], [64, 56, 56], [128, 28, 28], [256, 14, 14], [512, 7, 7] }, features.Outputs.Select(o => o.Shape).ToArray());
        Assert.AreEqual("stem", features.Outputs[0].Level!.Module);
    }

    [TestMethod]
    public void WindowsGrowWithTheImage()
    {
        Shape Table(int size) => ModelCatalog.Find("maxvit_tiny_tf_224").Build(new BuildOptions { ImageSize = size }).Graph.Parameters
            .Single(p => p.Name == "stages.0.blocks.0.attn_grid.attn.rel_pos.relative_position_bias_table").Shape;
        Assert.AreEqual([2, 13, 13], Table(224));
        Assert.AreEqual([2, 23, 23], Table(384));
    }

    [TestMethod]
    [DataRow("maxvit_nano_rw_256", "The maps of an image of 250×250 cannot be halved five times")]
    [DataRow("maxvit_tiny_tf_224", "Windows of 7×7, a 32nd of the image, do not divide a map of 32×32")]
    public void SizesThatWindowsDoNotDivideAreRefused(string name, string message)
        => StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find(name).Build(new BuildOptions { ImageSize = 250 })).Message, message);

    // Variants without a reference line: parallel attention, batch norms in transformer blocks.
    [TestMethod]
    [DataRow("maxvit_tiny_pm_256", 30.09)]
    [DataRow("coatnet_bn_0_rw_224", 27.44)]
    [DataRow("coatnet_0_rw_224", 27.44)]
    [DataRow("coatnet_pico_rw_224", 10.85)]
    [DataRow("maxxvit_rmlp_tiny_rw_256", 29.64)]
    public void ParameterCountsAreTimms(string name, double millions) => ParameterCounts.AssertMillions(name, millions);
}
