using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>timm.layers.SpaceToDepth: blocks of pixels become channels.</summary>
internal static class SpaceToDepth
{
    /// <summary>x <c>[C, H, W]</c> → <c>[s² · C, H/s, W/s]</c>: row in the block, then column, then channel.</summary>
    /// <exception cref="GraphException">The size is no multiple of the block's.</exception>
    public static Node Build(GraphBuilder b, string name, Node x, int blockSize = 4)
    {
        (int c, int h, int w) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        if (h % blockSize != 0 || w % blockSize != 0)
            throw new GraphException($"This model takes images whose sides are multiples of {blockSize}, not {h}×{w}.");
        using (b.Scope(name))
        {
            x = b.Reshape(x, [c, h / blockSize, blockSize, w / blockSize, blockSize], "view");
            x = b.Identity("contiguous", b.Permute(x, [2, 4, 0, 1, 3]));
            return b.Reshape(x, [blockSize * blockSize * c, h / blockSize, w / blockSize], "view");
        }
    }
}
