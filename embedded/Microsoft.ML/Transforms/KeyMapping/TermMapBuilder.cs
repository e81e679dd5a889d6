using Microsoft.ML.Data;
using Microsoft.ML.Internal.Utilities;

namespace Microsoft.ML.Transforms;

/// <summary>Collects the values of a column that get a key.</summary>
internal abstract class TermMapBuilder
{
    /// <summary>The number of values so far.</summary>
    public abstract int Count { get; }

    /// <summary>Takes in the current row; false when there is room for no more values.</summary>
    public abstract bool ProcessRow();

    /// <summary>The values so far.</summary>
    public abstract TermMap Finish();

    /// <summary>A builder over a column of a row that will move.</summary>
    /// <param name="row">The row.</param>
    /// <param name="column">A column of a standard type or of vectors of one.</param>
    /// <param name="maximum">How many values to take.</param>
    /// <param name="sort">Number the values in their own order instead of in that of their occurrence.</param>
    public static TermMapBuilder Create(DataViewRow row, DataViewSchema.Column column, int maximum, bool sort)
        => (TermMapBuilder)Generic.Invoke(CreateOfType<int>, column.Type.GetItemType().RawType, row, column, maximum, sort);

    private static TermMapBuilder CreateOfType<T>(DataViewRow row, DataViewSchema.Column column, int maximum, bool sort)
        => new TermMapBuilder<T>(row, column, maximum, sort);
}

/// <inheritdoc/>
internal sealed class TermMapBuilder<T>(DataViewRow row, DataViewSchema.Column column, int maximum, bool sort) : TermMapBuilder
{
    private readonly PrimitiveDataViewType _type = (PrimitiveDataViewType)column.Type.GetItemType();
    private readonly ValueGetter<T> _getter = column.Type is VectorDataViewType ? null : row.GetGetter<T>(column);
    private readonly ValueGetter<VBuffer<T>> _vectorGetter = column.Type is VectorDataViewType ? row.GetGetter<VBuffer<T>>(column) : null;
    private readonly HashSet<T> _seen = new(PrimitiveValues.GetEqualityComparer<T>());
    private readonly List<T> _terms = [];
    private VBuffer<T> _vector;
    private T _value;

    public override int Count => _terms.Count;

    public override bool ProcessRow()
    {
        if (_getter != null)
        {
            _getter(ref _value);
            return Add(_value);
        }
        _vectorGetter(ref _vector);
        if (_vector.IsDense)
        {
            foreach (T value in _vector.GetValues())
            {
                if (!Add(value))
                    return false;
            }
            return true;
        }
        return _vector.DenseValues().All(Add);
    }

    public override TermMap Finish()
    {
        if (sort)
            _terms.Sort(PrimitiveValues.GetComparison<T>());
        return new TermMap<T>(_type, _terms.ToArray());
    }

    private bool Add(T value)
    {
        if (_terms.Count < maximum && !PrimitiveValues.IsMissing(_type, value) && !_seen.Contains(value))
        {
            // Text may live in a buffer that the next row overwrites.
            T term = value is ReadOnlyMemory<char> text ? (T)(object)text.ToString().AsMemory() : value;
            _seen.Add(term);
            _terms.Add(term);
        }
        return _terms.Count < maximum;
    }
}
