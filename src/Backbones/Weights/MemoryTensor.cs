using System.Buffers;
using System.Runtime.InteropServices;
using Backbones.Graphs;

namespace Backbones.Weights;

/// <summary>A tensor in managed memory.</summary>
public sealed class MemoryTensor : ParameterTensor
{
    private readonly ReadOnlyMemory<byte> _data;

    /// <summary>A tensor over bytes; they are not copied.</summary>
    /// <param name="name">State_dict key.</param>
    /// <param name="dtype">Element type.</param>
    /// <param name="shape">Dimensions; empty for a scalar.</param>
    /// <param name="data">Row-major little-endian elements.</param>
    /// <exception cref="ArgumentException">The number of bytes is not what the shape and type ask for.</exception>
    public MemoryTensor(string name, DType dtype, Shape shape, ReadOnlyMemory<byte> data) : base(name, dtype, shape)
    {
        if (data.Length != (long)Length * dtype.Size())
        {
            throw new ArgumentException(
                $"'{name}' of type {dtype} and shape {shape} takes {(long)Length * dtype.Size()} bytes, received {data.Length}.", nameof(data));
        }
        _data = data;
    }

    /// <summary>A float32 tensor with a copy of the values.</summary>
    /// <param name="name">State_dict key.</param>
    /// <param name="shape">Dimensions; empty for a scalar.</param>
    /// <param name="values">Row-major elements.</param>
    public MemoryTensor(string name, Shape shape, ReadOnlySpan<float> values)
        : this(name, DType.Float32, shape, MemoryMarshal.AsBytes(values).ToArray())
    {
    }

    /// <inheritdoc/>
    public override TensorView Open() => new(_data);

    /// <inheritdoc/>
    public override ReadOnlyMemory<float> AsFloats() => DType == DType.Float32 ? new FloatMemory(_data).Memory : base.AsFloats();

    /// <summary>Bytes in managed memory seen as float32, without a copy.</summary>
    private sealed class FloatMemory(ReadOnlyMemory<byte> bytes) : MemoryManager<float>
    {
        public override Span<float> GetSpan() => MemoryMarshal.Cast<byte, float>(MemoryMarshal.AsMemory(bytes).Span);

        public override MemoryHandle Pin(int elementIndex = 0) => bytes[(elementIndex * sizeof(float))..].Pin();

        public override void Unpin()
        {
            // The handle that Pin returns unpins itself.
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
