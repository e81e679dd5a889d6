using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// Attention over grids of tokens whose scores get a term for the distance in rows and one for that in columns, each the product of the query with a learned vector.
/// timm: <c>vision_transformer_sam.py</c>. Paper: MViTv2, https://arxiv.org/abs/2112.01526
/// </summary>
internal static class DecomposedRelPos
{
    /// <summary>q, k, v <c>[windows, heads, H · W, d]</c> → the same.</summary>
    /// <param name="b">The builder, in the attention's scope.</param>
    /// <param name="q">Queries.</param>
    /// <param name="k">Keys.</param>
    /// <param name="v">Values.</param>
    /// <param name="grid">H and W.</param>
    /// <param name="places">What <see cref="Places"/> gives for that many windows and heads.</param>
    public static Node Attend(GraphBuilder b, Node q, Node k, Node v, Size2 grid, Node places)
    {
        (int windows, int heads, int length, int width) = (q.Shape[0], q.Shape[1], q.Shape[2], q.Shape[3]);
        Node queries = b.Reshape(q, [windows, heads, grid.H, grid.W, width]);
        Node rowVectors = Vectors(b, "rel_pos_h", grid.H, width), columnVectors = Vectors(b, "rel_pos_w", grid.W, width);
        Node rows = b.MatMul(queries, rowVectors, transposeB: true, target: "einsum");
        Node columns = b.Leaf("einsum", () => b.Permute(b.MatMul(b.Permute(queries, [0, 1, 3, 2, 4]), columnVectors, transposeB: true), [0, 1, 3, 2, 4]));

        // The plain way, for those who choose its steps.
        Node bias = b.Add(b.Reshape(rows, [windows, heads, grid.H, grid.W, grid.H, 1]), b.Reshape(columns, [windows, heads, grid.H, grid.W, 1, grid.W]));
        Node scaled = b.Affine(q, Attention.Scale(q));
        Node scores = b.Add(b.MatMul(scaled, b.Transpose(k, -2, -1)), b.Reshape(bias, [windows, heads, length, length]));
        b.Identity("attn_drop", b.Softmax(scores, -1));

        // The terms as further channels of the queries, which meet a 1 in the channels of the key's row and column: no map of biases for all pairs
        // (800 MB for SAM's 4096 tokens and 12 heads).
        return b.Leaf("matmul_1", () =>
        {
            Node terms = b.Concat(3, [scaled, b.Reshape(rows, [windows, heads, length, grid.H]), b.Reshape(columns, [windows, heads, length, grid.W])]);
            return b.Attention(terms, b.Concat(3, [k, places]), v, scale: 1);
        });
    }

    /// <summary>For each key a 1 in the channel of its row and one in that of its column: <c>[windows, heads, H · W, H + W]</c>, for all blocks of these sizes.</summary>
    public static Node Places(GraphBuilder b, int windows, int heads, Size2 grid)
    {
        (int length, int channels) = (grid.H * grid.W, grid.H + grid.W);
        var values = new float[PositionTable.Length(length, channels)];
        for (int i = 0; i < length; i++)
            values[i * channels + i / grid.W] = values[i * channels + grid.H + i % grid.W] = 1;
        return b.Expand(b.Constant([1, 1, length, channels], values, "places"), [windows, heads, length, channels]);
    }

    /// <summary>A table of vectors for another number of distances: interpolated linearly.</summary>
    public static ParameterAdapter Resized { get; } = (b, source, target) =>
    {
        (int length, int width) = (source.Shape[0], source.Shape[1]);
        if (source.Shape == target)
            return source;
        Node line = b.Reshape(b.Transpose(source, 0, 1), [width, 1, length]);
        return b.Transpose(b.Reshape(b.Resize(line, 1, target[0], ResizeMode.Bilinear), [width, target[0]]), 0, 1);
    };

    /// <summary>The vectors of each query's row (or column) for all keys': <c>[size, size, d]</c>, from the open module's table <c>[2 · size - 1, d]</c>.</summary>
    private static Node Vectors(GraphBuilder b, string name, int size, int width)
    {
        int[] distances = [.. Enumerable.Range(0, PositionTable.Length(size, size)).Select(i => i / size - i % size + size - 1)];
        return b.Reshape(b.Gather(b.Parameter(name, [2 * size - 1, width]), 0, distances), [size, size, width]);
    }
}
