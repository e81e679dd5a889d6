using System.Collections.Immutable;
using Backbones.Graphs;

namespace Backbones.Onnx;

/// <content>Interpolation of values that depend on the input; that of parameters is computed before the export.</content>
internal sealed partial class OnnxGraphBuilder
{
    private string Resize(Node n, ResizeOp op)
    {
        Shape x = n.Inputs[0].Shape;
        string value = Value(n.Inputs[0]);
        int rank = x.Rank, height = x[^2], width = x[^1];
        if (op.Mode == ResizeMode.Nearest)
            return Gather(Gather(value, rank - 1, Nearest(height, op.H)), rank, Nearest(width, op.W));
        // Opset 17's Resize has no antialiasing.
        if (op.Antialias)
            return Separable(value, height, width, ResizeTaps.Of(height, op.H, op), ResizeTaps.Of(width, op.W, op));

        int maps = (int)(x.Length / (height * width));
        string map = rank == 3 ? value : Reshape(value, [maps, height, width]);
        string sizes = Op("Concat", [BatchSize(), Integers(maps, op.H, op.W)], OnnxAttribute.Integer("axis", 0));
        string resized = Op("Resize", [map, "", "", sizes],
            OnnxAttribute.Text("mode", op.Mode == ResizeMode.Bilinear ? "linear" : "cubic"),
            OnnxAttribute.Text("coordinate_transformation_mode", op.AlignCorners ? "align_corners" : "half_pixel"),
            OnnxAttribute.Float("cubic_coeff_a", -0.75f));
        return rank == 3 ? resized : Reshape(resized, n.Shape);

        // Resize computes positions with rounded scales, which may miss by one; an index table does not.
        ImmutableArray<int> Nearest(int size, int outSize) => [.. ResizeTaps.Of(size, outSize, op).Select(taps => taps[0].Index)];
    }

    /// <summary>Weighted sums of rows, then of columns, of an item's last two dimensions: two matrix products.</summary>
    private string Separable(string x, int height, int width, (int Index, double Weight)[][] rows, (int Index, double Weight)[][] columns)
    {
        var left = new float[rows.Length * height];
        for (int i = 0; i < rows.Length; i++)
            foreach ((int index, double weight) in rows[i])
                left[i * height + index] += (float)weight;
        var right = new float[width * columns.Length];
        for (int i = 0; i < columns.Length; i++)
            foreach ((int index, double weight) in columns[i])
                right[index * columns.Length + i] += (float)weight;
        string byRows = Op("MatMul", [Store($"{_prefix}#rows", [rows.Length, height], left), x]);
        return Op("MatMul", [byRows, Store($"{_prefix}#columns", [width, columns.Length], right)]);
    }
}
