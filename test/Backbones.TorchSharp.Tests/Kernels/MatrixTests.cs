using Backbones.Graphs;

namespace Backbones.Tests.Torch.Kernels;

[TestClass]
public sealed class MatrixTests
{
    [TestMethod]
    [DataRow(false, false)]
    [DataRow(true, false)]
    [DataRow(false, true)]
    [DataRow(true, true)]
    public void MatrixProductsBroadcastAndTranspose(bool transposeA, bool transposeB)
    {
        var op = new MatMulOp(transposeA, transposeB);
        var b = new GraphBuilder([2, 5, 5]);
        Node matrix = b.Reshape(b.Slice(b.Input, 0, 1, 1), [5, 5]);
        Node weight = b.Parameter("weight", [5, 5]);
        Node heads = b.Parameter("heads", [2, 5, 5]);
        TorchComparison.Check(b.Build(
            b.Function("a", op, b.Input, b.Input), b.Function("b", op, matrix, b.Input), b.Function("c", op, b.Input, weight), b.Function("d", op, heads, matrix)));
    }

    [TestMethod]
    public void SoftmaxAlongEveryAxis()
    {
        var b = new GraphBuilder([3, 4, 5]);
        TorchComparison.Check(b.Build(b.Softmax(b.Input, 0), b.Softmax(b.Input, 1), b.Softmax(b.Input, -1)));
    }

    [TestMethod]
    public void AttentionByRankMaskAndScale()
    {
        foreach (Shape leading in (Shape[])[[], [2], [3, 2], [2, 3, 2]])
        {
            var b = new GraphBuilder([.. leading, 6, 8]);
            Node k = b.Affine(b.Input, 0.5f), v = b.Affine(b.Input, -1, 1);
            Node shortKeys = b.Slice(k, -2, 1, 4), shortValues = b.Slice(v, -2, 1, 4);
            Node mask = b.Parameter("mask", [6, 6]);
            Node fullMask = b.Parameter("bias", [.. leading, 6, 6]);
            Node ownMask = b.Function("scores", new MatMulOp(false, true), b.Input, k);
            TorchComparison.Check(b.Build(
                b.Attention(b.Input, k, v), b.Attention(b.Input, k, v, scale: 0.1f), b.Attention(b.Input, shortKeys, shortValues), b.Attention(b.Input, k, b.Slice(v, -1, 0, 3)),
                b.Attention(b.Input, k, v, mask: mask), b.Attention(b.Input, k, v, 1, fullMask), b.Attention(b.Input, k, v, mask: ownMask)), what: $"{leading}");
        }
    }

    [TestMethod]
    public void LstmsReadBothWays()
    {
        foreach (Shape shape in (Shape[])[[4, 5], [3, 4, 5], [2, 3, 1, 5]])
        {
            var b = new GraphBuilder(shape);
            TorchComparison.Check(b.Build(b.Lstm("rnn", b.Input, 6), b.Lstm("rnn2", b.Transpose(b.Input, -1, -2), 3)), batch: 3, what: $"{shape}");
        }
    }

    [TestMethod]
    public void AttentionOfALearnedQuery()
    {
        var b = new GraphBuilder([2, 6, 8]);
        Node query = b.Parameter("latent", [2, 1, 8]);
        TorchComparison.Check(b.Build(b.Attention(query, b.Input, b.Affine(b.Input, 2))), batch: 3);
    }
}
