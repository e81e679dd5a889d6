using Microsoft.ML.Internal.Utilities;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A column's value in the current row, computed once for the filter and for whoever reads the row.</summary>
internal abstract class CachedValue
{
    /// <summary>A getter of the kept value.</summary>
    public abstract Delegate Getter { get; }

    /// <summary>Fetches the current row's value, and tests it.</summary>
    public abstract bool Test();

    /// <summary>A test of a column by a predicate of its raw type.</summary>
    public static CachedValue Create(DataViewRow row, DataViewSchema.Column column, Delegate predicate)
        => column.Type is VectorDataViewType vector
            ? (CachedValue)Generic.Invoke(CreateVector<int>, vector.ItemType.RawType, row, column, predicate)
            : (CachedValue)Generic.Invoke(CreateScalar<int>, column.Type.RawType, row, column, predicate);

    private static CachedValue CreateScalar<T>(DataViewRow row, DataViewSchema.Column column, Delegate predicate)
    {
        var value = new Typed<T>(row.GetGetter<T>(column), (Predicate<T>)predicate);
        ValueGetter<T> getter = (ref T dst) =>
        {
            Contracts.Check(row.Position >= 0, RowCursorUtils.FetchValueStateError);
            dst = value.Current;
        };
        value.SetGetter(getter);
        return value;
    }

    private static CachedValue CreateVector<T>(DataViewRow row, DataViewSchema.Column column, Delegate predicate)
    {
        var value = new Typed<VBuffer<T>>(row.GetGetter<VBuffer<T>>(column), (Predicate<VBuffer<T>>)predicate);
        ValueGetter<VBuffer<T>> getter = (ref VBuffer<T> dst) =>
        {
            Contracts.Check(row.Position >= 0, RowCursorUtils.FetchValueStateError);
            value.Current.CopyTo(ref dst);
        };
        value.SetGetter(getter);
        return value;
    }

    private sealed class Typed<T>(ValueGetter<T> source, Predicate<T> predicate) : CachedValue
    {
        private Delegate _getter;
        public T Current;

        public override Delegate Getter => _getter;

        public void SetGetter(Delegate getter) => _getter = getter;

        public override bool Test()
        {
            source(ref Current);
            return predicate(Current);
        }
    }
}
