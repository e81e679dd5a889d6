using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A row over one object after the other: what goes into a prediction.</summary>
internal sealed class ObjectRow<TRow> : DataViewRow where TRow : class
{
    private readonly IHost _host;
    private readonly ObjectColumns<TRow> _columns;
    private TRow _current;
    private long _position = -1;

    public ObjectRow(IHostEnvironment env, SchemaDefinition definition)
    {
        _host = env.Register("Row");
        var members = MemberMapping.Create(typeof(TRow), definition, SchemaDefinition.Direction.Read);
        Schema = MemberMapping.ToSchema(members);
        _columns = new(_host, members, [.. members.Select(_ => true)], () => _current ?? throw _host.Except(RowCursorUtils.FetchValueStateError));
    }

    public override DataViewSchema Schema { get; }

    public override long Position => _position;

    public override long Batch => 0;

    /// <summary>Makes an object the current one.</summary>
    public void Set(TRow row)
    {
        _host.CheckValue(row, nameof(row));
        _current = row;
        _position++;
    }

    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)_position, 0);

    public override bool IsColumnActive(DataViewSchema.Column column) => _columns.IsActive(column);

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => _columns.GetGetter<TValue>(column);
}
