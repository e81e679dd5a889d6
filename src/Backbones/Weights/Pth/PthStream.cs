using System.Globalization;
using System.Numerics;

namespace Backbones.Weights.Pth;

/// <summary>The layout of torch.save before version 1.6: five pickles (magic number, protocol, machine, object, storage keys), then each
/// storage as element count and elements.</summary>
internal static class PthStream
{
    private const int Protocol = 1001;
    private static readonly BigInteger Magic = BigInteger.Parse("1950a86a20f9469cfc6c", NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    /// <summary>The state dict of a checkpoint.</summary>
    public static IReadOnlyList<ParameterTensor> Read(Stream stream, string source)
    {
        PickleInput input = new(stream, PthFile.MaxPickle, source);
        if (PickleReader.Read(input) is not BigInteger magic || magic != Magic)
        {
            throw input.Error("not a PyTorch checkpoint: the pickle does not begin with PyTorch's magic number.");
        }
        if (PickleReader.Read(input) is not (long)Protocol)
        {
            throw input.Error($"the checkpoint has another protocol version than {Protocol}.");
        }
        if (PickleReader.Read(input) is not PickleDict machine || !machine.TryGet("little_endian", out object? little) || little is not true)
        {
            throw input.Error("written by a big-endian machine; only little-endian checkpoints can be read.");
        }
        Dictionary<string, PickleStorage> storages = new(StringComparer.Ordinal);
        object? root = PickleReader.Read(input, storage => storages[storage.Key] = storage);
        if (PickleReader.Read(input) is not List<object?> keys)
        {
            throw input.Error("the list of storages is missing.");
        }

        Dictionary<string, (long Position, long Length)> places = Locate(stream, keys, storages, input);
        PthTensors tensors = new(source, stream.Length, storage =>
        {
            (long position, long length) = places.TryGetValue(storage.Key, out var place) ? place : throw input.Error($"the storage '{storage.Key}' is missing.");
            if (length > Array.MaxLength)
            {
                throw input.Error($"the storage '{storage.Key}' has {length} bytes; at most {Array.MaxLength} are supported.");
            }
            byte[] bytes = new byte[length];
            stream.Position = position;
            stream.ReadExactly(bytes);
            return bytes;
        });
        return tensors.Make(StateDict.Find(root, source));
    }

    /// <summary>Walks over the storages, each of which begins with its size.</summary>
    private static Dictionary<string, (long Position, long Length)> Locate(Stream stream, List<object?> keys, Dictionary<string, PickleStorage> storages, PickleInput input)
    {
        Dictionary<string, (long, long)> places = new(StringComparer.Ordinal);
        Span<byte> count = stackalloc byte[sizeof(long)];
        foreach (object? item in keys)
        {
            if (item is not string key || !storages.TryGetValue(key, out PickleStorage? storage))
            {
                throw input.Error($"the storage '{item}' belongs to no tensor.");
            }
            if (stream.ReadAtLeast(count, count.Length, throwOnEndOfStream: false) < count.Length)
            {
                throw input.Error($"truncated: the file ends before the storage '{key}'.");
            }
            if (BitConverter.ToInt64(count) != storage.Count)
            {
                throw input.Error($"the storage '{key}' has {BitConverter.ToInt64(count)} elements, its tensors count on {storage.Count}.");
            }
            Int128 length = (Int128)storage.Count * storage.DType.Size();
            if (length > stream.Length - stream.Position)
            {
                throw input.Error($"truncated: the storage '{key}' takes {length} bytes, the file has {stream.Length - stream.Position} more.");
            }
            places[key] = (stream.Position, (long)length);
            stream.Position += (long)length;
        }
        return places;
    }
}
