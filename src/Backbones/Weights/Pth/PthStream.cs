using System.Globalization;
using System.Numerics;

namespace Backbones.Weights.Pth;

/// <summary>The layout of torch.save before version 1.6: five pickles (magic number, protocol, machine, object, storage keys), then each
/// storage as element count and elements, little-endian on every machine.</summary>
internal static class PthStream
{
    private const int Protocol = 1001;
    private static readonly BigInteger Magic = BigInteger.Parse("1950a86a20f9469cfc6c", NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    /// <summary>A checkpoint, whose tensors can be read while the stream is open.</summary>
    public static PthFile Open(Stream stream, string source, PthBudget budget)
    {
        byte[] start = new byte[Math.Min(stream.Length, PthFile.MaxPickle)];
        stream.ReadExactly(start);
        PickleInput input = new(start, source, budget);
        if (PickleReader.Read(input) is not BigInteger magic || magic != Magic)
            throw input.Error("not a PyTorch checkpoint: the pickle does not begin with PyTorch's magic number.");
        if (PickleReader.Read(input) is not (long)Protocol)
            throw input.Error($"the checkpoint has another protocol version than {Protocol}.");
        PickleReader.Read(input); // the machine that wrote it
        Dictionary<string, PickleStorage> storages = new(StringComparer.Ordinal);
        object? root = PickleReader.Read(input, onStorage: storage => storages[storage.Key] = storage.Type == TorchType.Untyped
            ? throw input.Error("the checkpoint has an untyped storage ('torch.storage.UntypedStorage'), which this layout cannot have.")
            : storage);
        if (PickleReader.Read(input) is not List<object?> keys)
            throw input.Error("the list of storages is missing.");

        stream.Position = input.Position;
        Dictionary<string, (long Position, long Length)> places = Locate(stream, keys, storages, input);
        PthTensors tensors = new(source, budget, storage =>
        {
            (long position, long length) = places.TryGetValue(storage.Key, out var place) ? place : throw input.Error($"the storage '{PickleGlobals.Shorten(storage.Key)}' is missing.");
            if (length > Array.MaxLength)
                throw input.Error($"the storage '{PickleGlobals.Shorten(storage.Key)}' has {length} bytes; at most {Array.MaxLength} are supported.");
            budget.Data(length);
            byte[] bytes = new byte[length];
            stream.Position = position;
            stream.ReadExactly(bytes);
            return bytes;
        });
        return new PthFile(root, tensors, IsScript: false);
    }

    /// <summary>Walks over the storages, each of which begins with its size.</summary>
    private static Dictionary<string, (long Position, long Length)> Locate(Stream stream, List<object?> keys, Dictionary<string, PickleStorage> storages, PickleInput input)
    {
        Dictionary<string, (long, long)> places = new(StringComparer.Ordinal);
        Span<byte> count = stackalloc byte[sizeof(long)];
        foreach (object? item in keys)
        {
            if (item is not string key || !storages.TryGetValue(key, out PickleStorage? storage))
                throw input.Error($"the storage '{PickleGlobals.Shorten(item)}' belongs to no tensor.");
            if (stream.ReadAtLeast(count, count.Length, throwOnEndOfStream: false) < count.Length)
                throw input.Error($"truncated: the file ends before the storage '{PickleGlobals.Shorten(key)}'.");
            if (BitConverter.ToInt64(count) != storage.Count)
                throw input.Error($"the storage '{PickleGlobals.Shorten(key)}' has {BitConverter.ToInt64(count)} elements, its tensors count on {storage.Count}.");
            Int128 length = (Int128)storage.Count * storage.Type.Size;
            if (length > stream.Length - stream.Position)
                throw input.Error($"truncated: the storage '{PickleGlobals.Shorten(key)}' takes {length} bytes, the file has {stream.Length - stream.Position} more.");
            input.Budget.Object(80);
            places[key] = (stream.Position, (long)length);
            stream.Position += (long)length;
        }
        return places;
    }
}
