using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Makes editors, the only way to change a vector: edit the spans, then commit and assign the result.</summary>
public static class VBufferEditor
{
    /// <summary>An editor over the vector as it is: same length, same number of explicit values.</summary>
    public static VBufferEditor<T> CreateFromBuffer<T>(scoped ref VBuffer<T> destination) => destination.GetEditor();

    /// <summary>An editor for a new vector that reuses the arrays of <paramref name="destination"/> where they are large enough.</summary>
    /// <param name="destination">The vector whose arrays are reused. Assign the committed result to it.</param>
    /// <param name="newLogicalLength">Number of slots of the new vector.</param>
    /// <param name="valuesCount">Number of explicit values; null makes it dense.</param>
    /// <param name="maxValuesCapacity">Upper bound for the size of a newly allocated array.</param>
    /// <param name="keepOldOnResize">Whether old values are copied into a newly allocated array.</param>
    /// <param name="requireIndicesOnDense">Whether <see cref="VBufferEditor{T}.Indices"/> is wanted even where the vector is dense.</param>
    public static VBufferEditor<T> Create<T>(scoped ref VBuffer<T> destination, int newLogicalLength, int? valuesCount = null,
        int? maxValuesCapacity = null, bool keepOldOnResize = false, bool requireIndicesOnDense = false)
        => destination.GetEditor(newLogicalLength, valuesCount, maxValuesCapacity, keepOldOnResize, requireIndicesOnDense);
}

/// <summary>Writable view of a vector in the making. Old content of the spans is unspecified: write every value.</summary>
public readonly ref struct VBufferEditor<T>
{
    private readonly int _length;
    private readonly T[] _values;
    private readonly int[] _indices;

    /// <summary>The explicit values.</summary>
    public readonly Span<T> Values;

    /// <summary>The slots of the explicit values, to be strictly increasing; empty where dense (unless asked for).</summary>
    public readonly Span<int> Indices;

    internal VBufferEditor(int length, int count, T[] values, int[] indices, bool requireIndicesOnDense, bool createdNewValues, bool createdNewIndices)
    {
        _length = length;
        _values = values;
        _indices = indices;
        Values = values.AsSpan(0, count);
        Indices = count < length || requireIndicesOnDense ? indices.AsSpan(0, count) : default;
        CreatedNewValues = createdNewValues;
        CreatedNewIndices = createdNewIndices;
    }

    /// <summary>Whether the array of values is new.</summary>
    public bool CreatedNewValues { get; }

    /// <summary>Whether the array of indices is new.</summary>
    public bool CreatedNewIndices { get; }

    /// <summary>The vector as edited.</summary>
    public VBuffer<T> Commit() => new(_length, Values.Length, _values, _indices);

    /// <summary>The vector with only the first <paramref name="physicalValuesCount"/> of the explicit values.</summary>
    public VBuffer<T> CommitTruncated(int physicalValuesCount)
    {
        if (physicalValuesCount > Values.Length)
            throw Contracts.ExceptParam(nameof(physicalValuesCount), $"At most the {Values.Length} explicit values that the editor was created with, but got {physicalValuesCount}.");
        return new VBuffer<T>(_length, physicalValuesCount, _values, _indices);
    }
}
