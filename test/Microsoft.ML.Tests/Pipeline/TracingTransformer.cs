using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Pipeline;

/// <summary>A third party's transformer, written against the public contract alone: adds a column that is another one plus a number.</summary>
internal sealed class TracingTransformer(string output, string input, int plus) : ITransformer, IDisposable
{
    private int _computed;

    /// <summary>How many values were computed.</summary>
    public int Computed => Volatile.Read(ref _computed);

    public int Disposals { get; private set; }

    /// <summary>How many rows made by the mapper were disposed.</summary>
    public int RowDisposals { get; private set; }

    public bool IsRowToRowMapper { get; init; } = true;

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        if (inputSchema.GetColumnOrNull(input) is not { Type: NumberDataViewType })
            throw new ArgumentOutOfRangeException(nameof(inputSchema), $"Could not find input column '{input}'");
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(inputSchema);
        builder.AddColumn(output, NumberDataViewType.Int32);
        return builder.ToSchema();
    }

    public IDataView Transform(IDataView input) => new View(this, input);

    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema)
        => IsRowToRowMapper ? new Mapper(this, inputSchema) : throw new InvalidOperationException("Not a row to row mapper");

    public void Save(ModelSaveContext ctx) => throw new NotSupportedException();

    public void Dispose() => Disposals++;

    private ValueGetter<int> CreateGetter(DataViewRow row)
    {
        var get = row.GetGetter<int>(row.Schema[input]);
        return (ref int value) =>
        {
            get(ref value);
            value += plus;
            Interlocked.Increment(ref _computed);
        };
    }

    private IEnumerable<DataViewSchema.Column> Needed(DataViewSchema inputSchema, IEnumerable<DataViewSchema.Column> wanted)
    {
        var indices = wanted.Select(c => c.Index).ToHashSet();
        return inputSchema.Where(c => indices.Contains(c.Index) || indices.Contains(inputSchema.Count) && c.Name == input);
    }

    private sealed class Mapper(TracingTransformer owner, DataViewSchema inputSchema) : IRowToRowMapper
    {
        public DataViewSchema InputSchema => inputSchema;

        public DataViewSchema OutputSchema { get; } = owner.GetOutputSchema(inputSchema);

        public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) => owner.Needed(inputSchema, dependingColumns);

        public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
        {
            Assert.AreSame(inputSchema, input.Schema);
            return new Row(owner, input, OutputSchema, activeColumns.Select(c => c.Index).ToHashSet());
        }
    }

    private sealed class Row(TracingTransformer owner, DataViewRow input, DataViewSchema schema, HashSet<int> active) : DataViewRow
    {
        private readonly ValueGetter<int>? _getter = active.Contains(input.Schema.Count) ? owner.CreateGetter(input) : null;

        public override DataViewSchema Schema => schema;

        public override long Position => input.Position;

        public override long Batch => input.Batch;

        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) => active.Contains(column.Index);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
            => column.Index < input.Schema.Count ? input.GetGetter<TValue>(input.Schema[column.Index]) : (ValueGetter<TValue>)(Delegate)_getter!;

        protected override void Dispose(bool disposing)
        {
            owner.RowDisposals++;
            input.Dispose();
        }
    }

    private sealed class View(TracingTransformer owner, IDataView source) : IDataView
    {
        public bool CanShuffle => source.CanShuffle;

        public DataViewSchema Schema { get; } = owner.GetOutputSchema(source.Schema);

        public long? GetRowCount() => source.GetRowCount();

        public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
            => new Cursor(owner, source.GetRowCursor(owner.Needed(source.Schema, columnsNeeded), rand), Schema, columnsNeeded.Select(c => c.Index).ToHashSet());

        public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) => [GetRowCursor(columnsNeeded, rand)];
    }

    private sealed class Cursor(TracingTransformer owner, DataViewRowCursor input, DataViewSchema schema, HashSet<int> active) : DataViewRowCursor
    {
        private readonly ValueGetter<int>? _getter = active.Contains(input.Schema.Count) ? owner.CreateGetter(input) : null;

        public override DataViewSchema Schema => schema;

        public override long Position => input.Position;

        public override long Batch => input.Batch;

        public override bool MoveNext() => input.MoveNext();

        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) => active.Contains(column.Index);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
            => column.Index < input.Schema.Count ? input.GetGetter<TValue>(input.Schema[column.Index]) : (ValueGetter<TValue>)(Delegate)_getter!;

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                input.Dispose();
        }
    }
}

/// <summary>An estimator that gives one transformer, and says how often it was fitted and with how many rows.</summary>
internal sealed class TracingEstimator(TracingTransformer transformer) : IEstimator<TracingTransformer>
{
    public List<int> FittedRows { get; } = [];

    public List<DataViewSchema> FittedSchemas { get; } = [];

    /// <summary>How often the rows are read when fitting.</summary>
    public int Passes { get; init; } = 1;

    public TracingTransformer Fit(IDataView input)
    {
        FittedSchemas.Add(input.Schema);
        for (int i = 0; i < Passes; i++)
            FittedRows.Add(input.Preview(int.MaxValue).RowView.Length);
        return transformer;
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema) => inputSchema;
}
