using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>Swin's patch merging: four neighbours become one pixel of a map <c>[H, W, C]</c>. Paper: Swin Transformer, https://arxiv.org/abs/2103.14030</summary>
internal static class PatchMerging
{
    /// <summary>x <c>[H, W, C]</c> → <c>[⌈H/2⌉, ⌈W/2⌉, outChannels]</c>.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="name">Module name.</param>
    /// <param name="x">The map.</param>
    /// <param name="outChannels">Channels of the result.</param>
    /// <param name="norm">The norm.</param>
    /// <param name="normFirst">The norm stands before the reduction, over 4 C channels (Swin), or behind it (V2).</param>
    public static Node Build(GraphBuilder b, string name, Node x, int outChannels, NormLayer norm, bool normFirst = true)
    {
        using (b.Scope(name))
        {
            x = Join(b, x);
            return normFirst
                ? b.Linear("reduction", norm(b, "norm", x), outChannels, bias: false)
                : norm(b, "norm", b.Linear("reduction", x, outChannels, bias: false));
        }
    }

    /// <summary>The merging alone, with zeros beyond an odd side: x <c>[H, W, C]</c> → <c>[⌈H/2⌉, ⌈W/2⌉, 4 C]</c>, the four column by column.</summary>
    internal static Node Join(GraphBuilder b, Node x)
    {
        x = Windows.Pad(b, x, (Windows.RoundUp(x.Shape[0], 2), Windows.RoundUp(x.Shape[1], 2)));
        (int h, int w, int channels) = (x.Shape[0] / 2, x.Shape[1] / 2, x.Shape[2]);
        x = b.Permute(b.Reshape(x, [h, 2, w, 2, channels]), [0, 2, 3, 1, 4]);
        return b.Flatten(x, 2);
    }
}
