using Backbones.Graphs;
using Backbones.Models;
using Backbones.Tests.Graphs;

namespace Backbones.Tests.Layers;

/// <summary>First layers over flattened patches are adapted to other channels as a convolution is, whichever way their pixels lie.</summary>
[TestClass]
public sealed class InputPatchesTests
{
    [TestMethod]
    [DataRow("naflexvit_base_patch16_gap", "embeds.proj.weight", true)]
    [DataRow("gemma4_vit_570m_enc", "patch_embed.input_proj.weight", false)]
    public void AGreyImageIsWeighedByTheSumOfTheColours(string name, string key, bool channelsLast)
    {
        ModelEntry model = ModelCatalog.Find(name);
        model = model.WithConfig(model.Config is Gemma4Vit.Config gemma ? gemma with { Width = 64, Depth = 1 } : (NaFlexVit.Config)model.Config with { Width = 64, Depth = 1, Heads = 2 });
        SelectedFeatures selected = SelectedFeatures.Create(model, FeatureSelection.Unpooled, new BuildOptions { InChannels = 1, ImageSize = (96, 96) });
        ParameterSpec[] checkpoint = [.. model.Build(new BuildOptions { ImageSize = (96, 96) }).Graph.Parameters];
        Graph adapted = selected.AdaptedTo(checkpoint).Graph;
        Node source = adapted.Nodes.Single(n => n.Name == key), sum = adapted.Nodes.Single(n => n.Name.StartsWith(key, StringComparison.Ordinal) && n.Operator is ReduceOp);
        Assert.AreEqual([64, 768], source.Shape);
        var b = GraphBuilder.Extend(adapted);
        Node zero = b.Affine(b.Slice(b.Slice(b.Slice(adapted.Inputs[0], 0, 0, 1), 1, 0, 1), 2, 0, 1), 0);
        float[][] values = TestGraphs.Run(b.Build(b.Add(zero, b.Reshape(b.Slice(source, 0, 5, 1), [1, 1, 768])), b.Add(zero, b.Reshape(b.Slice(sum, 0, 5, 1), [1, 1, 256]))), batch: 1);
        for (int pixel = 0; pixel < 256; pixel++)
            Assert.AreEqual(Enumerable.Range(0, 3).Sum(c => values[0][channelsLast ? 3 * pixel + c : 256 * c + pixel]), values[1][pixel], 1e-5, $"pixel {pixel}");
    }
}
