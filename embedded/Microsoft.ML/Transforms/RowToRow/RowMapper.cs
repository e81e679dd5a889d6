namespace Microsoft.ML.Data;

/// <summary>A transformer bound to the schema of its input: the columns that it adds, and how a row's values are made.</summary>
/// <param name="inputSchema">The schema of the rows that go in.</param>
internal abstract class RowMapper(DataViewSchema inputSchema)
{
    public DataViewSchema InputSchema { get; } = inputSchema;

    /// <summary>The added columns, in order.</summary>
    public abstract DataViewSchema.DetachedColumn[] OutputColumns { get; }

    /// <summary>The indices of the input columns that an added column is made from.</summary>
    public abstract IEnumerable<int> GetDependencies(int output);

    /// <summary>The getters of the added columns over <paramref name="input"/>, null where not active.</summary>
    /// <param name="input">A row with the schema <see cref="InputSchema"/> whose columns that are needed are active.</param>
    /// <param name="active">Which of the added columns are wanted.</param>
    public abstract Delegate[] CreateGetters(DataViewRow input, bool[] active);
}
