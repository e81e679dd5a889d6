namespace Microsoft.ML.Data;

/// <summary>Values of one column for some rows, whose arrays are used again and again.</summary>
internal abstract class ColumnBuffer
{
    /// <summary>Makes a function that puts the current value of a row's column into a buffer at an index.</summary>
    public abstract Action<ColumnBuffer, int> CreateWriter(Delegate getter);

    /// <summary>A getter that reads at the index of whatever buffer is current.</summary>
    public abstract Delegate CreateGetter(Func<(RowBatch Batch, int Row)> current, int slot);

    public static ColumnBuffer Create(DataViewType type) => type is VectorDataViewType vector
        ? (ColumnBuffer)Activator.CreateInstance(typeof(VectorBuffer<>).MakeGenericType(vector.ItemType.RawType))
        : (ColumnBuffer)Activator.CreateInstance(typeof(ValueBuffer<>).MakeGenericType(type.RawType));

    private abstract class Buffer<T> : ColumnBuffer
    {
        protected T[] Values = [];

        public override Action<ColumnBuffer, int> CreateWriter(Delegate getter)
        {
            var typed = (ValueGetter<T>)getter;
            return (buffer, row) => ((Buffer<T>)buffer).Write(typed, row);
        }

        public override Delegate CreateGetter(Func<(RowBatch Batch, int Row)> current, int slot)
        {
            ValueGetter<T> getter = (ref T value) =>
            {
                var (batch, row) = current();
                ((Buffer<T>)batch.Columns[slot]).Read(row, ref value);
            };
            return getter;
        }

        protected abstract void Read(int row, ref T value);

        private void Write(ValueGetter<T> getter, int row)
        {
            if (row >= Values.Length)
                Array.Resize(ref Values, Math.Max(row + 1, 2 * Values.Length));
            getter(ref Values[row]);
        }
    }

    private sealed class ValueBuffer<T> : Buffer<T>
    {
        protected override void Read(int row, ref T value) => value = Values[row];
    }

    // Assigning a vector would share its arrays, which the reader may overwrite.
    private sealed class VectorBuffer<T> : Buffer<VBuffer<T>>
    {
        protected override void Read(int row, ref VBuffer<T> value) => Values[row].CopyTo(ref value);
    }
}
