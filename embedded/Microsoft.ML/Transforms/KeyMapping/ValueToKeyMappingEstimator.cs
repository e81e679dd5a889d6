using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms;

/// <summary>
/// Learns a dictionary of a column's values and maps each value to its number in it, from 1; what isn't in the dictionary is mapped to 0.
/// Input: text, numbers, booleans, times, keys, or vectors of one of these. Output: keys, annotated with the values.
/// </summary>
public sealed class ValueToKeyMappingEstimator : IEstimator<ValueToKeyMappingTransformer>
{
    private readonly IHost _host;
    private readonly ColumnOptions[] _columns;
    private readonly IDataView _keyData;

    internal ValueToKeyMappingEstimator(IHostEnvironment env, ColumnOptions[] columns, IDataView keyData = null)
    {
        Contracts.CheckValue(env, nameof(env));
        _host = env.Register(nameof(ValueToKeyMappingEstimator));
        _host.CheckNonEmpty(columns, nameof(columns));
        if (keyData != null && keyData.Schema.Count != 1)
            throw _host.ExceptParam(nameof(keyData), $"A view of the values to map must have exactly one column, but this one has {keyData.Schema.Count}.");
        _columns = columns;
        _keyData = keyData;
    }

    /// <summary>How values are numbered.</summary>
    public enum KeyOrdinality : byte
    {
        /// <summary>In the order in which they occur.</summary>
        ByOccurrence = 0,

        /// <summary>In their own order, text by the codes of its characters.</summary>
        ByValue = 1,
    }

    /// <summary>Learns the dictionaries.</summary>
    public ValueToKeyMappingTransformer Fit(IDataView input)
    {
        _host.CheckValue(input, nameof(input));
        return ValueToKeyMappingTransformer.Train(_host, input, _columns, _keyData);
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        _host.CheckValue(inputSchema, nameof(inputSchema));
        var result = inputSchema.ToDictionary(column => column.Name);
        foreach (ColumnOptions options in _columns)
        {
            if (!inputSchema.TryFindColumn(options.InputColumnName, out var column) || !column.ItemType.IsStandardScalar())
                throw _host.ExceptSchemaMismatch(nameof(inputSchema), "input", options.InputColumnName);

            bool hasValues = column.Annotations.TryFindColumn(AnnotationUtils.Kinds.KeyValues, out var values);
            if (!column.IsKey || !hasValues || values.Kind != SchemaShape.Column.VectorKind.Vector)
            {
                values = new SchemaShape.Column(AnnotationUtils.Kinds.KeyValues, SchemaShape.Column.VectorKind.Vector,
                    options.AddKeyValueAnnotationsAsText ? TextDataViewType.Instance : column.ItemType, column.IsKey);
            }
            var annotations = column.Annotations.TryFindColumn(AnnotationUtils.Kinds.SlotNames, out var names)
                ? new SchemaShape([names, values])
                : new SchemaShape([values]);
            result[options.OutputColumnName] = new SchemaShape.Column(options.OutputColumnName, column.Kind, NumberDataViewType.UInt32, true, annotations);
        }
        return new SchemaShape(result.Values);
    }

    internal static class Defaults
    {
        public const int MaximumNumberOfKeys = 1000000;
        public const KeyOrdinality Ordinality = KeyOrdinality.ByOccurrence;
        public const bool AddKeyValueAnnotationsAsText = false;
    }

    internal sealed record ColumnOptions(
        string OutputColumnName, string InputColumnName, int MaximumNumberOfKeys, KeyOrdinality KeyOrdinality, bool AddKeyValueAnnotationsAsText);
}
