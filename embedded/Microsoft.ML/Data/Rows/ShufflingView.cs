using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>
/// A view in random order: its source's own shuffling, where it has one, and then a random choice out of a pool of rows. Without a
/// random generator from the caller the order is always the same one. Columns that can't be buffered (images) are left out of the schema.
/// </summary>
internal sealed class ShufflingView : DataTransformBase
{
    private readonly IDataView _source;
    private readonly int _poolRows;
    private readonly bool _shuffleSource;
    private readonly int _seed;

    public ShufflingView(IHostEnvironment env, IDataView source, int? seed, int poolRows, bool shuffleSource) : base(env, "Shuffle", source)
    {
        _source = ColumnSubsetView.KeepCacheable(Host, source);
        _poolRows = poolRows;
        _shuffleSource = shuffleSource;
        _seed = seed ?? ((TauswortheHybrid)Host.Rand).NextSigned();
    }

    public override bool CanShuffle => true;

    public override DataViewSchema Schema => _source.Schema;

    public override long? GetRowCount() => _source.GetRowCount();

    public override DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
        => [GetRowCursorCore(RowCursorUtils.ToActive(columnsNeeded, Schema), rand)];

    protected override bool? ShouldUseParallelCursors(bool[] active) => false;

    protected override DataViewRowCursor GetRowCursorCore(bool[] active, Random rand)
    {
        rand ??= RandomUtils.Create(_seed);
        var input = _source.GetRowCursor(ColumnsOf(Schema, active), _shuffleSource ? RandomUtils.Create(rand) : null);
        return _poolRows == 1 ? input : new ShufflingCursor(Host, input, _poolRows, rand);
    }
}
