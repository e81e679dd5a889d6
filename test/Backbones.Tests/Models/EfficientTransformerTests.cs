using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

/// <summary>What is particular to EfficientFormer, EfficientViT and MobileViT.</summary>
[TestClass]
public sealed class EfficientTransformerTests
{
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
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => SelectedFeatures.Create(model, FeatureSelection.Pooled(""))).Message, "'avg', 'max' and 'avgmax'");
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
