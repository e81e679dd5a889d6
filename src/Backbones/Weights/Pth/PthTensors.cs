namespace Backbones.Weights.Pth;

/// <summary>Turns the tensors of a pickle into tensors in memory: those that lie in order in their storage without a copy.</summary>
internal sealed class PthTensors(string source, long fileLength, Func<PickleStorage, byte[]> readStorage)
{
    private readonly Dictionary<string, byte[]> _storages = new(StringComparer.Ordinal);

    /// <summary>Copies of transposed or expanded tensors may take this many times the file's size in all; more is an attack.</summary>
    private const int MaxGrowth = 4;

    private long _copied;

    /// <summary>Reads the storages and makes the tensors.</summary>
    public List<ParameterTensor> Make(IEnumerable<KeyValuePair<string, PickleTensor>> tensors)
        => [.. tensors.Select(t => Make(t.Key, t.Value))];

    private MemoryTensor Make(string name, PickleTensor tensor)
    {
        PickleStorage storage = tensor.Storage;
        if (!_storages.TryGetValue(storage.Key, out byte[]? bytes))
        {
            _storages[storage.Key] = bytes = readStorage(storage);
        }
        int size = storage.DType.Size();
        (long count, bool inOrder) = Check(name, tensor, bytes.Length / size);
        int first = (int)((storage.Offset + tensor.Offset) * size);
        ReadOnlyMemory<byte> data = count == 0 ? default
            : inOrder ? bytes.AsMemory(first, (int)count * size)
            : Gather(bytes.AsSpan(first), tensor, (int)count, size);
        return new MemoryTensor(name, storage.DType, [.. tensor.Size], data);
    }

    /// <summary>Makes sure that every element lies in the storage; returns their number and whether they lie in row-major order.</summary>
    private (long Count, bool InOrder) Check(string name, PickleTensor tensor, long available)
    {
        if (tensor.Size.Length != tensor.Stride.Length)
        {
            throw new WeightsFormatException(source, $"'{name}' has {tensor.Size.Length} dimensions and {tensor.Stride.Length} strides.");
        }
        Int128 count = 1, last = (Int128)tensor.Storage.Offset + tensor.Offset;
        bool inOrder = true;
        for (int i = tensor.Size.Length - 1; i >= 0; i--)
        {
            inOrder &= tensor.Size[i] == 1 || tensor.Stride[i] == count;
            count *= tensor.Size[i];
            last += (Int128)(tensor.Size[i] - 1) * tensor.Stride[i];
            if (count > Array.MaxLength / 8 || (count > 0 && last > Array.MaxLength))
            {
                throw new WeightsFormatException(source, $"'{name}' of shape [{string.Join(", ", tensor.Size)}] is too large.");
            }
        }
        if (tensor.Offset < 0 || (count > 0 && last >= available))
        {
            throw new WeightsFormatException(source, $"'{name}' of shape [{string.Join(", ", tensor.Size)}] reaches element {last} of a storage of {available}.");
        }
        return ((long)count, inOrder);
    }

    private byte[] Gather(ReadOnlySpan<byte> from, PickleTensor tensor, int count, int size)
    {
        _copied += (long)count * size;
        if (_copied > MaxGrowth * fileLength)
        {
            throw new WeightsFormatException(source, $"the tensors take more than {MaxGrowth} times the file's size of {fileLength} bytes.");
        }
        byte[] data = new byte[count * size];
        int[] index = new int[tensor.Size.Length];
        long position = 0;
        for (int i = 0; i < count; i++)
        {
            from.Slice((int)position * size, size).CopyTo(data.AsSpan(i * size));
            for (int d = index.Length - 1; d >= 0; d--)
            {
                position += tensor.Stride[d];
                if (++index[d] < tensor.Size[d])
                {
                    break;
                }
                position -= tensor.Stride[d] * tensor.Size[d];
                index[d] = 0;
            }
        }
        return data;
    }
}
