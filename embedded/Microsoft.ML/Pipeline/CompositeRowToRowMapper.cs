using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Mappers of single rows, one after the other.</summary>
internal sealed class CompositeRowToRowMapper(DataViewSchema inputSchema, IRowToRowMapper[] mappers) : IRowToRowMapper, IDisposable
{
    private bool _disposed;

    public DataViewSchema InputSchema => inputSchema;

    public DataViewSchema OutputSchema { get; } = mappers.LastOrDefault()?.OutputSchema ?? inputSchema;

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns)
    {
        for (int i = mappers.Length - 1; i >= 0; i--)
            dependingColumns = mappers[i].GetDependencies(dependingColumns);
        return dependingColumns;
    }

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        Contracts.CheckValue(input, nameof(input));
        Contracts.CheckValue(activeColumns, nameof(activeColumns));
        Contracts.CheckParam(input.Schema == InputSchema, nameof(input), "Schema did not match original schema");
        bool[] active = RowCursorUtils.ToActive(activeColumns, OutputSchema);
        if (mappers.Length == 0)
        {
            foreach (var column in input.Schema.Where(c => active[c.Index] && !input.IsColumnActive(c)))
                throw Contracts.ExceptParam(nameof(input), $"Mapper required column '{column.Name}' active but it was not.");
            return input;
        }

        // What each mapper has to give is what the next one needs.
        var needed = new IEnumerable<DataViewSchema.Column>[mappers.Length];
        needed[^1] = OutputSchema.Where(c => active[c.Index]);
        for (int i = mappers.Length - 1; i > 0; i--)
            needed[i - 1] = mappers[i].GetDependencies(needed[i]);
        for (int i = 0; i < mappers.Length; i++)
            input = mappers[i].GetRow(input, needed[i]);
        return input;
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        foreach (var mapper in mappers)
            (mapper as IDisposable)?.Dispose();
    }
}
