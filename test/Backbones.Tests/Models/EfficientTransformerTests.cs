using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

/// <summary>What is particular to EfficientFormer, EfficientViT, MobileViT and their like.</summary>
[TestClass]
public sealed class EfficientTransformerTests
{
    [TestMethod]
    [DataRow("edgenext_small", 5.59)]
    [DataRow("efficientformer_l7", 82.23)]
    [DataRow("efficientvit_b0", 3.41)]
    [DataRow("efficientvit_b3", 48.65)]
    [DataRow("efficientvit_m1", 2.98)]
    [DataRow("levit_384", 39.13)]
    [DataRow("mobilevit_xxs", 1.27)]
    [DataRow("mobilevitv2_100", 4.9)]
    [DataRow("nextvit_small", 31.76)]
    [DataRow("nextvit_base", 44.82)]
    [DataRow("poolformer_m48", 73.47)]
    [DataRow("poolformerv2_s12", 11.89)]
    [DataRow("convformer_s36", 40.01)]
    [DataRow("swiftformer_xs", 3.48)]
    [DataRow("volo_d3_224", 86.33)]
    [DataRow("coat_tiny", 5.5)]
    [DataRow("coat_small", 21.69)]
    public void ParameterCountsAreTimms(string name, double millions) => ParameterCounts.AssertMillions(name, millions);

    // timm's models take the argument and do nothing with it.
    [TestMethod]
    [DataRow("efficientformer_l1")]
    [DataRow("poolformer_s12")]
    public void AnyOutputStrideLeavesTheStridesAsTheyAre(string name)
        => CollectionAssert.AreEqual(
            new[] { 56, 28, 14, 7 },
            SelectedFeatures.Create(ModelCatalog.Find(name), FeatureSelection.Pyramid(outputStride: 8)).Outputs.Select(o => o.Shape[1]).ToArray());

    [TestMethod]
    public void EfficientFormersAttentionIsForOneSize()
    {
        ModelEntry model = ModelCatalog.Find("efficientformer_l1");
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => model.Build(new BuildOptions { ImageSize = 256 })).Message, "an image of 256×256 gives 8×8");
        Assert.AreEqual([49, 448], model.Build(new BuildOptions { ImageSize = 200 }).Features.Shape);
    }

    [TestMethod]
    public void EfficientFormerV2NeedsEvenMapsToHalve()
        => StringAssert.Contains(
            Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find("efficientformerv2_s0").Build(new BuildOptions { ImageSize = 240 })).Message,
            "multiples of 32");

    [TestMethod]
    public void EfficientVitsHeadNeedsPooling()
    {
        ModelEntry model = ModelCatalog.Find("efficientvit_b1");
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => SelectedFeatures.Create(model, FeatureSelection.Pooled(""))).Message, "valid types are 'avg', 'max', 'avgmax', 'fast'");
        Assert.AreEqual([1600], SelectedFeatures.Create(model, FeatureSelection.Pooled()).Outputs[0].Shape);
    }

    [TestMethod]
    public void EfficientVitOfMsraTakesSquares()
    {
        ModelEntry model = ModelCatalog.Find("efficientvit_m0");
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => model.Build(new BuildOptions { ImageSize = (224, 256) })).Message, "multiple of 16");
        // 16 rows and columns are three windows of seven, of which the last is filled up and cut off again.
        Assert.AreEqual([64, 16, 16], model.Build(new BuildOptions { ImageSize = 256 }).Levels[0].Node.Shape);
    }

    // Patches of two pixels do not divide 15: the first version enlarges the map for its transformer and makes it small again, the second leaves it so.
    [TestMethod]
    [DataRow("mobilevit_xxs", 15)]
    [DataRow("mobilevitv2_050", 16)]
    public void MobileViTEnlargesMapsThatPatchesDoNotDivide(string name, int size)
        => Assert.AreEqual(size, ModelCatalog.Find(name).Build(new BuildOptions { ImageSize = 240 }).Levels[3].Node.Shape[1]);
}
