using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A transformer that makes each of its columns from one input column.</summary>
public abstract class OneToOneTransformerBase : RowToRowTransformerBase
{
    internal readonly (string outputColumnName, string inputColumnName)[] ColumnPairs;

    private protected OneToOneTransformerBase(IHost host, params (string outputColumnName, string inputColumnName)[] columns) : base(host)
    {
        host.CheckValue(columns, nameof(columns));
        var names = new HashSet<string>();
        foreach (var (outputColumnName, inputColumnName) in columns)
        {
            host.CheckNonEmpty(inputColumnName, nameof(columns));
            host.CheckNonEmpty(outputColumnName, nameof(columns));
            if (!names.Add(outputColumnName))
                throw host.ExceptParam(nameof(columns), $"Name of the result column '{outputColumnName}' specified multiple times");
        }
        ColumnPairs = columns;
    }

    private protected OneToOneTransformerBase(IHost host, ModelLoadContext ctx) : this(host, LoadColumns(ctx))
    {
    }

    private protected void SaveColumns(ModelSaveContext ctx)
    {
        ctx.Writer.Write(ColumnPairs.Length);
        foreach (var (outputColumnName, inputColumnName) in ColumnPairs)
        {
            ctx.SaveNonEmptyString(outputColumnName);
            ctx.SaveNonEmptyString(inputColumnName);
        }
    }

    private static (string, string)[] LoadColumns(ModelLoadContext ctx)
    {
        int count = ctx.Reader.ReadInt32();
        Contracts.CheckDecode(count > 0);
        var columns = new (string, string)[count];
        for (int i = 0; i < count; i++)
            columns[i] = (ctx.LoadNonEmptyString(), ctx.LoadNonEmptyString());
        return columns;
    }

    /// <summary>A mapper of column pairs. The derived class makes output columns and getters, by pair.</summary>
    private protected abstract class OneToOneMapper : RowMapper
    {
        private DataViewSchema.DetachedColumn[] _outputColumns;

        protected OneToOneMapper(OneToOneTransformerBase parent, DataViewSchema inputSchema) : base(inputSchema)
        {
            Parent = parent;
            Sources = Array.ConvertAll(parent.ColumnPairs, pair => inputSchema.GetColumnOrNull(pair.inputColumnName)
                ?? throw parent.Host.ExceptSchemaMismatch(nameof(inputSchema), "input", pair.inputColumnName));
        }

        public override DataViewSchema.DetachedColumn[] OutputColumns
            => _outputColumns ??= Parent.ColumnPairs.Select((pair, i) => MakeColumn(pair.outputColumnName, i)).ToArray();

        protected OneToOneTransformerBase Parent { get; }

        /// <summary>The input column of each pair.</summary>
        protected DataViewSchema.Column[] Sources { get; }

        public override IEnumerable<int> GetDependencies(int output) => [Sources[output].Index];

        public override Delegate[] CreateGetters(DataViewRow input, bool[] active)
            => active.Select((wanted, i) => wanted ? MakeGetter(input, i) : null).ToArray();

        /// <summary>The output column of a pair.</summary>
        protected abstract DataViewSchema.DetachedColumn MakeColumn(string name, int pair);

        /// <summary>The getter of a pair's output column.</summary>
        protected abstract Delegate MakeGetter(DataViewRow input, int pair);
    }
}
