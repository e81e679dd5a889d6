using Backbones.Graphs;
using Backbones.Models;
using Backbones.Tests.Graphs;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class NaFlexVitTests
{
    [TestMethod]
    public void AnyGridIsBuiltOverTheSameTable()
    {
        ModelEntry model = Small("naflexvit_base_patch16_par_gap");
        string[] keys = [.. Parameters(new BuildOptions())];
        CollectionAssert.AreEqual(keys, Parameters(new BuildOptions { ImageSize = (64, 320) }));
        Assert.AreEqual([4 + 4 * 20, 64], model.Build(new BuildOptions { ImageSize = (64, 320) }).Features.Shape);
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => model.Build(new BuildOptions { ImageSize = (100, 320) })).Message, "the nearest that does is 96×320");

        string[] Parameters(BuildOptions options) => [.. model.Build(options).Graph.Parameters.Select(p => $"{p.Name} {p.Shape}")];
    }

    /// <summary>On the table's own 16 columns a map that keeps its shape takes the first rows as they are; one that does not squeezes all 16.</summary>
    [TestMethod]
    public void WhereTheShapeIsKeptPositionsAreCutAndNotSqueezed()
    {
        (float[] kept, float[] table) = Positions("naflexvit_base_patch16_par_gap");
        Assert.IsLessThan(1e-5, TestGraphs.Distance(table, kept));
        Assert.IsGreaterThan(0.1, TestGraphs.Distance(table, Positions("naflexvit_base_patch16_gap").Positions));

        // What the tokens of 8×16 patches get beside the patches' own values, and the first eight rows of the table.
        static (float[] Positions, float[] Table) Positions(string name)
        {
            BackboneGraph backbone = Small(name).Build(new BuildOptions { ImageSize = (128, 256) });
            GraphBuilder b = GraphBuilder.Extend(backbone.Graph);
            Node zero = b.Affine(b.Slice(backbone.Features, 0, 0, 128), 0);
            Node sum = backbone.Graph.Nodes.Single(n => n.Name == "embeds").Inputs.Single(n => n.Shape[0] == 128);
            Node table = backbone.Graph.Nodes.Single(n => n.Name == "embeds.pos_embed");
            float[][] values = TestGraphs.Run(b.Build(b.Add(zero, sum.Inputs.Single(n => !n.IsBatched)), b.Add(zero, b.Reshape(b.Slice(table, 1, 0, 8), [128, 64]))), batch: 1);
            return (values[0], values[1]);
        }
    }

    [TestMethod]
    public void PoolingByAttentionCannotBeAddedLater()
    {
        ModelEntry model = Small("naflexvit_base_patch16_gap");
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => SelectedFeatures.Create(model, FeatureSelection.Pooled("map"))).Message, "was not made with");
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => model.Build(new BuildOptions { GlobalPool = "token" })).Message, "Valid types are");
    }

    private static ModelEntry Small(string name)
    {
        ModelEntry model = ModelCatalog.Find(name);
        return model.WithConfig((NaFlexVit.Config)model.Config with { Width = 64, Depth = 1, Heads = 2 });
    }
}
