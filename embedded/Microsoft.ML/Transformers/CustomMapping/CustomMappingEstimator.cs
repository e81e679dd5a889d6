using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms;

/// <summary>Makes a <see cref="CustomMappingTransformer{TSrc, TDst}"/>.</summary>
public sealed class CustomMappingEstimator<TSrc, TDst> : TrivialEstimator<CustomMappingTransformer<TSrc, TDst>>
    where TSrc : class, new()
    where TDst : class, new()
{
    internal CustomMappingEstimator(IHostEnvironment env, Action<TSrc, TDst> mapAction, string contractName, SchemaDefinition inputDefinition, SchemaDefinition outputDefinition)
        : base(env.Register(nameof(CustomMappingEstimator<TSrc, TDst>)), new(env, mapAction, contractName, inputDefinition, outputDefinition))
    {
    }

    /// <inheritdoc/>
    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        var columns = inputSchema.ToDictionary(c => c.Name);
        foreach (var member in Transformer.GetInputMembers())
        {
            if (!columns.TryGetValue(member.ColumnName, out var column))
                throw Contracts.ExceptSchemaMismatch(nameof(inputSchema), "input", member.ColumnName);
            SchemaShape.GetColumnTypeShape(member.ColumnType, out var kind, out var itemType, out bool isKey);

            // Where vectors of any size will do, so do vectors of one size.
            bool sameKind = kind == column.Kind || kind == SchemaShape.Column.VectorKind.VariableVector && column.Kind == SchemaShape.Column.VectorKind.Vector;
            if (!sameKind || !itemType.Equals(column.ItemType) || isKey != column.IsKey)
                throw Contracts.ExceptSchemaMismatch(nameof(inputSchema), "input", member.ColumnName, member.ColumnType.ToString(), column.GetTypeString());
        }
        foreach (var column in SchemaShape.Create(MemberMapping.ToSchema(Transformer.AddedMembers)))
            columns[column.Name] = column;
        return new SchemaShape(columns.Values);
    }
}
