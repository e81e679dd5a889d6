using Backbones.Graphs;
using Backbones.Models;
using Backbones.Tests.Graphs;

namespace Backbones.Tests.Models;

/// <summary>There are no reference numbers of these models: what is computed is compared with plain arithmetic.</summary>
[TestClass]
public sealed class Gemma4VitTests
{
    private const int Width = 32;

    [TestMethod]
    public void SoftTokensAreScaledMeansOfNinePatches()
    {
        BackboneGraph backbone = Small("gemma4_vit_570m_enc").Build(new BuildOptions { ImageSize = (96, 144) });
        Graph graph = backbone.Graph;
        GraphBuilder b = GraphBuilder.Extend(graph);
        Node zeros = b.Affine(b.Slice(backbone.Features, 0, 0, 1), 0);
        float[][] values = TestGraphs.Run(b.Build(graph.Outputs[0], backbone.Features, b.Add(zeros, Buffer("std_bias")), b.Add(zeros, Buffer("std_scale"))), batch: 1);
        Assert.AreEqual([6, Width], graph.Outputs[0].Shape);
        for (int soft = 0; soft < 6; soft++)
        {
            for (int c = 0; c < Width; c++)
            {
                double mean = Enumerable.Range(0, 9).Average(i => values[1][((soft / 3 * 3 + i / 3) * 9 + soft % 3 * 3 + i % 3) * Width + c]);
                Assert.AreEqual((mean * Math.Sqrt(Width) - values[2][c]) * values[3][c], values[0][soft * Width + c], 1e-4, $"soft token {soft}, channel {c}");
            }
        }

        Node Buffer(string name) => graph.Nodes.Single(n => n.Name == name);
    }

    [TestMethod]
    public void AClassifierTakesTheNormalisedMeanOfThePatches()
    {
        BackboneGraph backbone = Small("gemma4_vit_570m").Build(new BuildOptions { ImageSize = (32, 48) });
        float[][] values = TestGraphs.Run(backbone.Graph.WithOutputs(backbone.Graph.Outputs[0], backbone.Features), batch: 1);
        double[] means = [.. Enumerable.Range(0, Width).Select(c => Enumerable.Range(0, 6).Average(i => (double)values[1][i * Width + c]))];
        double root = Math.Sqrt(means.Average(m => m * m) + 1e-6);
        for (int c = 0; c < Width; c++)
            Assert.AreEqual(means[c] / root, values[0][c], 1e-4, $"channel {c}");
    }

    [TestMethod]
    public void PositionsAreTheSumOfColumnAndRow()
    {
        BackboneGraph backbone = Small("gemma4_vit_570m").Build(new BuildOptions { ImageSize = (32, 48) });
        Node table = backbone.Graph.Nodes.Single(n => n.Name == "encoder.patch_embed.position_embedding_table");
        Node tokens = backbone.Graph.Find("encoder.patch_embed.add"), patches = tokens.Inputs.Single(n => n.IsBatched);
        GraphBuilder b = GraphBuilder.Extend(backbone.Graph);
        Node difference = b.Subtract(tokens, patches), row = b.Slice(b.Slice(table, 0, 1, 1), 1, 1, 1), column = b.Slice(b.Slice(table, 0, 0, 1), 1, 2, 1);
        // Row 1, column 2 of 2×3 patches.
        float[][] values = TestGraphs.Run(b.Build(b.Slice(difference, 0, 5, 1), b.Add(b.Affine(b.Slice(difference, 0, 5, 1), 0), b.Reshape(b.Add(row, column), [1, Width]))), batch: 1);
        Assert.IsLessThan(1e-5, TestGraphs.Distance(values[1], values[0]));
    }

    [TestMethod]
    public void WhatIsNotThereIsRefused()
    {
        ModelEntry encoder = ModelCatalog.Find("gemma4_vit_167m_enc"), classifier = ModelCatalog.Find("gemma4_vit_167m");
        StringAssert.Contains(Message(encoder, new BuildOptions { NumClasses = 10 }), "has no classifier");
        StringAssert.Contains(Message(encoder, new BuildOptions { ImageSize = (224, 224) }), "the nearest that does is 240×240");
        StringAssert.Contains(Message(classifier, new BuildOptions { ImageSize = (230, 224) }), "the nearest that does is 224×224");
        StringAssert.Contains(Message(classifier, new BuildOptions { GlobalPool = "soft" }), "Valid types are 'avg', 'none', ''");

        static string Message(ModelEntry model, BuildOptions options) => Assert.ThrowsExactly<GraphException>(() => model.Build(options)).Message;
    }

    private static ModelEntry Small(string name)
    {
        ModelEntry model = ModelCatalog.Find(name);
        return model.WithConfig((Gemma4Vit.Config)model.Config with { Width = Width, Depth = 1, Heads = 2, MlpHidden = 16 });
    }
}
