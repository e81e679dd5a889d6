using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Tests.Graphs;

namespace Backbones.Tests.Layers;

/// <summary>The attention maps that can be chosen are those of the fused attention that gives the result.</summary>
[TestClass]
public sealed class AttentionTests
{
    [TestMethod]
    public void SelfAttention() => AssertMaps(b => Attention.Build(b, "attn", b.Input, 2), (b, node) =>
        b.MatMul(node("softmax"), Attention.Part(b, node("permute"), 2)));

    [TestMethod]
    public void DifferentialAttention() => AssertMaps(b => DiffAttention.Build(b, "attn", b.Input, 2, depth: 3), (b, node) =>
        b.MatMul(b.Reshape(node("sub_1"), [2, 5, 5]), node("transpose_2")));

    [TestMethod]
    public void CrossCovarianceAttentions() => AssertMaps(b => CrossCovarianceAttention.Build(b, "attn", b.Input, 2), (b, node) =>
        b.MatMul(node("softmax"), Attention.Part(b, node("permute"), 2)));

    [TestMethod]
    public void LatentPooling() => AssertMaps(b => AttentionPool.Latent(b, "attn", b.Input, 2, 16, Norms.LayerNorm(), ActLayers.Torch(UnaryKind.Gelu)), (b, node) =>
        b.MatMul(node("softmax"), Attention.Part(b, node("permute"), 1)));

    [TestMethod]
    public void RefiningPool() => AssertMaps(b => AttentionPool.Refine(b, "attn", b.Input, 2, takeFirst: true), (b, node) =>
        b.MatMul(node("softmax"), node("transpose")));

    [TestMethod]
    public void HeadsThatDoNotDivideTheWidthAreRefused()
    {
        var b = new GraphBuilder([5, 8]);
        Assert.AreEqual("3 heads do not divide 8 channels.", Assert.ThrowsExactly<GraphException>(() => Attention.Build(b, "attn", b.Input, 3)).Message);
    }

    private static void AssertMaps(Action<GraphBuilder> layer, Func<GraphBuilder, Func<string, Node>, Node> fromMaps)
    {
        var b = new GraphBuilder([5, 8]);
        layer(b);
        Graph graph = b.Build(b.Input);
        Node expected = fromMaps(b, name => graph.Find($"attn.{name}"));
        float[][] values = TestGraphs.Run(b.Build(expected, graph.Find("attn.matmul_1")));
        Assert.IsLessThan(1e-6, TestGraphs.Distance(values[0], values[1]));
    }
}
