using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// Relative position bias: what is added to the attention scores of a window depends on how far apart two tokens are. All of it is parameter arithmetic.
/// timm: <c>pos_embed_rel.py</c>. Paper: Swin Transformer, https://arxiv.org/abs/2103.14030
/// </summary>
internal static class RelPosBias
{
    private const string Table = "relative_position_bias_table";

    /// <summary>From a table <c>[(2h - 1)(2w - 1), heads]</c> in the open scope (Swin, timm.layers.RelPosBias).</summary>
    /// <returns><c>[heads, h · w, h · w]</c>.</returns>
    public static Node FromTable(GraphBuilder b, Size2 window, int heads) => Lookup(b, b.Parameter(Table, [Distances(window), heads]), window);

    /// <summary>timm.layers.RelPosBiasTf: from a table <c>[heads, 2h - 1, 2w - 1]</c> that counts from key to query.</summary>
    /// <returns><c>[heads, h · w, h · w]</c>.</returns>
    public static Node FromTableTf(GraphBuilder b, Size2 window, int heads)
    {
        int[] index = Index(window);
        int area = window.H * window.W;
        // Key and query change places.
        int[] transposed = [.. Enumerable.Range(0, index.Length).Select(i => index[i % area * area + i / area])];
        Node table = b.Reshape(b.Parameter(Table, [heads, 2 * window.H - 1, 2 * window.W - 1]), [heads, Distances(window)]);
        return b.Reshape(b.Gather(table, 1, transposed), [heads, area, area]);
    }

    /// <summary>The entries of a table <c>[(2h - 1)(2w - 1), heads]</c> for each query and key: <c>[heads, h · w, h · w]</c>.</summary>
    internal static Node Lookup(GraphBuilder b, Node table, Size2 window)
    {
        int[] index = Index(window);
        int area = window.H * window.W;
        return b.Permute(b.Reshape(b.Gather(table, 0, index), [area, area, table.Shape[1]]), [2, 0, 1]);
    }

    /// <summary>How many relative positions a window has.</summary>
    internal static int Distances(Size2 window) => (2 * window.H - 1) * (2 * window.W - 1);

    /// <summary>timm's <c>gen_relative_position_index</c>: for each query and key the place of their distance, (Δy + h - 1)(2w - 1) + Δx + w - 1.</summary>
    internal static int[] Index(Size2 window)
    {
        long tokens = (long)window.H * window.W;
        var index = new int[PositionTable.Length(tokens, tokens)];
        int area = (int)tokens, at = 0;
        for (int q = 0; q < area; q++)
            for (int k = 0; k < area; k++)
                index[at++] = (q / window.W - k / window.W + window.H - 1) * (2 * window.W - 1) + q % window.W - k % window.W + window.W - 1;
        return index;
    }

    /// <summary>
    /// timm's <c>resize_rel_pos_bias_table</c>: a table for windows of another size, flat <c>[positions, heads]</c> or <c>[heads, 2h - 1, 2w - 1]</c>. The source's positions are
    /// taken to lie farther apart the farther they are from the middle, in a geometric progression that just covers the new window; between them it is interpolated linearly.
    /// </summary>
    /// <param name="window">The window wanted.</param>
    public static ParameterAdapter Resized(Size2 window) => (b, source, target) =>
    {
        bool flat = source.Shape.Rank == 2;
        int side = (int)Math.Sqrt(source.Shape[0]);
        // A flat table of as many entries may be that of another window: 15 × 15 are as many as 9 × 25. timm takes it for that of a square one where it can be.
        if (source.Shape == target && (!flat || window.H == window.W || side * side != source.Shape[0]))
            return source;
        Size2 to = (2 * window.H - 1, 2 * window.W - 1), from = flat ? side : (source.Shape[1], source.Shape[2]);
        int heads = flat ? source.Shape[1] : source.Shape[0];
        if (heads != (flat ? target[1] : target[0]) || (flat && from.H * from.W != source.Shape[0]))
        {
            throw new GraphException($"'{source.Name}' {source.Shape} cannot be resized to {target}: "
                + $"a table has (2h - 1)² entries of a square window for each of {(flat ? target[1] : target[0])} heads.");
        }
        Node maps = flat ? b.Reshape(b.Permute(source, [1, 0]), [heads, from.H, from.W]) : source;
        Node rows = b.Constant([to.H, from.H], Weights(from.H, to.H)), columns = b.Constant([to.W, from.W], Weights(from.W, to.W));
        Node resized = b.MatMul(b.MatMul(rows, maps), columns, transposeB: true);
        return flat ? b.Permute(b.Reshape(resized, [heads, to.H * to.W]), [1, 0]) : resized;
    };

    /// <summary>Linear interpolation from positions in a geometric progression to whole numbers, as a matrix <c>[to, from]</c>.</summary>
    private static float[] Weights(int from, int to)
    {
        float[] positions = Positions(from, to);
        var weights = new float[to * from];
        for (int i = 0; i < to; i++)
        {
            float x = i - to / 2;
            int right = Math.Min(Array.FindIndex(positions, p => p >= x) is >= 0 and int found ? found : from, from - 1), left = Math.Max(right - 1, 0);
            float before = Math.Max(x - positions[left], 0), after = Math.Max(positions[right] - x, 0);
            if (before == 0 && after == 0)
                before = after = 1;
            weights[i * from + left] += after / (before + after);
            weights[i * from + right] += before / (before + after);
        }
        return weights;
    }

    private static float[] Positions(int from, int to)
    {
        double low = 1.01, high = 1.5, ratio = low;
        while (high - low > 1e-6)
        {
            ratio = (low + high) / 2;
            if ((1 - Math.Pow(ratio, from / 2)) / (1 - ratio) > to / 2)
                high = ratio;
            else
                low = ratio;
        }
        var positions = new float[from];
        double position = 1;
        for (int i = 0; i < from / 2; i++)
        {
            (positions[from / 2 - 1 - i], positions[from / 2 + 1 + i]) = ((float)-position, (float)position);
            position += Math.Pow(ratio, i + 1);
        }
        return positions;
    }
}
