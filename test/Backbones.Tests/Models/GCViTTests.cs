using Backbones.Engines.Managed;
using Backbones.Graphs;
using Backbones.Models;
using Backbones.Tests.Graphs;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class GCViTTests
{
    // timm's model mixes the global queries of a batch.
    [TestMethod]
    public void AnImagesFeaturesDoNotDependOnTheOthers()
    {
        Graph graph = SelectedFeatures.Create(ModelCatalog.Find("gcvit_xxtiny"), FeatureSelection.Pooled(), new BuildOptions { ImageSize = 64 }).Graph;
        float[] one = TestGraphs.Run(graph, 1, new ManagedEngine())[0], two = TestGraphs.Run(graph, 2, new ManagedEngine())[0];
        Assert.IsLessThan(1e-6, TestGraphs.Distance(one, two.AsSpan(0, one.Length)));
        Assert.IsGreaterThan(1e-3, TestGraphs.Distance(one, two.AsSpan(one.Length)));
    }

    [TestMethod]
    public void WindowsThatDoNotDivideTheImageAreRefused()
        => StringAssert.Contains(
            Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find("gcvit_tiny").Build(new BuildOptions { ImageSize = 200 })).Message,
            "images whose sides 32 divides, not 200×200");
}
