using Backbones.Graphs;

namespace Backbones.Engines.Reference;

/// <summary>A dense row-major tensor <c>[Batch, Shape…]</c>; parameters have batch 1 and are repeated where a batch is needed.</summary>
internal readonly record struct ReferenceTensor(float[] Data, int Batch, Shape Shape)
{
    public static ReferenceTensor Zeros(int batch, Shape shape) => new(new float[checked((int)(batch * shape.Length))], batch, shape);

    /// <summary>Elements of one batch item.</summary>
    public int ItemLength => (int)Shape.Length;

    /// <summary>The item of a batch position; a tensor without batch gives its only item to all.</summary>
    public ReadOnlySpan<float> Item(int n) => Data.AsSpan((Batch == 1 ? 0 : n) * ItemLength, ItemLength);

    /// <summary>The writable item of a batch position.</summary>
    public Span<float> ItemSpan(int n) => Data.AsSpan(n * ItemLength, ItemLength);
}
