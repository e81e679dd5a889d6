using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A run of a view's rows, in the view's own order.</summary>
internal sealed class SkipTakeFilter(IHostEnvironment env, IDataView source, long skip, long take) : DataTransformBase(env, nameof(SkipTakeFilter), source)
{
    public override bool CanShuffle => false;

    public override DataViewSchema Schema => Source.Schema;

    public override long? GetRowCount() => take == 0 ? 0 : Source.GetRowCount() is long count ? Math.Min(Math.Max(0, count - skip), take) : null;

    public override DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
        => [GetRowCursorCore(RowCursorUtils.ToActive(columnsNeeded, Schema), null)];

    // Which rows are taken depends on their order.
    protected override bool? ShouldUseParallelCursors(bool[] active) => false;

    protected override DataViewRowCursor GetRowCursorCore(bool[] active, Random rand)
        => new Cursor(Host, Source.GetRowCursor(ColumnsOf(Schema, active), null), active, skip, take);

    private sealed class Cursor(IChannelProvider provider, DataViewRowCursor input, bool[] active, long skip, long take) : FilterCursorBase(provider, input, active)
    {
        private long _skipped;
        private long _taken;

        public override long Batch => 0;

        protected override bool MoveNextCore() => _taken < take && base.MoveNextCore();

        protected override bool Accept()
        {
            if (_skipped < skip)
            {
                _skipped++;
                return false;
            }
            _taken++;
            return true;
        }
    }
}
