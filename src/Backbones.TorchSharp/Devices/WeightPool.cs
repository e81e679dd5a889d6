using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Backbones.Engines.Torch;

/// <summary>The weights on one device. Equal values are there once, however many plans read them; the last plan that goes frees them.</summary>
internal sealed class WeightPool(torch.Device device)
{
    private readonly Dictionary<Key, Entry> _entries = [];

    public torch.Device Device => device;

    public bool IsCuda => device.type == TorchSharp.DeviceType.CUDA;

    public string DeviceName => IsCuda ? $"cuda:{device.index}" : "cpu";

    /// <summary>Number of tensors held.</summary>
    public int Count
    {
        get
        {
            lock (_entries)
                return _entries.Count;
        }
    }

    /// <summary>A weight on the device. Dispose the lease, not the tensor.</summary>
    public Lease Rent(DenseTensor value, ScalarType type, bool channelsLast)
    {
        var key = new Key(new Digest(MemoryMarshal.AsBytes(value.Data.AsSpan())), value.Shape, type, channelsLast);
        lock (_entries)
        {
            if (!_entries.TryGetValue(key, out Entry? entry))
                _entries[key] = entry = new Entry(Upload(value, type, channelsLast));
            entry.Users++;
            return new Lease(this, key, entry.Tensor);
        }
    }

    private Tensor Upload(DenseTensor value, ScalarType type, bool channelsLast)
    {
        long[] shape = [.. value.Shape.Dimensions.ToArray().Select(d => (long)d)];
        using Tensor flat = torch.frombuffer(value.Data, ScalarType.Float32);
        using Tensor shaped = flat.reshape(shape);
        // A copy even where nothing changes: the array belongs to the parameter source.
        Tensor tensor = shaped.to(type, device, copy: true);
        return channelsLast ? MemoryLayout.ToChannelsLast(tensor, disposeSource: true) : tensor;
    }

    private void Return(Key key)
    {
        lock (_entries)
        {
            Entry entry = _entries[key];
            if (--entry.Users > 0)
                return;
            _entries.Remove(key);
            entry.Tensor.Dispose();
        }
    }

    /// <summary>A plan's share in a weight.</summary>
    internal sealed class Lease(WeightPool pool, Key key, Tensor tensor) : IDisposable
    {
        private bool _returned;

        public Tensor Tensor => tensor;

        public void Dispose()
        {
            if (!_returned)
                pool.Return(key);
            _returned = true;
        }
    }

    internal sealed record Key(Digest Values, Graphs.Shape Shape, ScalarType Type, bool ChannelsLast);

    private sealed class Entry(Tensor tensor)
    {
        public Tensor Tensor => tensor;

        public int Users { get; set; }
    }

    /// <summary>Half of a SHA-256: enough that no two weights are ever taken for one another.</summary>
    internal readonly record struct Digest
    {
        private readonly UInt128 _value;

        public Digest(ReadOnlySpan<byte> bytes)
        {
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(bytes, hash);
            _value = MemoryMarshal.Read<UInt128>(hash);
        }
    }
}
