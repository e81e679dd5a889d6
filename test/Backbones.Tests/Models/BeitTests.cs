using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class BeitTests
{
    [TestMethod]
    public void TablesAreResizedForAnotherGrid()
    {
        ModelEntry model = ModelCatalog.Find("beit_base_patch16_224");
        SelectedFeatures selected = SelectedFeatures.Create(model, FeatureSelection.Logits, new BuildOptions { ImageSize = (160, 224) });
        Graph adapted = selected.AdaptedTo(model.Build(BuildOptions.Default).Graph.Parameters).Graph;
        Assert.AreEqual([27 * 27 + 3, 12], adapted.Parameters.Single(p => p.Name == "blocks.11.attn.relative_position_bias_table").Shape);
    }

    [TestMethod]
    public void OtherPoolsAreRefused()
        => StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find("beit_base_patch16_224").Build(new BuildOptions { GlobalPool = "max" })).Message, "Valid types are '', 'token' and 'avg'");
}
