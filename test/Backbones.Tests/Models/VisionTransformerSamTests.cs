using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class VisionTransformerSamTests
{
    /// <summary>Windows keep their tables; what spans the map, positions and global attention, is resized.</summary>
    [TestMethod]
    public void TheWeightsAreTakenAtAnotherSize()
    {
        ModelEntry model = ModelCatalog.Find("samvit_base_patch16");
        SelectedFeatures selected = SelectedFeatures.Create(model, FeatureSelection.Unpooled, new BuildOptions { ImageSize = (256, 320) });
        Assert.AreEqual([256, 16, 20], selected.Outputs[0].Shape);
        Graph adapted = selected.AdaptedTo(model.Build(BuildOptions.Default).Graph.Parameters).Graph;
        Dictionary<string, Shape> read = adapted.Parameters.ToDictionary(p => p.Name, p => p.Shape);
        Assert.AreEqual([1, 64, 64, 768], read["pos_embed"]);
        Assert.AreEqual([127, 64], read["blocks.2.attn.rel_pos_h"]);
        Assert.AreEqual([27, 64], read["blocks.1.attn.rel_pos_h"]);
    }

    /// <summary>timm's norm of the intermediates is the neck, which changes their channels.</summary>
    [TestMethod]
    public void NormalisedIntermediatesHaveBeenThroughTheNeck()
    {
        SelectedFeatures selected = SelectedFeatures.Create(ModelCatalog.Find("samvit_base_patch16"), FeatureSelection.Intermediates([-2], norm: true));
        Assert.AreEqual([256, 64, 64], selected.Outputs[0].Shape);
    }
}
