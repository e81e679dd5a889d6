using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// Rotary position embedding: pairs of channels of queries and keys are turned by angles that grow with a patch's place. Nothing here depends on the image:
/// the sines and cosines are constants, or computed from learned frequencies once. timm: <c>pos_embed_sincos.py</c>. Paper: RoFormer, https://arxiv.org/abs/2104.09864
/// </summary>
/// <param name="Sin">Sines <c>[P + H·W, d]</c> or <c>[heads, P + H·W, d]</c>, with the signs of the rotation: negative for the first of a pair. Zero for the prefix tokens, which have no place.</param>
/// <param name="Cos">Cosines; one for the prefix tokens.</param>
/// <param name="Distance">Channels between the two of a pair: 1 for neighbours, d/2 for halves.</param>
/// <param name="PrefixTokens">P: tokens before the patches.</param>
internal sealed record RotaryEmbedding(Node Sin, Node Cos, int Distance, int PrefixTokens)
{
    /// <summary>timm.layers.RotaryEmbeddingCat in its frequencies of language: rows turn the first half of the pairs of channels, columns the second.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="grid">Height and width of the grid of patches.</param>
    /// <param name="width">Channels of a head, d.</param>
    /// <param name="prefixTokens">Tokens before the patches.</param>
    /// <param name="temperature">The largest wavelength is near 2π times this.</param>
    /// <param name="reference">The grid whose distances count: others are stretched to it (EVA-02); null for none.</param>
    /// <param name="offset">Added to a patch's row and column.</param>
    /// <param name="columnsFirst">Columns before rows (<c>grid_indexing='xy'</c>).</param>
    /// <param name="distance">Channels between the two of a pair.</param>
    public static RotaryEmbedding Axial(GraphBuilder b, Size2 grid, int width, int prefixTokens, float temperature, Size2? reference = null, float offset = 0, bool columnsFirst = false, int distance = 1)
    {
        int bands = width / 4;
        float[] frequencies = [.. Enumerable.Range(0, bands).Select(i => 1 / MathF.Pow(temperature, (float)i / bands))];
        float[] rows = Positions(grid.H, reference?.H, offset), columns = Positions(grid.W, reference?.W, offset);
        return FromAngles(b, grid, width, prefixTokens, distance, (y, x, pair) => (pair < bands == columnsFirst ? columns[x] : rows[y]) * frequencies[pair % bands]);
    }

    /// <summary>timm.layers.RotaryEmbeddingDinoV3: coordinates from -1 to 1 whatever the grid. Paper: DINOv3, https://arxiv.org/abs/2508.10104</summary>
    public static RotaryEmbedding DinoV3(GraphBuilder b, Size2 grid, int width, int prefixTokens, float temperature)
    {
        int bands = width / 4;
        float[] periods = [.. Enumerable.Range(0, bands).Select(i => MathF.Pow(temperature, 2f * i / (width / 2)))];
        return FromAngles(b, grid, width, prefixTokens, width / 2, (y, x, pair) =>
        {
            float coordinate = 2 * (pair < bands ? (y + 0.5f) / grid.H : (x + 0.5f) / grid.W) - 1;
            return 2 * MathF.PI * coordinate / periods[pair % bands];
        });
    }

    /// <summary>
    /// timm.layers.RotaryEmbeddingMixed: each head of each block has learned frequencies <c>rope.freqs</c> <c>[2, depth, heads, d/2]</c>, for columns and rows together (or rows and columns).
    /// Paper: Rotary Position Embedding for Vision Transformer, https://arxiv.org/abs/2403.13298
    /// </summary>
    /// <returns>The embedding of each block.</returns>
    public static IReadOnlyList<RotaryEmbedding> Mixed(GraphBuilder b, Size2 grid, int width, int prefixTokens, int depth, int heads, bool columnsFirst)
    {
        int patches = grid.H * grid.W;
        Node frequencies;
        using (b.Scope("rope"))
            frequencies = b.Parameter("freqs", [2, depth, heads, width / 2]);
        Node columns = b.Constant([patches, 1], [.. Enumerable.Range(0, patches).Select(i => (float)(i % grid.W))], "columns");
        Node rows = b.Constant([patches, 1], [.. Enumerable.Range(0, patches).Select(i => (float)(i / grid.W))], "rows");
        Node signs = b.Constant([width], [.. Enumerable.Range(0, width).Select(c => c % 2 == 0 ? -1f : 1f)], "signs");
        Node? none = prefixTokens == 0 ? null : b.Constant([heads, prefixTokens, width], new float[heads * prefixTokens * width], "none");
        int[] neighbours = [.. Enumerable.Range(0, width).Select(c => c / 2)];
        return [.. Enumerable.Range(0, depth).Select(Embedding)];

        RotaryEmbedding Embedding(int block)
        {
            Node angles = b.Add(b.Multiply(columnsFirst ? columns : rows, Frequencies(0, block)), b.Multiply(columnsFirst ? rows : columns, Frequencies(1, block)));
            Node all = b.Gather(angles, 2, neighbours);
            if (none is not null)
                all = b.Concat(1, [none, all]);
            return new(b.Multiply(b.Unary(all, UnaryKind.Sin, "sin"), signs), b.Unary(all, UnaryKind.Cos, "cos"), 1, prefixTokens);
        }

        Node Frequencies(int axis, int block) => b.Reshape(b.Slice(b.Slice(frequencies, 0, axis, 1), 1, block, 1), [heads, 1, width / 2]);
    }

