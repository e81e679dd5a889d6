using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Puts the columns of a <see cref="RowMapper"/> beside those of its input.</summary>
internal sealed class RowToRowMapper : IRowToRowMapper
{
    private readonly RowMapper _mapper;

    // By output column: the input column, or the complement of the added column's index.
    private readonly int[] _sources;

    public RowToRowMapper(RowMapper mapper)
    {
        _mapper = mapper;
        _sources = Arrange(mapper);
        OutputSchema = SchemaExtensions.MakeSchema(_sources.Select(
            source => source >= 0 ? new DataViewSchema.DetachedColumn(InputSchema[source]) : mapper.OutputColumns[~source]));
    }

    public DataViewSchema InputSchema => _mapper.InputSchema;

    public DataViewSchema OutputSchema { get; }

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns)
    {
        var needed = new bool[InputSchema.Count];
        foreach (DataViewSchema.Column column in dependingColumns)
        {
            int source = _sources[column.Index];
            if (source >= 0)
            {
                needed[source] = true;
                continue;
            }
            foreach (int dependency in _mapper.GetDependencies(~source))
                needed[dependency] = true;
        }
        return InputSchema.Where(column => needed[column.Index]);
    }

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        Contracts.CheckValue(input, nameof(input));
        Contracts.CheckParam(input.Schema == InputSchema, nameof(input), "Schema of input row must be the same as the schema the mapper is bound to");
        var active = new bool[OutputSchema.Count];
        var activeAdded = new bool[_mapper.OutputColumns.Length];
        foreach (DataViewSchema.Column column in activeColumns)
        {
            active[column.Index] = true;
            if (_sources[column.Index] < 0)
                activeAdded[~_sources[column.Index]] = true;
        }
        return new MappedRow(input, OutputSchema, _sources, active, _mapper.CreateGetters(input, activeAdded));
    }

    // An added column stands at the end, or right behind the column of the same name that it hides.
    private static int[] Arrange(RowMapper mapper)
    {
        var sources = Enumerable.Range(0, mapper.InputSchema.Count).ToList();
        for (int i = 0; i < mapper.OutputColumns.Length; i++)
        {
            string name = mapper.OutputColumns[i].Name;
            int hidden = sources.FindLastIndex(source => name == (source >= 0 ? mapper.InputSchema[source].Name : mapper.OutputColumns[~source].Name));
            sources.Insert(hidden >= 0 ? hidden + 1 : sources.Count, ~i);
        }
        return sources.ToArray();
    }
}
