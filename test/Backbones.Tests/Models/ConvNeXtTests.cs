using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class ConvNeXtTests
{
    [TestMethod]
    [DataRow("convnext_atto_ols", 3.7)]
    [DataRow("convnext_femto", 5.22)]
    [DataRow("convnext_pico_ols", 9.06)]
    [DataRow("convnextv2_pico", 9.07)]
    [DataRow("convnextv2_small", 50.32)]
    public void ParameterCountsAreTimms(string name, double millions) => ParameterCounts.AssertMillions(name, millions);

    [TestMethod]
    [DataRow(32, new[] { 56, 28, 14, 7 })]
    [DataRow(16, new[] { 56, 28, 14, 14 })]
    [DataRow(8, new[] { 56, 28, 28, 28 })]
    public void ThePyramidHasFourLevelsAtEveryOutputStride(int outputStride, int[] sizes)
    {
        SelectedFeatures features = SelectedFeatures.Create(ModelCatalog.Find("convnext_tiny"), FeatureSelection.Pyramid(outputStride: outputStride));
        CollectionAssert.AreEqual(new[] { 96, 192, 384, 768 }.Zip(sizes, (c, s) => Shape.Create([c, s, s])).ToArray(), features.Outputs.Select(o => o.Shape).ToArray());
    }

    [TestMethod]
    public void APoolThatDoublesTheChannelsIsRefused()
        => StringAssert.Contains(
            Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find("convnext_atto").Build(new BuildOptions { GlobalPool = "catavgmax" })).Message,
            "valid types are '', 'avg', 'max', 'avgmax', 'fast'");

    [TestMethod]
    public void WithoutPoolingTheHeadIsConvolutional()
        => Assert.AreEqual([10, 10, 10], ModelCatalog.Find("convnext_large_mlp").Build(new BuildOptions { GlobalPool = "", NumClasses = 10 }).Graph.Outputs[0].Shape);
}
