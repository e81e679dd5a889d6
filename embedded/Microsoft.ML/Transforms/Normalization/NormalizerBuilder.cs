using System.Numerics;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms;

/// <summary>Learns what a normalizer does to a column.</summary>
internal abstract class NormalizerBuilder
{
    /// <summary>Takes in the current row; false when enough rows were seen.</summary>
    public abstract bool ProcessRow();

    /// <summary>What was learnt.</summary>
    public abstract NormalizerFunction Finish();

    /// <summary>A builder over a column of a row that will move: a number of floating point or a vector of known size of them.</summary>
    public static NormalizerBuilder Create(DataViewRow row, DataViewSchema.Column column, NormalizingEstimator.ColumnOptions options)
        => column.Type.GetItemType() == NumberDataViewType.Single
            ? new NormalizerBuilder<float>(row, column, options)
            : new NormalizerBuilder<double>(row, column, options);
}

/// <inheritdoc/>
internal sealed class NormalizerBuilder<T>(DataViewRow row, DataViewSchema.Column column, NormalizingEstimator.ColumnOptions options)
    : NormalizerBuilder where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly ValueGetter<T> _getter = column.Type is VectorDataViewType ? null : row.GetGetter<T>(column);
    private readonly ValueGetter<VBuffer<T>> _vectorGetter = column.Type is VectorDataViewType ? row.GetGetter<VBuffer<T>>(column) : null;
    private readonly NormalizerStatistics[] _slots = Enumerable.Range(0, column.Type.GetValueCount()).Select(_ => new NormalizerStatistics()).ToArray();
    private readonly long[] _explicitCounts = new long[column.Type.GetValueCount()];
    private long _rows;
    private VBuffer<T> _vector;

    public override bool ProcessRow()
    {
        if (_rows == options.MaximumExampleCount)
            return false;
        _rows++;
        if (_getter != null)
        {
            T value = default;
            _getter(ref value);
            Add(0, value);
            return true;
        }
        _vectorGetter(ref _vector);
        if (_vector.Length != _slots.Length)
            throw Contracts.Except($"Normalizer expected {_slots.Length} slots but got {_vector.Length} in column '{column.Name}'");
        ReadOnlySpan<T> values = _vector.GetValues();
        ReadOnlySpan<int> slots = _vector.GetIndices();
        for (int i = 0; i < values.Length; i++)
            Add(_vector.IsDense ? i : slots[i], values[i]);
        return true;
    }

    public override NormalizerFunction Finish()
    {
        for (int i = 0; i < _slots.Length; i++)
            _slots[i].Add(0, _rows - _explicitCounts[i]);
        if (options.UseCdf)
        {
            return new CdfNormalizerFunction<T>(
                Array.ConvertAll(_slots, slot => T.CreateTruncating(slot.Mean)),
                Array.ConvertAll(_slots, slot => T.CreateTruncating(Math.Sqrt(slot.Variance))));
        }
        var parameters = Array.ConvertAll(_slots, slot => options.Mode == NormalizingEstimator.NormalizationMode.MinMax ? ByRange(slot) : ByVariance(slot));
        T[] offsets = Array.ConvertAll(parameters, slot => slot.Offset);
        return new AffineNormalizerFunction<T>(
            Array.ConvertAll(parameters, slot => slot.Scale), offsets.All(offset => offset == T.Zero) ? [] : offsets);
    }

    private void Add(int slot, T value)
    {
        _explicitCounts[slot]++;
        _slots[slot].Add(double.CreateTruncating(value));
    }

    // A slot that says nothing, being constant or empty, becomes 0.
    private (T Scale, T Offset) ByRange(NormalizerStatistics slot)
    {
        T min = T.CreateTruncating(slot.Min), max = T.CreateTruncating(slot.Max);
        if (!(max > min))
            return (T.Zero, T.Zero);
        if (options.FixZero)
            return (T.One / T.Max(T.Abs(max), T.Abs(min)), T.Zero);
        T scale = T.One / (max - min);
        return (scale, scale == T.Zero ? T.Zero : min);
    }

    private (T Scale, T Offset) ByVariance(NormalizerStatistics slot)
    {
        if (slot.Variance == 0)
            return (T.Zero, T.Zero);
        if (options.FixZero)
            return (T.One / T.CreateTruncating(Math.Sqrt(slot.Variance + slot.Mean * slot.Mean)), T.Zero);
        T scale = T.One / T.CreateTruncating(Math.Sqrt(slot.Variance));
        return (scale, scale == T.Zero ? T.Zero : T.CreateTruncating(slot.Mean));
    }
}
