using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>Kernels of patch embeddings for patches of another size. timm: <c>resample_patch_embed</c>. Paper: FlexiViT, https://arxiv.org/abs/2212.08013</summary>
internal static class PatchKernel
{
    /// <summary>Larger kernels are no patch embeddings.</summary>
    private const int MaxSize = 256;

    /// <summary>
    /// The kernel <c>[O, I, h, w]</c> for patches of another size: such that it says of a resized patch what it said of the patch itself, as near as can be (least squares), so by the
    /// pseudoinverse of the resize. Resizing is separable, and so is its pseudoinverse.
    /// </summary>
    /// <param name="b">What makes the nodes.</param>
    /// <param name="kernel">The kernel.</param>
    /// <param name="size">Height and width wanted.</param>
    /// <param name="bilinear">Resize bilinearly without antialiasing instead of bicubically with it.</param>
    /// <exception cref="GraphException">The kernel has not four dimensions, or is larger than any patch.</exception>
    public static Node Resize(GraphBuilder b, Node kernel, Size2 size, bool bilinear)
    {
        if (kernel.Shape is not { Rank: 4 } shape || shape[2] is < 1 or > MaxSize || shape[3] is < 1 or > MaxSize)
            throw new GraphException($"'{kernel.Name}' {kernel.Shape} is no kernel of a patch embedding [O, I, H, W] of at most {MaxSize} pixels a side.");
        if (shape[2] == size.H && shape[3] == size.W)
            return kernel;
        Node rows = Inverse(b, shape[2], size.H, bilinear), columns = Inverse(b, shape[3], size.W, bilinear);
        return b.MatMul(b.MatMul(rows, kernel, transposeA: true), columns);
    }

    /// <summary>The pseudoinverse <c>[from, to]</c> of resizing from one length to another.</summary>
    private static Node Inverse(GraphBuilder b, int from, int to, bool bilinear)
    {
        var resize = new double[to, from];
        (int, double)[][] taps = ResizeTaps.Of(from, to, new ResizeOp(to, to, bilinear ? ResizeMode.Bilinear : ResizeMode.Bicubic, Antialias: !bilinear));
        for (int i = 0; i < to; i++)
        {
            foreach ((int j, double weight) in taps[i])
                resize[i, j] += weight;
        }
        double[,] inverse = from <= to ? Solve(Product(resize, resize, overRows: true), Transpose(resize)) : Transpose(Solve(Product(resize, resize, overRows: false), resize));
        return b.Constant([from, to], [.. inverse.Cast<double>().Select(v => (float)v)], "inverse");
    }

    /// <summary>aᵀ·b, or a·bᵀ.</summary>
    private static double[,] Product(double[,] a, double[,] b, bool overRows)
    {
        int axis = overRows ? 1 : 0, n = a.GetLength(axis), length = a.GetLength(1 - axis);
        var product = new double[n, n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
            {
                for (int k = 0; k < length; k++)
                    product[i, j] += overRows ? a[k, i] * b[k, j] : a[i, k] * b[j, k];
            }
        }
        return product;
    }

    private static double[,] Transpose(double[,] a)
    {
        var transposed = new double[a.GetLength(1), a.GetLength(0)];
        for (int i = 0; i < a.GetLength(0); i++)
        {
            for (int j = 0; j < a.GetLength(1); j++)
                transposed[j, i] = a[i, j];
        }
        return transposed;
    }

    /// <summary>The solution x of a·x = b for a symmetric positive definite a, by elimination.</summary>
    private static double[,] Solve(double[,] a, double[,] b)
    {
        int n = a.GetLength(0), columns = b.GetLength(1);
        for (int k = 0; k < n; k++)
        {
            for (int i = 0; i < n; i++)
            {
                double factor = a[i, k] / a[k, k];
                if (i == k || factor == 0)
                    continue;
                for (int j = k; j < n; j++)
                    a[i, j] -= factor * a[k, j];
                for (int j = 0; j < columns; j++)
                    b[i, j] -= factor * b[k, j];
            }
        }
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < columns; j++)
                b[i, j] /= a[i, i];
        }
        return b;
    }
}
