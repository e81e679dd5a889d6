using Backbones.Engines;
using Backbones.Engines.Reference;
using Backbones.Graphs;
using Backbones.Models;
using Backbones.Tests.Graphs;
using Backbones.Weights;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class TntTests
{
    [TestMethod]
    public void ParameterCountsAreTimms() => ParameterCounts.AssertMillions("tnt_b_patch16_224", 65.43);

    // The convolution over a patch sees zeros around it, not its neighbours.
    [TestMethod]
    public void PixelsOfAPatchAreThoseThatItHasAlone()
    {
        const int side = 16;
        float[] image = TestGraphs.Input(1, [3, 2 * side, 2 * side]), patch = new float[3 * side * side];
        for (int i = 0; i < patch.Length; i++)
            patch[i] = image[i / side * 2 * side + side + i % side + i / (side * side) * 2 * side * side];
        float[] all = Pixels(2 * side, image), alone = Pixels(side, patch);
        // Patch 1 of 4: the right one of the upper row.
        CollectionAssert.AreEqual(alone, all[alone.Length..(2 * alone.Length)]);
    }

    private static float[] Pixels(int size, float[] image)
    {
        Graph graph = ModelCatalog.Find("tnt_s_patch16_224").Build(new BuildOptions { ImageSize = size }).Graph;
        graph = graph.WithOutputs(graph.Find("pixel_embed.proj"));
        using ParameterStore store = ParameterStore.FromRecipe(graph.Parameters, 1);
        using IPlan plan = new ReferenceEngine().Compile(graph, store, EngineOptions.Default);
        var output = new float[graph.Outputs[0].Shape.Length];
        plan.Run(1, [image], [output]);
        return output;
    }

    [TestMethod]
    public void AnImageThatFillsNoWholePatchesIsRefused()
        => StringAssert.Contains(
            Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find("tnt_s_patch16_224").Build(new BuildOptions { ImageSize = (224, 230) })).Message,
            "multiples of 16, not 224×230");
}
