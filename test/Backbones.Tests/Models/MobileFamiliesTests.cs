using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

/// <summary>What is particular about the small convolutional families and no reference line shows.</summary>
[TestClass]
public sealed class MobileFamiliesTests
{
    // The variants that have no reference line.
    [TestMethod]
    [DataRow("starnet_s2", 3.68)]
    [DataRow("fasternet_t0", 3.91)]
    [DataRow("fasternet_t1", 7.60)]
    [DataRow("shvit_s1", 6.33)]
    [DataRow("hardcorenas_a", 5.26)]
    [DataRow("hardcorenas_b", 5.18)]
    [DataRow("hardcorenas_e", 8.07)]
    [DataRow("hardcorenas_f", 8.20)]
    [DataRow("hgnetv2_b5", 39.57)]
    [DataRow("repvit_m1_1", 8.80)]
    [DataRow("repvit_m3", 10.68)]
    [DataRow("fastvit_sa24", 21.55)]
    [DataRow("mambaout_femto", 7.30)]
    [DataRow("inception_next_atto", 4.16)]
    [DataRow("inception_next_tiny", 28.06)]
    [DataRow("inception_next_small", 49.37)]
    [DataRow("convmixer_1536_20", 51.63)]
    public void ParameterCountsAreTimms(string name, double millions) => ParameterCounts.AssertMillions(name, millions);

    [TestMethod]
    [DataRow("inception_next_atto", 16, new[] { 56, 28, 14, 13 })]
    [DataRow("inception_next_atto", 8, new[] { 56, 28, 27, 25 })]
    public void InceptionNeXtsDilatedWindowsAreNotPadded(string name, int outputStride, int[] sizes)
        => CollectionAssert.AreEqual(sizes, SelectedFeatures.Create(ModelCatalog.Find(name), FeatureSelection.Pyramid(outputStride: outputStride)).Outputs.Select(o => o.Shape[1]).ToArray());

    [TestMethod]
    public void MobileClip2HasAFifthStageThatThePyramidLeavesOut()
    {
        SelectedFeatures features = SelectedFeatures.Create(ModelCatalog.Find("fastvit_mci3"), FeatureSelection.Pyramid());
        CollectionAssert.AreEqual(new[] { 96, 192, 384, 768 }, features.Outputs.Select(o => o.Shape[0]).ToArray());
        Assert.AreEqual(64, SelectedFeatures.Create(ModelCatalog.Find("fastvit_mci3"), FeatureSelection.Pyramid([-1])).Outputs[0].Level!.Reduction);
    }

    /// <summary>At 208 pixels the maps of the third stage are 13×13, and attention is over maps of half the size.</summary>
    [TestMethod]
    public void CPUBonesAttentionTakesOddMaps()
        => CollectionAssert.AreEqual(new[] { 52, 26, 13, 7 }, SelectedFeatures.Create(ModelCatalog.Find("cpubone_nano"), FeatureSelection.Pyramid(), new BuildOptions { ImageSize = 208 }).Outputs.Select(o => o.Shape[1]).ToArray());

    /// <summary>The encoder's map has its size for every image: pooled where that divides, resized where not.</summary>
    [TestMethod]
    [DataRow(512)]
    [DataRow(320)]
    public void MobileNetV5FusesItsLevelsAt16Pixels(int size)
        => Assert.AreEqual(Shape.Create([2048, 16, 16]), ModelCatalog.Find("mobilenetv5_300m_enc").Build(new BuildOptions { ImageSize = size }).Features.Shape);

    [TestMethod]
    [DataRow("csatv2", 500, 3, 1000, null, "504×504")]
    [DataRow("csatv2", 512, 1, 1000, null, "RGB")]
    [DataRow("visformer_tiny", 225, 3, 1000, null, "even")]
    [DataRow("mobilenetv5_300m_enc", 256, 3, 10, null, "mobilenetv5_300m")]
    [DataRow("inception_next_atto", 224, 3, 0, "", "unpooled features")]
    [DataRow("repvit_m0_9", 224, 3, 0, "max", "'avg'")]
    [DataRow("mambaout_femto", 224, 3, 0, "max", "'avg'")]
    [DataRow("cpubone_nano", 224, 3, 0, "catavgmax", "'avg'")]
    public void WhatTimmsModelCannotDoIsRefused(string name, int size, int channels, int classes, string? pool, string said)
        => StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find(name).Build(new BuildOptions { ImageSize = size, InChannels = channels, NumClasses = classes, GlobalPool = pool })).Message, said);
}
