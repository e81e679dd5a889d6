using System.Runtime.InteropServices;

namespace TorchSharp;

/// <content>A dense row-major tensor in managed memory.</content>
public static partial class torch
{
    /// <summary>Values of half types are float32 here, rounded to the type after every operator.</summary>
    public sealed partial class Tensor : IDisposable
    {
        private static long s_count;
        private Memory<float> _data;
        private bool _disposed;

        internal Tensor(Memory<float> data, long[] shape, ScalarType dtype)
        {
            _data = data;
            this.shape = shape;
            this.dtype = dtype;
            Interlocked.Increment(ref s_count);
        }

        /// <summary>Tensors that exist and were not disposed.</summary>
        public static long TotalCount => Interlocked.Read(ref s_count);

        public long[] shape { get; }

        public ScalarType dtype { get; }

        public Device device { get; } = new(DeviceType.CPU);

        public long size(int dim) => shape[dim];

        public long numel() => _data.Length;

        /// <summary>The values; throws for a tensor that was freed, as a native handle would.</summary>
        internal Memory<float> Data
        {
            get
            {
                if (_disposed)
                    throw new InvalidOperationException("Tensor invalid -- empty handle.");
                return _data;
            }
        }

        /// <summary>The values as an array of just them.</summary>
        internal float[] ToArray()
            => MemoryMarshal.TryGetArray<float>(Data, out ArraySegment<float> s) && s.Offset == 0 && s.Count == s.Array!.Length ? s.Array : Data.ToArray();

        public Tensor alias() => new(Data, shape, dtype);

        public Tensor contiguous() => alias();

        public Tensor pin_memory() => throw new InvalidOperationException("Cannot access accelerator device when none is available.");

        public Tensor to(Device device, bool copy = false, bool non_blocking = false) => to(dtype, device, copy, non_blocking: non_blocking);

        public Tensor to(ScalarType type, Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false)
        {
            if (device.type != DeviceType.CPU)
                throw new InvalidOperationException("Torch device type CUDA did not initialise on the current machine.");
            return to_type(type, copy);
        }

        public Tensor to_type(ScalarType type, bool copy = false)
        {
            if (type == dtype)
                return copy ? new Tensor(Data.ToArray(), shape, dtype) : alias();
            return new Tensor(Rounding.To(type, Data.ToArray()), shape, type);
        }

        /// <summary>Overwrites the values with another tensor's, broadcast.</summary>
        public Tensor copy_(Tensor source, bool nonBlocking = false)
        {
            using Tensor expanded = source.shape.SequenceEqual(shape) ? source.alias() : source.expand(shape);
            Store(expanded.ToArray());
            return this;
        }

        private Tensor Store(float[] values)
        {
            values.CopyTo(Data);
            if (dtype != ScalarType.Float32)
                Rounding.To(dtype, Data.ToArray()).CopyTo(Data);
            return this;
        }

        public void Dispose()
        {
            if (_disposed)
                return;
            _disposed = true;
            _data = default;
            Interlocked.Decrement(ref s_count);
        }
    }
}
