using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// timm's PosEmbedRel of bottleneck and halo attention: the score of a query pixel and a window's pixel has a part that is a product of the query with a learned vector
/// of their distance, one for rows and one for columns.
/// Paper: Attention Augmented Convolutional Networks, https://arxiv.org/abs/1904.09925
/// </summary>
internal static class RelativeLogits
{
    /// <summary>q <c>[N, H, W, d]</c> and windows of h × w pixels → <c>[N, H, W, h, w]</c>.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="name">Module name.</param>
    /// <param name="q">Queries of N heads or blocks.</param>
    /// <param name="window">Height and width of a window.</param>
    public static Node Build(GraphBuilder b, string name, Node q, Size2 window)
    {
        int width = q.Shape[3];
        using (b.Scope(name))
        {
            Node heightRel = b.Parameter("height_rel", [2 * window.H - 1, width]), widthRel = b.Parameter("width_rel", [2 * window.W - 1, width]);
            Node columns = b.Permute(Along(b, q, widthRel, window.W, window.H), [0, 1, 3, 2, 4]);
            q = b.Transpose(q, 1, 2, "transpose_1");
            Node rows = b.Permute(Along(b, q, heightRel, window.H, window.W), [0, 3, 1, 4, 2]);
            // FX counts sums of sizes among the names: one for each direction, and another where the window's size is read off the table.
            return b.Add(rows, columns, window == (q.Shape[2], q.Shape[1]) ? "add_2" : "add_4");
        }
    }

    /// <summary>One direction: q <c>[N, A, B, d]</c> → <c>[N, A, repeats, B, size]</c>, the same for all of the other direction's pixels of a window.</summary>
    private static Node Along(GraphBuilder b, Node q, Node table, int size, int repeats)
    {
        (int n, int a, int length) = (q.Shape[0], q.Shape[1], q.Shape[2]);
        int distances = table.Shape[0];
        Node x = b.Reshape(b.MatMul(q, b.Transpose(table, 0, 1)), [n * a, length, distances]);
        // Distances become positions: row by row, what is wanted begins one further to the left; laid out with one element more each, then cut to rows one shorter, it stands in columns.
        x = b.Flatten(b.Pad2d(x, new Padding(0, 0, 0, 1)), 1);
        x = b.Reshape(b.Pad2d(x, new Padding(0, 0, 0, distances - length)), [n * a, length + 1, distances]);
        x = b.Slice(b.Slice(x, 1, 0, length, target: "#rows"), 2, size - 1, size);
        x = b.Reshape(x, [n, a, 1, length, size]);
        return b.Expand(x, [n, a, repeats, length, size]);
    }
}
