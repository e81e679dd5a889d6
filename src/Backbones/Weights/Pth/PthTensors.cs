using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Backbones.Weights.Pth;

/// <summary>Reads the tensors of a pickle: those that lie in order in their storage without a copy.</summary>
internal sealed class PthTensors(string source, PthBudget budget, Func<PickleStorage, byte[]> readStorage, bool isBigEndian = false)
{
    private readonly Dictionary<string, byte[]> _storages = new(StringComparer.Ordinal);

    /// <summary>A tensor's elements, row-major and little-endian; quantized and sparse ones as float32.</summary>
    /// <exception cref="WeightsFormatException">The tensor does not lie in its storage, or is larger than it may be.</exception>
    public ReadOnlyMemory<byte> Read(string name, PickleTensor tensor) => tensor switch
    {
        StridedTensor strided => Read(name, strided),
        QuantizedTensor quantized => DenseTensors.Dequantize(quantized, Numbers(name, quantized.Integers),
            quantized.Scales is { } scales ? Numbers(name, scales) : null, quantized.ZeroPoints is { } zeros ? Numbers(name, zeros) : null)
            ?? throw Error(name, "is quantized, but has not one scale for each index of its axis."),
        SparseTensor sparse => DenseTensors.Fill(sparse, new float[Reserve(name, sparse.Size, sizeof(float)) / sizeof(float)], Numbers(name, sparse.Rows),
            sparse.Columns is { } columns ? Numbers(name, columns) : [], Numbers(name, sparse.Values))
            ?? throw Error(name, $"is sparse ({sparse.Layout}), and its positions and values do not fit the shape [{string.Join(", ", sparse.Size.Select(d => $"{d}"))}]."),
        NumpyTensor array => Read(name, array),
        _ => throw new ArgumentOutOfRangeException(nameof(tensor), tensor, null),
    };

    private ReadOnlyMemory<byte> Read(string name, StridedTensor tensor)
    {
        PickleStorage storage = tensor.Storage;
        if (!_storages.TryGetValue(storage.Key, out byte[]? bytes))
            _storages[storage.Key] = bytes = readStorage(storage);
        int size = tensor.Type.Size;
        (int count, bool inOrder) = Check(name, tensor, bytes.Length / size);
        if (count == 0)
            return default;
        int first = (int)((storage.Offset + tensor.Offset) * size);
        bool isPlain = !isBigEndian && !tensor.IsConjugated && !tensor.IsNegated;
        if (inOrder && isPlain)
            return bytes.AsMemory(first, count * size);
        byte[] copy = Gather(bytes.AsSpan(first), tensor.Size, tensor.Stride, Reserve(name, tensor.Size, size), size);
        if (isBigEndian)
            Swap(copy, tensor.Type);
        // The sign is the highest bit of a float; conjugation is that of every second one.
        for (int i = tensor.IsConjugated ? 2 : 1; (tensor.IsConjugated || tensor.IsNegated) && i * tensor.Type.PartSize <= copy.Length; i += tensor.IsConjugated ? 2 : 1)
            copy[i * tensor.Type.PartSize - 1] ^= 0x80;
        return copy;
    }

    private ReadOnlyMemory<byte> Read(string name, NumpyTensor array)
    {
        int size = array.Type.Size;
        if (Count(array.Size) * size != array.Bytes.Length)
            throw Error(name, $"is an array of shape [{string.Join(", ", array.Size.Select(d => $"{d}"))}], which takes {Count(array.Size) * size} bytes, and has {array.Bytes.Length}.");
        if (!array.IsBigEndian && !array.IsColumnMajor)
            return array.Bytes;
        long[] strides = new long[array.Size.Length];
        long next = 1;
        for (int i = 0; i < strides.Length; i++)
        {
            int axis = array.IsColumnMajor ? i : strides.Length - 1 - i;
            strides[axis] = next;
            next *= array.Size[axis];
        }
        byte[] copy = Gather(array.Bytes, array.Size, strides, Reserve(name, array.Size, size), size);
        if (array.IsBigEndian)
            Swap(copy, array.Type);
        return copy;
    }

