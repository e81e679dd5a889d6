using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// Attention of all tokens to a map of lower resolution. Papers: Pyramid Vision Transformer, https://arxiv.org/abs/2102.12122; PVT v2, https://arxiv.org/abs/2106.13797
/// </summary>
internal static class SpatialReductionAttention
{
    /// <summary>Tokens <c>[H · W, C]</c> → <c>[H · W, C]</c>.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="name">Module name.</param>
    /// <param name="x">Tokens.</param>
    /// <param name="grid">Their grid.</param>
    /// <param name="heads">Number of heads.</param>
    /// <param name="reduction">Pixels of the side that become one, by a strided convolution; 1 for none.</param>
    /// <param name="poolsTo7">The map is pooled to 7×7 instead, which makes the cost linear (PVT v2 'li').</param>
    /// <param name="qkvBias">Whether queries, keys and values have biases.</param>
    public static Node Build(GraphBuilder b, string name, Node x, Size2 grid, int heads, int reduction, bool poolsTo7 = false, bool qkvBias = true)
    {
        (int length, int width) = (x.Shape[0], x.Shape[1]);
        int depth = Attention.HeadWidth(width, heads);
        using (b.Scope(name))
        {
            b.Declare("q", "kv", "proj");
            Node q = b.Permute(b.Reshape(b.Linear("q", x, width, qkvBias), [length, heads, depth]), [1, 0, 2]);
            if (poolsTo7 || reduction > 1)
            {
                x = b.Reshape(b.Permute(x, [1, 0]), [width, grid.H, grid.W]);
                x = poolsTo7 ? b.Conv2d("sr", b.Module("pool", new AdaptiveAvgPool2dOp(7, 7), x), width, 1, bias: true) : b.Conv2d("sr", x, width, reduction, reduction, bias: true);
                x = b.LayerNorm("norm", b.Permute(b.Reshape(x, [width, x.Shape[1] * x.Shape[2]]), [1, 0]));
                x = poolsTo7 ? b.Act("act", x, UnaryKind.Gelu) : x;
            }
            Node kv = b.Permute(b.Reshape(b.Linear("kv", x, 2 * width, qkvBias), [x.Shape[0], 2, heads, depth]), [1, 2, 0, 3]);
            x = Attention.MergeHeads(b, Attention.Dot(b, q, Attention.Part(b, kv, 0), Attention.Part(b, kv, 1)));
            return b.Identity("proj_drop", b.Linear("proj", x, width));
        }
    }
}
