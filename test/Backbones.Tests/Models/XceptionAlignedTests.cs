using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class XceptionAlignedTests
{
    [TestMethod]
    [DataRow("xception65", 39.92)]
    [DataRow("xception65p", 39.82)]
    public void ParameterCountsAreTimms(string name, double millions) => ParameterCounts.AssertMillions(name, millions);

    [TestMethod]
    [DataRow(32, new[] { 2, 4, 8, 16, 32 }, 10)]
    [DataRow(16, new[] { 2, 4, 8, 16, 16 }, 19)]
    [DataRow(8, new[] { 2, 4, 8, 8, 8 }, 38)]
    public void ThePyramidHasFiveLevelsAtEveryOutputStride(int outputStride, int[] reductions, int lastSize)
    {
        foreach (string name in new[] { "xception65p", "xception71" })
        {
            SelectedFeatures features = SelectedFeatures.Create(ModelCatalog.Find(name), FeatureSelection.Pyramid(outputStride: outputStride));
            CollectionAssert.AreEqual(reductions, features.Outputs.Select(o => o.Level!.Reduction).ToArray(), name);
            Assert.AreEqual([2048, lastSize, lastSize], features.Outputs[^1].Shape, name);
        }
    }
}
