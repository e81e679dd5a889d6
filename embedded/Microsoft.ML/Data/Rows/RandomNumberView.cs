using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A view with an added Single column of random numbers from 0 to 1, the same in every pass.</summary>
internal sealed class RandomNumberView : DataTransformBase
{
    private const uint DefaultSeed = 42;
    private readonly ColumnBindings _bindings;
    private readonly uint _seed;

    public RandomNumberView(IHostEnvironment env, IDataView source, string name, uint? seed) : base(env, "GenerateNumber", source)
    {
        _seed = seed ?? DefaultSeed;
        _bindings = new ColumnBindings(source.Schema, [new(name, NumberDataViewType.Single)]);
    }

    // A row keeps its number only while the order stays.
    public override bool CanShuffle => false;

    public override DataViewSchema Schema => _bindings.Schema;

    private int AddedColumn => _bindings.AddedColumnIndices[0];

    public override long? GetRowCount() => Source.GetRowCount();

    public override DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
    {
        bool[] active = RowCursorUtils.ToActive(columnsNeeded, Schema);
        var inputs = active[AddedColumn] ? [Source.GetRowCursor(InputColumns(active), null)] : Source.GetRowCursorSet(InputColumns(active), n, null);
        return Array.ConvertAll(inputs, DataViewRowCursor (input) => new Cursor(this, input, active));
    }

    protected override bool? ShouldUseParallelCursors(bool[] active) => active[AddedColumn] ? false : null;

    protected override DataViewRowCursor GetRowCursorCore(bool[] active, Random rand) => new Cursor(this, Source.GetRowCursor(InputColumns(active), null), active);

    private IEnumerable<DataViewSchema.Column> InputColumns(bool[] active) => ColumnsOf(Source.Schema, _bindings.GetActiveInput(active));

    private sealed class Cursor(RandomNumberView owner, DataViewRowCursor input, bool[] active) : SynchronizedCursorBase(owner.Host, input)
    {
        private readonly TauswortheHybrid _rand = new(owner._seed);
        private long _drawn = -1;
        private float _current;

        public override DataViewSchema Schema => owner.Schema;

        public override bool IsColumnActive(DataViewSchema.Column column)
        {
            Ch.Check(column.Index < active.Length);
            return active[column.Index];
        }

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            Ch.Check(IsColumnActive(column), "requested column not active");
            int index = owner._bindings.MapColumnIndex(out bool isSource, column.Index);
            return isSource ? Input.GetGetter<TValue>(Input.Schema[index]) : RowCursorUtils.As<TValue>((ValueGetter<float>)GetNumber, column);
        }

        private void GetNumber(ref float value)
        {
            Ch.Check(Position >= 0, RowCursorUtils.FetchValueStateError);
            for (; _drawn < Position; _drawn++)
                _current = _rand.NextSingle();
            value = _current;
        }
    }
}
