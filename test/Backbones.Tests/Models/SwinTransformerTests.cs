using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class SwinTransformerTests
{
    [TestMethod]
    [DataRow("swin_tiny_patch4_window7_224", FeatureFormat.Nhwc)]
    [DataRow("swinv2_tiny_window8_256", FeatureFormat.Nhwc)]
    [DataRow("swinv2_cr_tiny_224", FeatureFormat.Nchw)]
    public void ThePyramidIsLaidOutAsTimmsIs(string name, FeatureFormat format)
    {
        SelectedFeatures features = SelectedFeatures.Create(ModelCatalog.Find(name), FeatureSelection.Pyramid());
        foreach (FeatureOutput output in features.Outputs)
        {
            int side = features.Graph.Inputs[0].Shape[1] / output.Level!.Reduction, channels = output.Level.Channels;
            Assert.AreEqual(format, output.Level.Format);
            Assert.AreEqual(format == FeatureFormat.Nhwc ? [side, side, channels] : [channels, side, side], output.Shape);
        }
    }

    /// <summary>timm divides by the window's side less one, and gives NaN for everything.</summary>
    [TestMethod]
    public void WindowsWithoutDistancesAreRefused()
    {
        ModelEntry model = ModelCatalog.Find("swinv2_tiny_window8_256");
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => model.Build(BuildOptions.Default with { ImageSize = 32 })).Message, "A window of 1×1 has no distances");
        model.Build(BuildOptions.Default with { ImageSize = 64 });
    }

    [TestMethod]
    public void ANeckGetsMapsWithChannelsFirst()
    {
        SelectedFeatures features = SelectedFeatures.Create(ModelCatalog.Find("swin_tiny_patch4_window7_224"), FeatureSelection.Pyramid([2, 3]));
        var shapes = new List<Shape>();
        features.Extend((b, maps) =>
        {
            shapes.AddRange(maps.Select(m => m.Map.Shape));
            return maps;
        });
        CollectionAssert.AreEqual(new Shape[] { [384, 14, 14], [768, 7, 7] }, shapes);
    }

    [TestMethod]
    public void HiddenStatesComeInTheFormatAskedFor()
    {
        ModelEntry model = ModelCatalog.Find("swin_tiny_patch4_window7_224");
        FeatureOutput Last(FeatureFormat format) => SelectedFeatures.Create(model, FeatureSelection.Intermediates([-1], outputFormat: format)).Outputs[0];
        Assert.AreEqual([768, 7, 7], Last(FeatureFormat.Nchw).Shape);
        Assert.AreEqual([7, 7, 768], Last(FeatureFormat.Nhwc).Shape);
        Assert.AreEqual(FeatureFormat.Nhwc, Last(FeatureFormat.Nhwc).Level!.Format);
    }

    // V1 fills maps up to whole windows; V2's mask covers the map alone, so that timm's model cannot be made.
    [TestMethod]
    public void ShiftedWindowsThatDoNotDivideTheMapAreRefusedInV2()
    {
        var options = new BuildOptions { ImageSize = 224 };
        Assert.AreEqual([1000], ModelCatalog.Find("swin_base_patch4_window12_384").Build(options).Graph.Outputs[0].Shape);
        StringAssert.Contains(
            Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find("swinv2_tiny_window16_256").Build(options)).Message,
            "Shifted windows of 16×16 do not divide a map of 56×56; the nearest map that they do is 64×64");
    }

    /// <summary>Maps of 28, 14, 7 and, as the odd one is filled up, 4 pixels; timm counts 3 in the last and makes its window of that.</summary>
    [TestMethod]
    [DataRow("swin_tiny_patch4_window7_224", "layers.3.blocks.1.attn.relative_position_bias_table", 25)]
    [DataRow("swin_tiny_patch4_window7_224", "layers.2.blocks.1.attn.relative_position_bias_table", 169)]
    public void WindowsFitSizesThatAreHalvedDownwards(string name, string table, int places)
        => Assert.AreEqual(places, ModelCatalog.Find(name).Build(new BuildOptions { ImageSize = 112 }).Graph.Parameters.Single(p => p.Name == table).Shape[0]);

    [TestMethod]
    public void ImagesOfFewerPatchesThanHalvesAreRefused()
        => StringAssert.Contains(
            Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find("swin_tiny_patch4_window7_224").Build(new BuildOptions { ImageSize = (224, 28) })).Message,
            "56×7 patches are too few");

    [TestMethod]
    public void OtherPoolsAreRefused()
        => StringAssert.Contains(
            Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find("swin_tiny_patch4_window7_224").Build(new BuildOptions { GlobalPool = "max" })).Message,
            "valid types of this model are 'avg', ''");

    [TestMethod]
    [DataRow("swin_s3_base_224", 71.13)]
    [DataRow("swinv2_tiny_window8_256", 28.35)]
    [DataRow("swinv2_cr_small_384", 49.7)]
    public void ParameterCountsAreTimms(string name, double millions) => ParameterCounts.AssertMillions(name, millions);
}
