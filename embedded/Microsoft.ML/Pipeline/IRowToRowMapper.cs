namespace Microsoft.ML.Data;

/// <summary>Turns a row into another one.</summary>
public interface IRowToRowMapper
{
    /// <summary>Schema of the rows that go in.</summary>
    DataViewSchema InputSchema { get; }

    /// <summary>Schema of the rows that come out.</summary>
    DataViewSchema OutputSchema { get; }

    /// <summary>The input columns needed for the given output columns.</summary>
    IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns);

    /// <summary>A row that follows <paramref name="input"/>: its getters give the outputs for whatever is current there. Disposes the input with itself.</summary>
    DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns);
}
