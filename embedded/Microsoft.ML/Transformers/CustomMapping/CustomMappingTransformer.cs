using Microsoft.ML.Data;
using Microsoft.ML.Internal.Utilities;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms;

/// <summary>Adds the columns that a user's function makes.</summary>
public sealed class CustomMappingTransformer<TSrc, TDst> : ITransformer
    where TSrc : class, new()
    where TDst : class, new()
{
    private readonly IHost _host;
    private readonly Action<TSrc, TDst> _map;
    private readonly string _contractName;
    private readonly SchemaDefinition _inputDefinition;

    internal CustomMappingTransformer(IHostEnvironment env, Action<TSrc, TDst> map, string contractName, SchemaDefinition inputDefinition, SchemaDefinition outputDefinition)
    {
        _host = env.Register(nameof(CustomMappingTransformer<TSrc, TDst>));
        _host.CheckValue(map, nameof(map));
        _map = map;
        _contractName = contractName;
        _inputDefinition = inputDefinition;
        AddedMembers = MemberMapping.Create(typeof(TDst), outputDefinition, SchemaDefinition.Direction.Write);
    }

    bool ITransformer.IsRowToRowMapper => true;

    internal MappedMember[] AddedMembers { get; }

    internal MappedMember[] GetInputMembers() => MemberMapping.Create(typeof(TSrc), _inputDefinition, SchemaDefinition.Direction.Both);

    /// <inheritdoc/>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        _host.CheckValue(inputSchema, nameof(inputSchema));
        return RowToRowMapperTransform.GetOutputSchema(inputSchema, new Mapper(this, inputSchema));
    }

    /// <inheritdoc/>
    public IDataView Transform(IDataView input)
    {
        _host.CheckValue(input, nameof(input));
        return new RowToRowMapperTransform(_host, input, new Mapper(this, input.Schema));
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema)
    {
        _host.CheckValue(inputSchema, nameof(inputSchema));
        return new RowToRowMapperTransform(_host, new EmptyDataView(_host, inputSchema), new Mapper(this, inputSchema));
    }

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        if (_contractName is null)
            throw _host.Except("Empty contract name for a transform: the transform cannot be saved");
        CustomMappingLoader.Save(ctx, _contractName, _map.Method.DeclaringType.Assembly.FullName);
    }

    private sealed class Mapper(CustomMappingTransformer<TSrc, TDst> owner, DataViewSchema inputSchema) : IRowMapper
    {
        private readonly ObjectBinding<TSrc> _binding = new(owner._host, inputSchema, ignoreMissingColumns: false, owner._inputDefinition);
        private readonly DataViewSchema _added = MemberMapping.ToSchema(owner.AddedMembers);

        public DataViewSchema.DetachedColumn[] GetOutputColumns() => [.. _added.Select(c => new DataViewSchema.DetachedColumn(c))];

        public Func<int, bool> GetDependencies(Func<int, bool> activeOutput)
        {
            var needed = Enumerable.Range(0, _added.Count).Any(activeOutput) ? _binding.Columns.Select(c => c.Index).ToHashSet() : [];
            return needed.Contains;
        }

        public Delegate[] CreateGetters(DataViewRow input, Func<int, bool> activeOutput, out Action disposer)
        {
            disposer = null;
            var active = Enumerable.Range(0, _added.Count).Select(activeOutput).ToArray();
            var getters = new Delegate[active.Length];
            if (!active.Contains(true))
                return getters;
            var fill = _binding.CreateFiller(input);
            var (source, target) = (new TSrc(), new TDst());
            long mapped = -1;
            var columns = new ObjectColumns<TDst>(owner._host, owner.AddedMembers, active, Map);
            for (int i = 0; i < getters.Length; i++)
            {
                if (active[i])
                    getters[i] = (Delegate)Generic.Invoke(GetGetter<int>, _added[i].Type.RawType, columns, _added[i]);
            }
            return getters;

            // The function runs once for each row, whichever column is asked for first.
            TDst Map()
            {
                if (mapped != input.Position)
                {
                    fill(source);
                    owner._map(source, target);
                    mapped = input.Position;
                }
                return target;
            }
        }

        private static Delegate GetGetter<T>(ObjectColumns<TDst> columns, DataViewSchema.Column column) => columns.GetGetter<T>(column);
    }
}
