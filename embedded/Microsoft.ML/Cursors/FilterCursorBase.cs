using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A cursor over some of its input's rows, with the same columns.</summary>
internal abstract class FilterCursorBase : RootCursorBase
{
    private readonly bool[] _active;
    private readonly DataViewRowCursor _root;

    protected FilterCursorBase(IChannelProvider provider, DataViewRowCursor input, bool[] active) : base(provider)
    {
        Input = input;
        _root = SynchronizedCursorBase.RootOf(input);
        _active = active;
    }

    public sealed override DataViewSchema Schema => Input.Schema;

    public override long Batch => Input.Batch;

    protected DataViewRowCursor Input { get; }

    public override ValueGetter<DataViewRowId> GetIdGetter() => Input.GetIdGetter();

    public sealed override bool IsColumnActive(DataViewSchema.Column column)
    {
        Ch.Check(column.Index < _active.Length);
        return _active[column.Index];
    }

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => Input.GetGetter<TValue>(column);

    protected override bool MoveNextCore()
    {
        while (_root.MoveNext())
        {
            if (Accept())
                return true;
        }
        return false;
    }

    /// <summary>Whether the input's current row stays.</summary>
    protected abstract bool Accept();

    protected override void Close() => Input.Dispose();
}
