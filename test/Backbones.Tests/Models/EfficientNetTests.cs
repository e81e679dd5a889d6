using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class EfficientNetTests
{
    [TestMethod]
    [DataRow("efficientnet_b0", 32, new[] { 16, 24, 40, 112, 320 }, new[] { 112, 56, 28, 14, 7 })]
    [DataRow("efficientnet_b0", 16, new[] { 16, 24, 40, 112, 320 }, new[] { 112, 56, 28, 14, 14 })]
    [DataRow("mobilenetv4_hybrid_medium_075", 8, new[] { 32, 40, 64, 120, 720 }, new[] { 112, 56, 28, 28, 28 })]
    // Space-to-depth in the first stage: the map is already a quarter when the first stride comes.
    [DataRow("efficientnet_x_b3", 32, new[] { 96, 32, 48, 136, 384 }, new[] { 72, 72, 36, 18, 9 })]
    public void ThePyramidHasFiveLevelsAtEveryOutputStride(string model, int outputStride, int[] channels, int[] sizes)
    {
        SelectedFeatures features = SelectedFeatures.Create(ModelCatalog.Find(model), FeatureSelection.Pyramid(outputStride: outputStride));
        CollectionAssert.AreEqual(channels.Zip(sizes, (c, s) => Shape.Create([c, s, s])).ToArray(), features.Outputs.Select(o => o.Shape).ToArray());
    }

    [TestMethod]
    public void LevelsOfAPrunedModelKeepTheChannelsOfItsDesignInTheirInfo()
    {
        FeatureOutput level = SelectedFeatures.Create(ModelCatalog.Find("efficientnet_b1_pruned"), FeatureSelection.Pyramid([1])).Outputs[0];
        Assert.AreEqual(24, level.Level!.Channels);
        Assert.AreEqual([12, 60, 60], level.Shape);
    }

    // The variants that have no reference line.
    [TestMethod]
    [DataRow("efficientnet_b0_g16_evos", 8.11)]
    [DataRow("efficientnet_b3_gn", 11.73)]
    [DataRow("efficientnet_em", 6.90)]
    [DataRow("efficientnet_es", 5.44)]
    [DataRow("efficientnet_lite3", 8.20)]
    [DataRow("fbnetc_100", 5.57)]
    [DataRow("fbnetv3_b", 8.60)]
    [DataRow("fbnetv3_d", 10.31)]
    [DataRow("gc_efficientnetv2_rw_t", 13.68)]
    [DataRow("mixnet_m", 5.01)]
    [DataRow("mixnet_xl", 11.90)]
    [DataRow("mnasnet_100", 4.38)]
    [DataRow("mobilenetv2_120d", 5.83)]
    [DataRow("mobilenetv3_large_150d", 14.62)]
    [DataRow("mobilenetv4_conv_aa_large", 32.59)]
    [DataRow("mobilenetv4_conv_small_035", 1.91)]
    [DataRow("mobilenetv4_hybrid_large_075", 22.75)]
    [DataRow("spnasnet_100", 4.42)]
    [DataRow("test_efficientnet_gn", 0.36)]
    [DataRow("tf_efficientnet_b0", 5.29)]
    [DataRow("tf_efficientnet_b7", 66.35)]
    [DataRow("tf_efficientnet_b8", 87.41)]
    [DataRow("tf_efficientnet_cc_b0_8e", 24.01)]
    [DataRow("tf_efficientnet_lite3", 8.20)]
    [DataRow("tf_mixnet_l", 7.33)]
    [DataRow("tf_mixnet_s", 4.13)]
    [DataRow("tf_mobilenetv3_large_075", 3.99)]
    [DataRow("tf_mobilenetv3_large_minimal_100", 3.92)]
    [DataRow("tf_mobilenetv3_small_100", 2.54)]
    [DataRow("tf_mobilenetv3_small_minimal_100", 2.04)]
    public void ParameterCountsAreTimms(string name, double millions) => ParameterCounts.AssertMillions(name, millions);

    [TestMethod]
    public void UnpooledFeaturesOfMobileNetV3PassItsHeadWithoutTheClassifier()
        => Assert.AreEqual([1280, 7, 7], SelectedFeatures.Create(ModelCatalog.Find("mobilenetv3_large_100"), FeatureSelection.Pooled("")).Outputs[0].Shape);

    [TestMethod]
    [DataRow("xx_r1_k3_s1_c16", "Unknown kind of block 'xx'")]
    [DataRow("ir_r1_k3_s1_q6_c16", "Unknown setting 'q6'")]
    [DataRow("ir_r1_k3_s1_nxx_c16", "Unknown setting 'nxx'")]
    public void ADefinitionThatIsNoneIsRefused(string definition, string message)
        => StringAssert.Contains(Assert.ThrowsExactly<FormatException>(() => EfficientNetBlockArgs.Decode(new EfficientNetConfig([definition]))).Message, message);

    [TestMethod]
    public void RepeatsOfAStageAreScaledAsAWholeAndGrowFromTheLastDefinition()
    {
        var config = new EfficientNetConfig(["cn_r1_k1_s1_c8", "ir_r1_k3_s2_c8 ir_r3_k5_s1_c8"]) { Depth = [1.2] };
        var stages = EfficientNetBlockArgs.Decode(config);
        CollectionAssert.AreEqual(new[] { 2, 5 }, stages.Select(s => s.Length).ToArray());
        CollectionAssert.AreEqual(new[] { 3, 5, 5, 5, 5 }, stages[1].Select(a => a.Kernels[0]).ToArray());
    }

    [TestMethod]
    [DataRow("efficientnet_b0")]
    [DataRow("mobilenetv3_large_100")]
    public void AClassifierOverAnUnpooledMapIsRefused(string model)
        => StringAssert.Contains(
            Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find(model).Build(new BuildOptions { GlobalPool = "" })).Message,
            "ask for no classes");

    [TestMethod]
    public void AnOutputStrideThatCannotBeIsRefused()
        => StringAssert.Contains(
            Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find("efficientnet_b0").Build(new BuildOptions { OutputStride = 12 })).Message,
            "valid strides are 8, 16 and 32");
}
