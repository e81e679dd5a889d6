using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Tests.Layers;

[TestClass]
public class PositionTableTests
{
    /// <summary>A table for all pairs of a large image's tokens takes tens of gigabytes, or more places than an index can count.</summary>
    [TestMethod]
    [DataRow("vit_relpos_small_patch16_rpn_224", 70000, 300)]
    [DataRow("vit_relpos_base_patch32_plus_rpn_256", 4000, 4000)]
    [DataRow("beit_base_patch16_224", 70000, 97)]
    [DataRow("maxvit_tiny_tf_224", 4000, 4000)]
    [DataRow("swinv2_cr_tiny_ns_224", 4000, 4000)]
    [DataRow("gcvit_xxtiny", 4000, 4000)]
    [DataRow("convit_tiny", 2048, 2048)]
    [DataRow("mvitv2_tiny", 4000, 4000)]
    [DataRow("samvit_base_patch16_224", 70000, 97)]
    [DataRow("efficientformerv2_s0", 4000, 4000)]
    [DataRow("levit_128s", 4000, 4000)]
    public void ImagesWhoseTablesNoMemoryHoldsAreRefused(string name, int height, int width)
    {
        var options = new BackboneOptions { RandomWeights = true, ImageSize = (height, width) };
        string message = Assert.ThrowsExactly<GraphException>(() => Backbone.Describe(name, FeatureSelection.Unpooled, options)).Message;
        Assert.Contains("places; at most", message);
        Assert.Contains("Choose a smaller image", message);
    }

    [TestMethod]
    public void ATableForAnImageOf1200PixelsCanBeHad()
    {
        Assert.AreEqual(5626 * 5626, PositionTable.Length(1 + 75 * 75, 1 + 75 * 75));
        Assert.ThrowsExactly<GraphException>(() => PositionTable.Length(5800, 5800));
        Assert.ThrowsExactly<GraphException>(() => PositionTable.Length(long.MaxValue, long.MaxValue, 3));
        Assert.ThrowsExactly<GraphException>(() => PositionTable.OfWindows(int.MaxValue, int.MaxValue));
    }
}
