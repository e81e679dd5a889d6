using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// Self-attention whose heads are mixed linearly before and after the softmax.
/// timm: <c>cait.py</c>. Paper: Talking-Heads Attention, https://arxiv.org/abs/2003.02436
/// </summary>
internal static class TalkingHeadAttention
{
    /// <summary>x <c>[L, C]</c> → <c>[L, C]</c>.</summary>
    public static Node Build(GraphBuilder b, string name, Node x, int heads, bool qkvBias = true)
    {
        (int length, int width) = (x.Shape[0], x.Shape[1]);
        using (b.Scope(name))
        {
            b.Declare("qkv", "proj", "proj_l", "proj_w");
            Node qkv = b.Permute(b.Reshape(b.Linear("qkv", x, 3 * width, qkvBias), [length, 3, heads, Attention.HeadWidth(width, heads)]), [1, 2, 0, 3]);
            Node q = Attention.Part(b, qkv, 0), k = Attention.Part(b, qkv, 1), v = Attention.Part(b, qkv, 2);
            Node maps = b.MatMul(b.Affine(q, Attention.Scale(q)), b.Transpose(k, -2, -1));
            maps = b.Softmax(Mixed("proj_l", maps), -1);
            maps = b.Identity("attn_drop", Mixed("proj_w", maps));
            return b.Identity("proj_drop", b.Linear("proj", Attention.MergeHeads(b, b.MatMul(maps, v)), width));
        }

        // [heads, L, L]: a linear layer over the heads.
        Node Mixed(string layer, Node maps) => b.Permute(b.Linear(layer, b.Permute(maps, [1, 2, 0]), heads), [2, 0, 1]);
    }
}
