namespace Microsoft.ML.Data;

/// <summary>
/// The schema of an input with columns added: new names at the end, and a name that is there already right after the column that it hides.
/// </summary>
internal sealed class ColumnBindings
{
    // Where an output column comes from: an input column's index, or the complement of an added column's.
    private readonly int[] _sources;
    private readonly int[] _addedIndices;

    public ColumnBindings(DataViewSchema input, DataViewSchema.DetachedColumn[] added)
    {
        InputSchema = input;
        var columns = input.Select(c => (Column: new DataViewSchema.DetachedColumn(c), Source: c.Index)).ToList();
        for (int i = 0; i < added.Length; i++)
        {
            string name = added[i].Name;
            int hides = columns.FindLastIndex(c => c.Column.Name == name);
            columns.Insert(hides < 0 ? columns.Count : hides + 1, (added[i], ~i));
        }
        Schema = SchemaExtensions.MakeSchema(columns.Select(c => c.Column));
        _sources = [.. columns.Select(c => c.Source)];
        _addedIndices = new int[added.Length];
        for (int i = 0; i < _sources.Length; i++)
        {
            if (_sources[i] < 0)
                _addedIndices[~_sources[i]] = i;
        }
    }

    public DataViewSchema InputSchema { get; }

    public DataViewSchema Schema { get; }

    /// <summary>Where the added columns are in <see cref="Schema"/>.</summary>
    public IReadOnlyList<int> AddedColumnIndices => _addedIndices;

    /// <summary>The index of the input column, or of the added one.</summary>
    public int MapColumnIndex(out bool isSource, int column)
    {
        int source = _sources[column];
        isSource = source >= 0;
        return isSource ? source : ~source;
    }

    /// <summary>The input columns that are passed through and active in the output.</summary>
    public bool[] GetActiveInput(bool[] active)
    {
        var input = new bool[InputSchema.Count];
        for (int i = 0; i < _sources.Length; i++)
        {
            if (_sources[i] >= 0)
                input[_sources[i]] = active[i];
        }
        return input;
    }
}
