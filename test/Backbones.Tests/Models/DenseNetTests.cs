using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class DenseNetTests
{
    [TestMethod]
    [DataRow("densenet169", 14.15)]
    [DataRow("densenetblur121d", 8.0)]
    public void ParameterCountsAreTimms(string name, double millions) => ParameterCounts.AssertMillions(name, millions);

    [TestMethod]
    public void ABlurPooledStemIsTwoModules()
    {
        Graph graph = ModelCatalog.Find("densenetblur121d").Build(BuildOptions.Default).Graph;
        CollectionAssert.AreEqual(
            new[] { "features.norm2", "features.pool0.0", "features.pool0.1.pad", "features.pool0.1.conv2d", "features.denseblock1.denselayer1.cat" },
            graph.NodeNames.SkipWhile(n => n != "features.norm2").Take(5).ToArray());
        Assert.AreEqual([64, 56, 56], graph.Find("features.pool0").Shape);
    }

    [TestMethod]
    public void DilationIsRefused()
        => StringAssert.Contains(
            Assert.ThrowsExactly<GraphException>(() => SelectedFeatures.Create(ModelCatalog.Find("densenet121"), FeatureSelection.Pyramid(outputStride: 16))).Message,
            "output_stride 16 is not supported: this model has no dilation. Leave it at 32.");

    [TestMethod]
    public void AClassifierOverAnUnpooledMapIsRefused()
        => StringAssert.Contains(
            Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find("densenet121").Build(new BuildOptions { GlobalPool = "" })).Message,
            "ask for no classes");
}
