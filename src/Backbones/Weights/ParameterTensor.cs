using Backbones.Graphs;

namespace Backbones.Weights;

/// <summary>One named tensor of a <see cref="ParameterStore"/>; immutable and safe to read from any thread.</summary>
public abstract class ParameterTensor
{
    /// <summary>Describes a tensor.</summary>
    /// <param name="name">State_dict key.</param>
    /// <param name="dtype">Element type as stored.</param>
    /// <param name="shape">Dimensions; empty for a scalar.</param>
    /// <exception cref="ArgumentException">The tensor is larger than 2 GB.</exception>
    protected ParameterTensor(string name, DType dtype, Shape shape)
    {
        Name = name;
        DType = dtype;
        Shape = shape;
        if (shape.Length > Array.MaxLength / dtype.Size())
        {
            throw new ArgumentException($"'{name}' of type {dtype} and shape {shape} is larger than 2 GB.", nameof(shape));
        }
        Length = (int)shape.Length;
    }

    /// <summary>State_dict key.</summary>
    public string Name { get; }

    /// <summary>Element type as stored.</summary>
    public DType DType { get; }

    /// <summary>Dimensions; empty for a scalar.</summary>
    public Shape Shape { get; }

    /// <summary>Number of elements.</summary>
    public int Length { get; }

    /// <summary>Opens the tensor's bytes for reading.</summary>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public abstract TensorView Open();

    /// <summary>Writes the elements as float32, converted where they are stored otherwise (to nearest, as PyTorch does).</summary>
    /// <param name="destination">Exactly <see cref="Length"/> elements.</param>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    public virtual void CopyTo(Span<float> destination)
    {
        RequireLength(destination.Length);
        using TensorView view = Open();
        FloatConversion.ToFloat(DType, view.Bytes, destination);
    }

    /// <summary>The elements as float32, in place where they are stored so, otherwise converted.</summary>
    /// <remarks>Keeps a mapped file's pages until the memory is collected, whether the store is disposed or not.</remarks>
    public virtual ReadOnlyMemory<float> AsFloats() => ToArray();

    /// <summary>The elements as a new float32 array.</summary>
    public float[] ToArray()
    {
        float[] values = GC.AllocateUninitializedArray<float>(Length);
        CopyTo(values);
        return values;
    }

    /// <summary>Refuses a destination of another length than the tensor's.</summary>
    private protected void RequireLength(int length)
    {
        if (length != Length)
        {
            throw new ArgumentException($"'{Name}' has {Length} elements ({Shape}), the destination {length}.");
        }
    }
}