    /// <summary>The elements of a part of a tensor (integers, positions, scales).</summary>
    private double[] Numbers(string name, StridedTensor part)
    {
        if (part.Type.DType is not { } type)
            throw Error(name, $"is made of {part.Type.Name} elements.");
        ReadOnlySpan<byte> bytes = Read(name, part).Span;
        int count = bytes.Length / part.Type.Size;
        budget.Data((Int128)count * sizeof(double));
        double[] values = new double[count];
        if (type == DType.Float64)
        {
            bytes.CopyTo(MemoryMarshal.AsBytes(values.AsSpan()));
        }
        else if (type == DType.Int64)
        {
            for (int i = 0; i < count; i++)
                values[i] = BinaryPrimitives.ReadInt64LittleEndian(bytes[(i * sizeof(long))..]);
        }
        else
        {
            // At most 32 bits; of integers 24 are enough for what is quantized or counted so.
            float[] floats = new float[count];
            FloatConversion.ToFloat(type, bytes, floats);
            for (int i = 0; i < count; i++)
                values[i] = floats[i];
        }
        return values;
    }

    /// <summary>Makes sure that every element lies in the storage; returns their number and whether they lie in row-major order.</summary>
    private (int Count, bool InOrder) Check(string name, StridedTensor tensor, long available)
    {
        if (tensor.Size.Length != tensor.Stride.Length)
            throw Error(name, $"has {tensor.Size.Length} dimensions and {tensor.Stride.Length} strides.");
        if (tensor.Storage.Type != tensor.Type && tensor.Storage.Type != TorchType.Untyped)
            throw Error(name, $"is of {tensor.Type.Name} over a storage of {tensor.Storage.Type.Name}.");
        Int128 count = 1, last = (Int128)tensor.Storage.Offset + tensor.Offset;
        bool inOrder = true;
        for (int i = tensor.Size.Length - 1; i >= 0; i--)
        {
            inOrder &= tensor.Size[i] == 1 || tensor.Stride[i] == count;
            count *= tensor.Size[i];
            last += (Int128)(tensor.Size[i] - 1) * tensor.Stride[i];
        }
        if (tensor.Offset < 0 || (count > 0 && last >= available))
            throw Error(name, $"of shape [{string.Join(", ", tensor.Size.Select(d => $"{d}"))}] reaches element {last} of a storage of {available}.");
        return ((int)count, inOrder);
    }

    /// <summary>Charges a new tensor; the number of its bytes.</summary>
    private int Reserve(string name, int[] size, int elementSize)
    {
        Int128 bytes = Count(size) * elementSize;
        budget.Data(bytes);
        return bytes <= Array.MaxLength ? (int)bytes : throw Error(name, $"of shape [{string.Join(", ", size.Select(d => $"{d}"))}] is larger than 2 GB.");
    }

    private static Int128 Count(int[] size) => size.Aggregate(Int128.One, (n, d) => n * d);

    private static byte[] Gather(ReadOnlySpan<byte> from, int[] sizes, long[] strides, int length, int elementSize)
    {
        byte[] data = new byte[length];
        // Without the dimensions of 1 a step to the next element carries over less than twice on average.
        int[] axes = [.. Enumerable.Range(0, sizes.Length).Where(d => sizes[d] != 1)];
        int[] size = [.. axes.Select(d => sizes[d])], index = new int[axes.Length];
        long[] stride = [.. axes.Select(d => strides[d])];
        long position = 0;
        for (int i = 0; i < length; i += elementSize)
        {
            from.Slice((int)(position * elementSize), elementSize).CopyTo(data.AsSpan(i));
            for (int d = index.Length - 1; d >= 0; d--)
            {
                position += stride[d];
                if (++index[d] < size[d])
                    break;
                position -= stride[d] * size[d];
                index[d] = 0;
            }
        }
        return data;
    }

    private static void Swap(byte[] elements, TorchType type)
    {
        for (int i = 0; i < elements.Length; i += type.PartSize)
            elements.AsSpan(i, type.PartSize).Reverse();
    }

    private WeightsFormatException Error(string name, string what) => new(source, $"'{name}' {what}");
}
