using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class RegNetTests
{
    // Appendix of "Designing Network Design Spaces", tables of RegNetX and RegNetY.
    [TestMethod]
    [DataRow("regnetx_002", 13, 24, 36.44f, 2.49f, 8, "1x24 1x56 4x152 7x368", 8)]
    [DataRow("regnetx_008", 16, 56, 35.73f, 2.28f, 16, "1x64 3x128 7x288 5x672", 16)]
    [DataRow("regnetx_064", 17, 184, 60.83f, 2.07f, 56, "2x168 4x392 10x784 1x1624", 56)]
    [DataRow("regnety_006", 15, 48, 32.54f, 2.32f, 16, "1x48 3x112 7x256 4x608", 16)]
    [DataRow("regnety_008", 14, 56, 38.84f, 2.4f, 16, "1x64 3x128 8x320 2x768", 16)]
    [DataRow("regnety_320", 20, 232, 115.89f, 2.53f, 232, "2x232 5x696 12x1392 1x3712", 232)]
    public void StagesAreThePapers(string name, int depth, int initialWidth, float slope, float multiplier, int groupWidth, string stages, int group)
    {
        var computed = RegNet.StagesOf(new RegNet.Config(depth, initialWidth, slope, multiplier, groupWidth));
        Assert.AreEqual(stages, string.Join(' ', computed.Select(s => $"{s.Depth}x{s.Width}")), name);
        Assert.IsTrue(computed.All(s => s.GroupWidth == group), name);
    }

    [TestMethod]
    [DataRow("regnetx_002", 2.68)]
    [DataRow("regnetx_008", 7.26)]
    [DataRow("regnetx_064", 26.21)]
    [DataRow("regnety_006", 6.06)]
    [DataRow("regnety_008", 6.26)]
    [DataRow("regnetz_005", 7.12)]
    public void ParameterCountsAreTimms(string name, double millions) => ParameterCounts.AssertMillions(name, millions);

    [TestMethod]
    [DataRow(32, new[] { 112, 56, 28, 14, 7 })]
    [DataRow(16, new[] { 112, 56, 28, 14, 14 })]
    [DataRow(8, new[] { 112, 56, 28, 28, 28 })]
    public void ThePyramidHasFiveLevelsAtEveryOutputStride(int outputStride, int[] sizes)
    {
        foreach (string name in new[] { "regnety_032", "regnetv_064" })
        {
            SelectedFeatures features = SelectedFeatures.Create(ModelCatalog.Find(name), FeatureSelection.Pyramid(outputStride: outputStride));
            CollectionAssert.AreEqual(sizes, features.Outputs.Select(o => o.Shape[1]).ToArray(), name);
        }
    }

    [TestMethod]
    public void InvertedBottlenecksAddNothingWhereTheWidthChanges()
    {
        Graph graph = ModelCatalog.Find("regnetz_005").Build(BuildOptions.Default).Graph;
        CollectionAssert.DoesNotContain(graph.NodeNames, "s2.b1.add");
        CollectionAssert.Contains(graph.NodeNames, "s2.b2.add");
        Assert.AreEqual([1024], graph.Find("head.drop").Shape);
    }
}
