using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// timm.layers.LambdaLayer: the map becomes one linear function for all pixels, and one for each from its surroundings, which are applied to the queries.
/// Paper: LambdaNetworks: Modeling Long-Range Interactions Without Attention, https://arxiv.org/abs/2102.08602
/// </summary>
internal static class LambdaLayer
{
    private const int Heads = 4, Width = 16;

    /// <summary>x <c>[C, H, W]</c> → <c>[C, H/stride, W/stride]</c>.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="name">Module name.</param>
    /// <param name="x">The map.</param>
    /// <param name="stride">1, or 2 by average pooling at the end.</param>
    /// <param name="radius">Size of the surroundings; null for the whole map with a table of positions, which is for this height and width alone.</param>
    public static Node Build(GraphBuilder b, string name, Node x, int stride, int? radius)
    {
        (int channels, int h, int w) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        int values = channels / Heads, length = h * w;
        using (b.Scope(name))
        {
            // A table is the layer's own parameter; a convolution is a module behind the norms.
            Node? table = radius is null ? b.Parameter("pos_emb", [2 * h - 1, 2 * w - 1, Width]) : null;
            Node qkv = b.Conv2d("qkv", x, (Heads + 1) * Width + values, 1);
            Node q = b.Slice(qkv, 0, 0, Heads * Width), k = b.Slice(qkv, 0, Heads * Width, Width), v = b.Slice(qkv, 0, (Heads + 1) * Width, values);
            q = b.Transpose(b.Reshape(b.BatchNorm("norm_q", q), [Heads, Width, length]), -1, -2);
            v = b.BatchNorm("norm_v", v);
            Node pixels = b.Transpose(b.Reshape(v, [values, length]), -1, -2);
            k = b.Softmax(b.Reshape(k, [Width, length]), -1);

            Node content = b.Reshape(b.MatMul(k, pixels), [1, Width, values], "unsqueeze");
            content = b.MatMul(q, content);
            Node position = table is null ? Surroundings(b, v, radius!.Value) : OfTable(b, table, pixels, h, w);
            position = b.MatMul(b.Reshape(q, [Heads, length, 1, Width], table is null ? "unsqueeze" : "unsqueeze_3"), position);
            position = b.Reshape(position, [Heads, length, values], "squeeze");
            x = b.Reshape(b.Transpose(b.Add(content, position), -1, -2, "transpose_3"), [channels, h, w]);
            return stride == 2 ? b.AvgPool2d("pool", x, 2) : b.Identity("pool", x);
        }
    }

    /// <summary>v <c>[V, H, W]</c> → <c>[1, H·W, K, V]</c>: timm's nn.Conv3d with a kernel of depth 1 is one filter bank for every channel.</summary>
    private static Node Surroundings(GraphBuilder b, Node v, int radius)
    {
        (int values, int h, int w) = (v.Shape[0], v.Shape[1], v.Shape[2]);
        Node lambda = b.Leaf("conv_lambda", () =>
        {
            Node weight = b.Reshape(b.Parameter("weight", [Width, 1, radius, radius, 1]), [1, Width, radius, radius]), bias = b.Reshape(b.Parameter("bias", [Width]), [1, Width]);
            weight = b.Reshape(b.Expand(weight, [values, Width, radius, radius]), [values * Width, 1, radius, radius]);
            bias = b.Reshape(b.Expand(bias, [values, Width]), [values * Width]);
            Node maps = b.Conv2d("conv", v, weight, bias, 1, radius / 2, 1, values);
            return b.Permute(b.Reshape(maps, [values, Width, h, w]), [1, 2, 3, 0]);
        });
        return b.Transpose(b.Reshape(lambda, [1, Width, h * w, values]), 1, 2);
    }

    /// <summary>v <c>[H·W, V]</c> → <c>[1, H·W, K, V]</c> by a table of all differences of positions.</summary>
    private static Node OfTable(GraphBuilder b, Node table, Node v, int h, int w)
    {
        int length = h * w;
        PositionTable.Length(length, length);
        int[] indices = [.. from i in Enumerable.Range(0, length) from j in Enumerable.Range(0, length) select (j / w - i / w + h - 1) * (2 * w - 1) + j % w - i % w + w - 1];
        Node rows = b.Gather(b.Reshape(table, [table.Shape[0] * table.Shape[1], Width]), 0, indices);
        Node lambda = b.MatMul(b.Transpose(b.Reshape(rows, [length, length, Width]), -1, -2), b.Reshape(v, [1, .. v.Shape], "unsqueeze"));
        return b.Reshape(lambda, [1, .. lambda.Shape], "unsqueeze");
    }
}
