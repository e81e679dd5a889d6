using Backbones.Graphs;
using Backbones.Models;
using Backbones.Tests.Graphs;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class DeiTTests
{
    [TestMethod]
    [DataRow("deit_base_patch16_224", 86.57)]
    [DataRow("deit_small_distilled_patch16_224", 22.44)]
    public void ParameterCountsAreTimms(string name, double millions) => ParameterCounts.AssertMillions(name, millions);

    [TestMethod]
    public void ADistilledModelWithoutClassesGivesTheMeanOfItsTwoTokens()
    {
        BackboneGraph backbone = ModelCatalog.Find("deit_tiny_distilled_patch16_224").Build(new BuildOptions { ImageSize = 32, NumClasses = 0 });
        float[][] values = TestGraphs.Run(backbone.Graph.WithOutputs(backbone.Graph.Outputs[0], backbone.PreLogits, backbone.Features), batch: 1);
        CollectionAssert.AreEqual(values[0], values[1]);
        float[] tokens = values[2];
        for (int c = 0; c < 192; c++)
            Assert.AreEqual((tokens[c] + tokens[192 + c]) / 2, values[0][c], 1e-6f);
    }

    [TestMethod]
    public void ADistilledModelPoolsByItsTokensAlone()
    {
        ModelEntry model = ModelCatalog.Find("deit_tiny_distilled_patch16_224");
        Assert.AreEqual([192], SelectedFeatures.Create(model, FeatureSelection.Pooled("")).Outputs[0].Shape);
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => model.Build(new BuildOptions { GlobalPool = "avg" })).Message, "two tokens");
    }
}
