using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>timm.layers.PatchEmbed: an image <c>[C, H, W]</c> as tokens <c>[H/P · W/P, width]</c>, one a patch, row by row.</summary>
internal static class PatchEmbed
{
    /// <summary>Adds the patch embedding.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="name">Module name.</param>
    /// <param name="x">Image; a rest that fills no patch is left out.</param>
    /// <param name="patchSize">Pixels of a patch's side.</param>
    /// <param name="width">Channels of a token.</param>
    /// <param name="bias">Whether the projection has a bias.</param>
    /// <param name="norm">Norm of the tokens; null for none.</param>
    /// <param name="dynamic">timm's dynamic image size: the same values by other steps, and a rest is refused.</param>
    /// <param name="pad">Zeros below and right of the image make the rest a patch (<c>dynamic_img_pad</c>).</param>
    /// <returns>The tokens, and the grid of patches.</returns>
    public static (Node Tokens, Size2 Grid) Build(GraphBuilder b, string name, Node x, int patchSize, int width, bool bias = true, NormLayer? norm = null, bool dynamic = false, bool pad = false)
    {
        bool divides = x.Shape[1] % patchSize == 0 && x.Shape[2] % patchSize == 0;
        if (dynamic && !pad && !divides)
            throw new GraphException($"An image of {x.Shape[1]}×{x.Shape[2]} does not divide into patches of {patchSize}; the nearest that does is {Nearest(x.Shape[1])}×{Nearest(x.Shape[2])}.");
        using (b.Scope(name))
        {
            if (pad && !divides)
                x = b.Pad2d(x, new Padding(0, 0, (patchSize - x.Shape[1] % patchSize) % patchSize, (patchSize - x.Shape[2] % patchSize) % patchSize));
            x = b.Conv2d("proj", x, width, patchSize, patchSize, bias: bias);
            Size2 grid = (x.Shape[1], x.Shape[2]);
            Shape tokens = [grid.H * grid.W, width];
            x = dynamic ? b.Permute(x, [1, 2, 0]) : b.Transpose(b.Flatten(x, 1), 0, 1);
            x = Norms.OrIdentity(norm)(b, "norm", x);
            return (dynamic ? b.Reshape(x, tokens, "view") : x, grid);
        }

        int Nearest(int size) => Math.Max(patchSize, (size + patchSize / 2) / patchSize * patchSize);
    }

    /// <summary>The same as a map with channels last <c>[H/P, W/P, width]</c> (<c>output_fmt='NHWC'</c>).</summary>
    public static Node Map(GraphBuilder b, string name, Node x, int patchSize, int width, NormLayer? norm)
    {
        using (b.Scope(name))
            return Norms.OrIdentity(norm)(b, "norm", b.Permute(b.Conv2d("proj", x, width, patchSize, patchSize, bias: true), [1, 2, 0]));
    }
}
