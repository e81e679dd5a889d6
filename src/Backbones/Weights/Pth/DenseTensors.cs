using System.Runtime.InteropServices;

namespace Backbones.Weights.Pth;

/// <summary>Quantized and sparse tensors as dense float32, as PyTorch's <c>dequantize</c> and <c>to_dense</c> make them. Null where the parts do not fit together.</summary>
internal static class DenseTensors
{
    /// <summary>(integer − zero point) · scale, with one scale in float32, or one in float64 for each index of an axis.</summary>
    public static byte[]? Dequantize(QuantizedTensor tensor, double[] integers, double[]? scales, double[]? zeros)
    {
        int channels = tensor.Scales is null ? 1 : tensor.Size[tensor.Axis];
        scales ??= [(float)tensor.Scale];
        zeros ??= [tensor.ZeroPoint];
        if (scales.Length != channels || zeros.Length != channels)
            return null;
        int inner = tensor.Scales is null ? Math.Max(integers.Length, 1) : Product(tensor.Size.AsSpan(tensor.Axis + 1));
        float[] values = new float[integers.Length];
        for (int i = 0; i < integers.Length; i++)
        {
            int channel = i / inner % channels;
            values[i] = (float)((float)(integers[i] - zeros[channel]) * scales[channel]);
        }
        return Bytes(values);
    }

    /// <summary>Puts values in their places; those of the same place are added.</summary>
    public static byte[]? Fill(SparseTensor tensor, float[] dense, double[] rows, double[] columns, double[] values)
        => (tensor.Columns is null ? FillCoordinates(tensor, dense, rows, values) : FillCompressed(tensor, dense, rows, columns, values)) ? Bytes(dense) : null;

    private static bool FillCoordinates(SparseTensor tensor, float[] dense, double[] positions, double[] values)
    {
        if (tensor.Rows.Size is not [var dimensions, var count] || dimensions > tensor.Size.Length)
            return false;
        int block = Product(tensor.Size.AsSpan(dimensions));
        if (values.Length != (long)count * block)
            return false;
        for (int i = 0; i < count; i++)
        {
            int place = 0;
            for (int d = 0; d < dimensions; d++)
            {
                double index = positions[d * count + i];
                if (!(index >= 0 && index < tensor.Size[d]))
                    return false;
                place = place * tensor.Size[d] + (int)index;
            }
            for (int j = 0; j < block; j++)
                dense[place * block + j] += (float)values[i * block + j];
        }
        return true;
    }

    private static bool FillCompressed(SparseTensor tensor, float[] dense, double[] starts, double[] others, double[] values)
    {
        if (tensor.Size is not [var height, var width])
            return false;
        bool byColumn = tensor.Layout is "torch.sparse_csc" or "torch.sparse_bsc";
        (int blockHeight, int blockWidth) = tensor.Values.Size is [_, var h, var w] ? (h, w) : (1, 1);
        int block = blockHeight * blockWidth;
        if (block == 0 || values.Length != (long)others.Length * block || starts.Length == 0 || starts[^1] > others.Length)
            return false;
        for (int outer = 0; outer + 1 < starts.Length; outer++)
        {
            if (!(starts[outer] >= 0))
                return false;
            for (int i = (int)starts[outer]; i < starts[outer + 1]; i++)
            {
                if (i >= others.Length || !(others[i] >= 0 && others[i] < Math.Max(height, width)))
                    return false;
                (int top, int left) = byColumn ? ((int)others[i], outer) : (outer, (int)others[i]);
                for (int j = 0; j < block; j++)
                {
                    long y = (long)top * blockHeight + j / blockWidth, x = (long)left * blockWidth + j % blockWidth;
                    if (y >= height || x >= width)
                        return false;
                    dense[y * width + x] += (float)values[i * block + j];
                }
            }
        }
        return true;
    }

    private static int Product(ReadOnlySpan<int> sizes)
    {
        int product = 1;
        foreach (int size in sizes)
            product *= size;
        return product;
    }

    private static byte[] Bytes(float[] values) => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
}
