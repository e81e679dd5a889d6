using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class VisionTransformerTests
{
    [TestMethod]
    [DataRow("flexivit_base", 86.59)]
    [DataRow("vit_base_patch8_224", 86.58)]
    [DataRow("vit_base_patch16_clip_224", 86.57)]
    [DataRow("vit_base_patch16_clip_384", 86.86)]
    [DataRow("vit_base_patch16_gap_224", 86.57)]
    [DataRow("vit_base_patch16_siglip_384", 93.18)]
    [DataRow("vit_base_patch16_siglip_gap_256", 85.84)]
    [DataRow("vit_base_patch16_xp_224", 86.51)]
    [DataRow("vit_base_patch32_224", 88.22)]
    [DataRow("vit_base_patch32_siglip_gap_256", 87.47)]
    [DataRow("vit_betwixt_patch16_gap_256", 60.37)]
    [DataRow("vit_betwixt_patch16_reg1_gap_256", 60.4)]
    [DataRow("vit_medium_patch16_clip_224", 38.59)]
    [DataRow("vit_wee_patch16_reg1_gap_256", 13.42)]
    [DataRow("vit_xsmall_patch16_clip_224", 8.28)]
    public void ParameterCountsAreTimms(string name, double millions) => ParameterCounts.AssertMillions(name, millions);

    [TestMethod]
    public void FeaturesHaveAllTokensAndIntermediatesAreMaps()
    {
        ModelEntry model = ModelCatalog.Find("vit_medium_patch16_reg1_gap_256");
        Assert.AreEqual([257, 512], SelectedFeatures.Create(model, FeatureSelection.Unpooled).Outputs[0].Shape);
        Assert.AreEqual([1000], SelectedFeatures.Create(model, FeatureSelection.Logits).Outputs[0].Shape);

        SelectedFeatures intermediates = SelectedFeatures.Create(model, FeatureSelection.Intermediates(returnPrefixTokens: true));
        Shape[] expected = [.. Enumerable.Repeat(new Shape[] { [512, 16, 16], [1, 512] }, 12).SelectMany(s => s)];
        CollectionAssert.AreEqual(expected, intermediates.Outputs.Select(o => o.Shape).ToArray());
    }

    [TestMethod]
    public void SelectingAnEarlierBlockLeavesTheLaterOnesAway()
    {
        ModelEntry model = ModelCatalog.Find("vit_medium_patch16_reg1_gap_256");
        Assert.AreEqual(38_880_232, model.Build(BuildOptions.Default).Graph.ParameterCount);
        SelectedFeatures pruned = SelectedFeatures.Create(model, FeatureSelection.Intermediates([-2]));
        Assert.AreEqual(35_212_800, pruned.Graph.ParameterCount);
        CollectionAssert.IsSubsetOf(new[] { "blocks.11.attn.qkv.weight", "fc_norm.weight", "head.weight" }, pruned.RemovedParameters.ToArray());
    }

    [TestMethod]
    public void ThePyramidIsTheLastThreeBlocks()
        => CollectionAssert.AreEqual(new[] { "blocks.9", "blocks.10", "blocks.11" },
            SelectedFeatures.Create(ModelCatalog.Find("vit_base_patch16_224"), FeatureSelection.Pyramid()).Outputs.Select(o => o.Level!.Module).ToArray());

    [TestMethod]
    public void AttentionMapsCanBeChosen()
        => Assert.AreEqual([3, 197, 197], SelectedFeatures.Create(ModelCatalog.Find("vit_tiny_patch16_224"), FeatureSelection.Nodes("blocks.11.attn.softmax")).Outputs[0].Shape);

    [TestMethod]
    [DataRow("", new[] { 197, 192 })]
    [DataRow("token", new[] { 192 })]
    [DataRow("avg", new[] { 192 })]
    [DataRow("max", new[] { 192 })]
    [DataRow("avgmax", new[] { 192 })]
    [DataRow("map", new[] { 192 })]
    [DataRow("prr", new[] { 192 })]
    public void EveryPoolTypeOfTimmCanBeAskedFor(string pool, int[] shape)
    {
        BackboneGraph backbone = ModelCatalog.Find("vit_tiny_patch16_224").Build(new BuildOptions { GlobalPool = pool, NumClasses = 0 });
        Assert.AreEqual(Shape.Create(shape), backbone.Graph.Outputs[0].Shape);
    }

    [TestMethod]
    [DataRow("avg", false, "fc_norm.weight")]
    [DataRow("avg", true, "norm.weight")]
    [DataRow("", false, "norm.weight")]
    public void ResettingThePoolLeavesTheNormWhereItWas(string pool, bool resets, string norm)
    {
        BackboneGraph backbone = ModelCatalog.Find("vit_tiny_patch16_224").Build(
            resets ? new BuildOptions { ResetPool = pool, NumClasses = 0 } : new BuildOptions { GlobalPool = pool, NumClasses = 0 });
        CollectionAssert.AreEqual(new[] { norm }, backbone.Graph.Parameters.Select(p => p.Name).Where(n => n is "norm.weight" or "fc_norm.weight").ToArray());
    }

    [TestMethod]
    [DataRow("vit_tiny_patch16_224", "map", "layers that this model was not made with")]
    [DataRow("vit_medium_patch16_gap_256", "token", "needs a class token")]
    [DataRow("vit_tiny_patch16_224", "avgmx", "Did you mean 'avgmax'")]
    [DataRow("vit_tiny_patch16_224", "catavgmax", "Valid types of a vision transformer are")]
    public void APoolThatTheModelCannotHaveIsRefused(string model, string pool, string message)
        => StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => SelectedFeatures.Create(ModelCatalog.Find(model), FeatureSelection.Pooled(pool))).Message, message);

    [TestMethod]
    public void AnImageThatFillsNoWholePatchesIsRefusedWhereTimmRefusesIt()
    {
        Assert.AreEqual([1 + 6 * 6, 64], ModelCatalog.Find("test_vit").Build(new BuildOptions { ImageSize = 96 }).Features.Shape);
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find("test_vit").Build(new BuildOptions { ImageSize = (100, 110) })).Message, "96×112");
        Assert.AreEqual([27 * 27, 1152], ModelCatalog.Find("vit_so400m_patch14_siglip_384").Build(BuildOptions.Default).Features.Shape);
    }
}
