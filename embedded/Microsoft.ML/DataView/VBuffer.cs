using System.Collections;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>
/// A vector, dense or sparse. Sparse means that only some slots have explicit values, in increasing order of index, and all others
/// have <typeparamref name="T"/>'s default. Immutable to its readers; its arrays are reused through <see cref="VBufferEditor"/>.
/// </summary>
public readonly struct VBuffer<T> : IEnumerable
{
    private readonly T[] _values;
    private readonly int[] _indices;
    private readonly int _count;

    /// <summary>Number of slots, explicit or not.</summary>
    public readonly int Length;

    /// <summary>Creates a dense vector, which takes over the arrays.</summary>
    /// <param name="length">Number of slots.</param>
    /// <param name="values">At least <paramref name="length"/> long; null is fine for an empty vector.</param>
    /// <param name="indices">An array kept for later sparse use, or null.</param>
    public VBuffer(int length, T[] values, int[] indices = null)
    {
        Contracts.CheckParam(length >= 0, nameof(length));
        Contracts.CheckParam((values?.Length ?? 0) >= length, nameof(values));
        (Length, _count, _values, _indices) = (length, length, values, indices);
    }

    /// <summary>Creates a vector with <paramref name="count"/> explicit values, which takes over the arrays.</summary>
    /// <param name="length">Number of slots.</param>
    /// <param name="count">Number of explicit values, 0 to <paramref name="length"/>; equal to it makes the vector dense.</param>
    /// <param name="values">At least <paramref name="count"/> long.</param>
    /// <param name="indices">Unless dense: at least <paramref name="count"/> long, strictly increasing.</param>
    public VBuffer(int length, int count, T[] values, int[] indices)
    {
        Contracts.CheckParam(length >= 0, nameof(length));
        Contracts.CheckParam(0 <= count && count <= length, nameof(count));
        Contracts.CheckParam((values?.Length ?? 0) >= count, nameof(values));
        Contracts.CheckParam(count == length || (indices?.Length ?? 0) >= count, nameof(indices));
        (Length, _count, _values, _indices) = (length, count, values, indices);
    }

    /// <summary>Whether every slot has an explicit value.</summary>
    public bool IsDense => _count == Length;

    /// <summary>The explicit values.</summary>
    public ReadOnlySpan<T> GetValues() => _values.AsSpan(0, _count);

    /// <summary>The slots of the explicit values; empty where dense.</summary>
    public ReadOnlySpan<int> GetIndices() => IsDense ? default : _indices.AsSpan(0, _count);

    /// <summary>Copies as it is, reusing the destination's arrays where they suffice.</summary>
    public void CopyTo(ref VBuffer<T> destination)
    {
        var editor = VBufferEditor.Create(ref destination, Length, _count);
        GetValues().CopyTo(editor.Values);
        GetIndices().CopyTo(editor.Indices);
        destination = editor.Commit();
    }

    /// <summary>Copies with every slot explicit.</summary>
    public void CopyToDense(ref VBuffer<T> destination)
    {
        var editor = VBufferEditor.Create(ref destination, Length);
        CopyTo(editor.Values);
        destination = editor.Commit();
    }

    /// <summary>Copies the slots from <paramref name="sourceIndex"/> on.</summary>
    public void CopyTo(ref VBuffer<T> destination, int sourceIndex, int length)
    {
        Contracts.CheckParam(0 <= sourceIndex && sourceIndex <= Length, nameof(sourceIndex));
        Contracts.CheckParam(0 <= length && sourceIndex <= Length - length, nameof(length));
        int first = IsDense ? sourceIndex : LowerBound(sourceIndex);
        int count = IsDense ? length : LowerBound(sourceIndex + length) - first;
        var editor = VBufferEditor.Create(ref destination, length, count);
        GetValues().Slice(first, count).CopyTo(editor.Values);
        for (int i = 0; i < editor.Indices.Length; i++)
            editor.Indices[i] = _indices[first + i] - sourceIndex;
        destination = editor.Commit();
    }

    /// <summary>Copies all slots to the start of a span.</summary>
    public void CopyTo(Span<T> destination) => CopyTo(destination, 0);

    /// <summary>Copies all slots into a span, slots without an explicit value as <paramref name="defaultValue"/>.</summary>
    public void CopyTo(Span<T> destination, int destinationIndex, T defaultValue = default)
    {
        if (destinationIndex < 0 || destinationIndex > destination.Length - Length)
            throw Contracts.ExceptParam(nameof(destination), $"{Length} values don't fit into a span of {destination.Length} at {destinationIndex}.");
        var target = destination.Slice(destinationIndex, Length);
        if (IsDense)
        {
            GetValues().CopyTo(target);
            return;
        }

        // Without any explicit value ML.NET clears, whatever the default asked for.
        target.Fill(_count == 0 ? default : defaultValue);
        for (int i = 0; i < _count; i++)
            target[_indices[i]] = _values[i];
    }

    /// <summary>Makes <paramref name="destination"/> a dense copy of a part of an array.</summary>
    public static void Copy(T[] source, int sourceIndex, ref VBuffer<T> destination, int length)
    {
        int size = source?.Length ?? 0;
        Contracts.CheckParam(0 <= length && length <= size, nameof(length));
        Contracts.CheckParam(0 <= sourceIndex && sourceIndex <= size - length, nameof(sourceIndex));
        var editor = VBufferEditor.Create(ref destination, length, length);
        source.AsSpan(sourceIndex, length).CopyTo(editor.Values);
        destination = editor.Commit();
    }

    /// <summary>Slot and value of the explicit values, or of all slots.</summary>
    public IEnumerable<KeyValuePair<int, T>> Items(bool all = false)
    {
        var self = this;
        return self.IsDense || all ? self.AllItems() : self.ExplicitItems();
    }

    /// <summary>The values of all slots.</summary>
    public IEnumerable<T> DenseValues()
    {
        foreach (var item in AllItems())
            yield return item.Value;
    }

    private IEnumerable<KeyValuePair<int, T>> ExplicitItems()
    {
        for (int i = 0; i < _count; i++)
            yield return new(_indices[i], _values[i]);
    }

    private IEnumerable<KeyValuePair<int, T>> AllItems()
    {
        bool dense = IsDense;
        for (int slot = 0, next = 0; slot < Length; slot++)
        {
            bool isExplicit = dense || next < _count && _indices[next] == slot;
            yield return new(slot, isExplicit ? _values[next++] : default);
        }
    }

    /// <summary>The value of a slot.</summary>
    public T GetItemOrDefault(int index)
    {
        Contracts.CheckParam(0 <= index && index < Length, nameof(index));
        if (IsDense)
            return _values[index];
        int at = GetIndices().BinarySearch(index);
        return at >= 0 ? _values[at] : default;
    }

    /// <summary>Stores the value of a slot in <paramref name="destination"/>.</summary>
    public void GetItemOrDefault(int index, ref T destination) => destination = GetItemOrDefault(index);

    /// <summary>Enumerates the underlying array of values, spare room included: kept for likeness, seldom what is wanted.</summary>
    public IEnumerator GetEnumerator() => _values.GetEnumerator();

    /// <inheritdoc/>
    public override string ToString()
        => IsDense ? $"Dense vector of size {Length}" : $"Sparse vector of size {Length}, {_count} explicit values";

    internal VBufferEditor<T> GetEditor() => GetEditor(Length, _count, null, false, false);

    internal VBufferEditor<T> GetEditor(int newLogicalLength, int? valuesCount, int? maxValuesCapacity, bool keepOldOnResize, bool requireIndicesOnDense)
    {
        Contracts.CheckParam(newLogicalLength >= 0, nameof(newLogicalLength), "Must be non-negative.");
        Contracts.CheckParam(valuesCount is null or >= 0, nameof(valuesCount), "If specified, must be non-negative.");
        Contracts.CheckParam(valuesCount is null || valuesCount <= newLogicalLength, nameof(valuesCount), "If specified, must be no greater than " + nameof(newLogicalLength));
        int count = valuesCount ?? newLogicalLength;
        int capacity = maxValuesCapacity ?? Array.MaxLength;
        var values = EnsureRoom(_values, count, capacity, keepOldOnResize, out bool newValues);
        bool newIndices = false;
        var indices = count == newLogicalLength && !requireIndicesOnDense ? _indices : EnsureRoom(_indices, count, capacity, keepOldOnResize, out newIndices);
        return new VBufferEditor<T>(newLogicalLength, count, values, indices, requireIndicesOnDense, newValues, newIndices);
    }

    // Doubles, so that rows of slowly growing size don't allocate each time.
    private static TItem[] EnsureRoom<TItem>(TItem[] array, int min, int max, bool keepOld, out bool created)
    {
        if (min > max)
            throw new ArgumentOutOfRangeException(nameof(max), $"{min} values are needed but the capacity is limited to {max}.");
        int size = array?.Length ?? 0;
        created = size < min;
        if (!created)
            return array;
        int doubled = (int)Math.Min(size == 0 ? 4L : 2L * size, max);
        var room = new TItem[Math.Max(doubled, min)];
        if (keepOld && size > 0)
            array.CopyTo(room, 0);
        return room;
    }

    private int LowerBound(int slot)
    {
        int at = _indices.AsSpan(0, _count).BinarySearch(slot);
        return at >= 0 ? at : ~at;
    }
}
