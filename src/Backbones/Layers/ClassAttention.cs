using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// Attention of the first token alone, the class token, to all tokens.
/// timm: <c>ClassAttn</c> of <c>cait.py</c>. Paper: Going deeper with Image Transformers, https://arxiv.org/abs/2103.17239
/// </summary>
internal static class ClassAttention
{
    /// <summary>x <c>[L, C]</c> → the class token <c>[1, C]</c>.</summary>
    public static Node Build(GraphBuilder b, string name, Node x, int heads, bool qkvBias = true)
    {
        (int length, int width) = (x.Shape[0], x.Shape[1]);
        int headWidth = Attention.HeadWidth(width, heads);
        using (b.Scope(name))
        {
            Node token = b.Linear("q", b.Reshape(b.Slice(x, 0, 0, 1), [width]), width, qkvBias);
            Node q = Heads(b.Reshape(token, [1, width], "unsqueeze"), 1);
            Node k = Heads(b.Linear("k", x, width, qkvBias), length);
            Node v = Heads(b.Linear("v", x, width, qkvBias), length);
            return b.Identity("proj_drop", b.Linear("proj", Attention.MergeHeads(b, Attention.Dot(b, q, k, v)), width));
        }

        Node Heads(Node tokens, int count) => b.Permute(b.Reshape(tokens, [count, heads, headWidth]), [1, 0, 2]);
    }
}
