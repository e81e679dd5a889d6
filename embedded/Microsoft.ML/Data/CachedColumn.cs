using Microsoft.ML.Internal.Utilities;

namespace Microsoft.ML.Data;

/// <summary>The kept values of a column, in blocks so that readers aren't disturbed while it grows.</summary>
internal abstract class CachedColumn
{
    private const int BlockShift = 10;
    private const int BlockMask = (1 << BlockShift) - 1;

    public static CachedColumn Create(DataViewRowCursor cursor, DataViewSchema.Column column) => column.Type is VectorDataViewType vector
        ? (CachedColumn)Generic.Invoke(CreateVectors<int>, vector.ItemType.RawType, cursor, column)
        : (CachedColumn)Generic.Invoke(CreateValues<int>, column.Type.RawType, cursor, column);

    /// <summary>Keeps the cursor's current value as that of a row, the one after the last.</summary>
    public abstract void Append(int row);

    /// <summary>A getter of the value of whatever row is current.</summary>
    public abstract Delegate CreateGetter(Func<int> currentRow);

    private static CachedColumn CreateValues<T>(DataViewRowCursor cursor, DataViewSchema.Column column) => new Values<T>(cursor.GetGetter<T>(column));

    private static CachedColumn CreateVectors<T>(DataViewRowCursor cursor, DataViewSchema.Column column) => new Vectors<T>(cursor.GetGetter<VBuffer<T>>(column));

    private abstract class Blocks<T> : CachedColumn
    {
        private volatile T[][] _blocks = [];

        protected ref T At(int row) => ref _blocks[row >> BlockShift][row & BlockMask];

        protected void EnsureBlock(int row)
        {
            if (row >> BlockShift == _blocks.Length)
                _blocks = [.. _blocks, new T[1 << BlockShift]];
        }
    }

    private sealed class Values<T>(ValueGetter<T> source) : Blocks<T>
    {
        public override void Append(int row)
        {
            EnsureBlock(row);
            source(ref At(row));
        }

        public override Delegate CreateGetter(Func<int> currentRow)
        {
            ValueGetter<T> getter = (ref T value) => value = At(currentRow());
            return getter;
        }
    }

    private sealed class Vectors<T>(ValueGetter<VBuffer<T>> source) : Blocks<VBuffer<T>>
    {
        private VBuffer<T> _current;

        public override void Append(int row)
        {
            EnsureBlock(row);
            source(ref _current);

            // A copy has arrays of just the size needed.
            int[] indices = _current.IsDense ? null : _current.GetIndices().ToArray();
            At(row) = new VBuffer<T>(_current.Length, _current.GetValues().Length, _current.GetValues().ToArray(), indices);
        }

        public override Delegate CreateGetter(Func<int> currentRow)
        {
            ValueGetter<VBuffer<T>> getter = (ref VBuffer<T> value) => At(currentRow()).CopyTo(ref value);
            return getter;
        }
    }
}