    /// <summary>Turns queries or keys <c>[heads, P + H·W, d]</c>: x · cos + partner(x) · sin.</summary>
    public Node Turn(GraphBuilder b, Node x)
    {
        int[] partners = [.. Enumerable.Range(0, x.Shape[2]).Select(c => IsFirst(c, Distance) ? c + Distance : c - Distance)];
        return b.Add(b.Multiply(x, Cos), b.Multiply(b.Gather(x, 2, partners), Sin));
    }

    /// <summary>The same with timm's steps (over the patches alone, then joined to the prefix) as nodes; the result does not need them.</summary>
    /// <param name="b">The builder, in the attention's scope.</param>
    /// <param name="x">Queries or keys.</param>
    /// <param name="joins">How many joined tensors FX has numbered in this scope so far.</param>
    public Node Apply(GraphBuilder b, Node x, ref int joins)
    {
        (int heads, int length, int width) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        bool halves = Distance > 1;
        Node patches = Patches(x), scaled = b.Multiply(patches, Patches(Cos));
        Node negated = b.Unary(halves ? b.Slice(patches, 2, width / 2, width / 2) : b.Slice(patches, 2, 1, width / 2, 2), UnaryKind.Negate, "neg");
        Node first = halves ? b.Slice(patches, 2, 0, width / 2) : b.Slice(patches, 2, 0, width / 2, 2);
        Node partners = halves ? b.Concat(2, [negated, first], Join(ref joins)) : b.Concat(3, [Column(negated), Column(first)], "stack");
        Node sines = b.Multiply(Patches(Sin), b.Constant([width], [.. Enumerable.Range(0, width).Select(c => IsFirst(c, Distance) ? -1f : 1f)], "signs"));
        b.Add(scaled, b.Multiply(b.Reshape(partners, patches.Shape), sines));
        return b.Function("type_as", new IdentityOp(), b.Leaf(Join(ref joins), () => Turn(b, x)));

        Node Patches(Node tokens) => b.Slice(tokens, -2, PrefixTokens, length - PrefixTokens);

        Node Column(Node half) => b.Reshape(half, [heads, length - PrefixTokens, width / 2, 1]);
    }

    private static string Join(ref int joins) => joins++ == 0 ? "cat" : $"cat_{joins - 1}";

    private static bool IsFirst(int channel, int distance) => channel / distance % 2 == 0;

    private static float[] Positions(int size, int? reference, float offset)
        => [.. Enumerable.Range(0, size).Select(i => reference is { } r ? (i + offset) / size * r : i + offset)];

    /// <param name="b">The builder.</param>
    /// <param name="grid">Height and width of the grid of patches.</param>
    /// <param name="width">Channels.</param>
    /// <param name="prefixTokens">Tokens before the patches.</param>
    /// <param name="distance">Channels between the two of a pair.</param>
    /// <param name="angle">The angle by row, column and pair, 0 to <paramref name="width"/>/2.</param>
    private static RotaryEmbedding FromAngles(GraphBuilder b, Size2 grid, int width, int prefixTokens, int distance, Func<int, int, int, float> angle)
    {
        int length = prefixTokens + grid.H * grid.W;
        float[] sin = new float[length * width], cos = new float[length * width];
        cos.AsSpan(0, prefixTokens * width).Fill(1);
        for (int i = prefixTokens; i < length; i++)
        {
            (int y, int x) = Math.DivRem(i - prefixTokens, grid.W);
            for (int channel = 0; channel < width; channel++)
            {
                float value = angle(y, x, channel / (2 * distance) * distance + channel % distance);
                (sin[i * width + channel], cos[i * width + channel]) = (IsFirst(channel, distance) ? -MathF.Sin(value) : MathF.Sin(value), MathF.Cos(value));
            }
        }
        using (b.Scope("rope"))
            return new(b.Constant([length, width], sin, "sin"), b.Constant([length, width], cos, "cos"), distance, prefixTokens);
    }
}
