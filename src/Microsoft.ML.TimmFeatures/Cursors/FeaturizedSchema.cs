using System.Collections.Immutable;

namespace Microsoft.ML.TimmFeatures.Cursors;

/// <summary>The input schema followed by the feature columns, and which feature each of them is.</summary>
internal sealed class FeaturizedSchema
{
    private readonly int _first;
    private readonly ImmutableArray<(int Mapping, int Output)> _features;
    private readonly ImmutableArray<DataViewSchema.Column> _inputs;

    /// <param name="input">The schema before.</param>
    /// <param name="mappings">Input columns, and names of the columns made from each.</param>
    /// <param name="outputs">Types and annotations of those.</param>
    /// <param name="find">Finds an input column by its name, and throws where it is missing or has a type that cannot be featurized.</param>
    /// <exception cref="ArgumentOutOfRangeException">An input column is missing or has a type that cannot be featurized.</exception>
    public FeaturizedSchema(DataViewSchema input, ImmutableArray<ColumnMapping> mappings, ImmutableArray<OutputColumn> outputs, Func<DataViewSchema, string, DataViewSchema.Column> find)
    {
        Input = input;
        OutputCount = outputs.Length;
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(input);
        _first = input.Count;
        _inputs = [.. mappings.Select(m => find(input, m.Input))];
        var columns = ImmutableArray.CreateBuilder<(int, int)>();
        for (int m = 0; m < mappings.Length; m++)
        {
            for (int o = 0; o < OutputCount; o++)
            {
                builder.AddColumn(mappings[m].Outputs[o], outputs[o].Type, outputs[o].Annotations);
                columns.Add((m, o));
            }
        }
        Schema = builder.ToSchema();
        _features = columns.ToImmutable();
    }

    public DataViewSchema Input { get; }

    public DataViewSchema Schema { get; }

    /// <summary>Number of pairs of input and outputs.</summary>
    public int MappingCount => _inputs.Length;

    /// <summary>Number of each mapping's columns.</summary>
    public int OutputCount { get; }

    /// <summary>The column that a mapping reads.</summary>
    public DataViewSchema.Column InputOf(int mapping) => _inputs[mapping];

    /// <summary>Which mapping's which output a column is; null for the input's columns.</summary>
    public (int Mapping, int Output)? FeatureAt(int column) => column < _first ? null : _features[column - _first];

    /// <summary>Which outputs of a mapping are active.</summary>
    public bool[] ActiveOutputs(int mapping, bool[] activeColumns)
    {
        var active = new bool[OutputCount];
        for (int i = 0; i < _features.Length; i++)
        {
            if (_features[i].Mapping == mapping)
                active[_features[i].Output] = activeColumns[_first + i];
        }
        return active;
    }

    /// <summary>The input columns that the given columns of the schema need.</summary>
    public IEnumerable<DataViewSchema.Column> Dependencies(IEnumerable<DataViewSchema.Column> columns) => columns
        .Select(c => FeatureAt(c.Index) is (int mapping, _) ? _inputs[mapping] : Input[c.Index])
        .DistinctBy(c => c.Index);

    /// <summary>A flag for every column of the schema.</summary>
    /// <exception cref="ArgumentException">A column is not of this schema.</exception>
    public bool[] Flags(IEnumerable<DataViewSchema.Column> columns)
    {
        var flags = new bool[Schema.Count];
        foreach (DataViewSchema.Column column in columns)
        {
            CheckColumn(column);
            flags[column.Index] = true;
        }
        return flags;
    }

    /// <exception cref="ArgumentException">The column is not of this schema.</exception>
    public void CheckColumn(DataViewSchema.Column column)
    {
        if (column.Index >= Schema.Count || Schema[column.Index].Name != column.Name)
            throw new ArgumentException($"Column '{column.Name}' is not of this schema. It has {string.Join(", ", Schema.Where(c => !c.IsHidden).Select(c => $"'{c.Name}'"))}.", nameof(column));
    }

    /// <exception cref="InvalidOperationException">The column is not active, or holds values of another type.</exception>
    public static void CheckGetter<TValue>(DataViewSchema.Column column, bool isActive)
    {
        if (!isActive)
            throw new InvalidOperationException($"Column '{column.Name}' is not active: name it when the cursor is made.");
        if (typeof(TValue) != column.Type.RawType)
            throw new InvalidOperationException($"Column '{column.Name}' has values of type {column.Type.RawType}; a getter of {typeof(TValue)} was asked for.");
    }
}
