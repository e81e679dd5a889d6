using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms;

/// <summary>Learns how to bring each slot of columns of floating point to a common scale.</summary>
public sealed class NormalizingEstimator : IEstimator<NormalizingTransformer>
{
    private readonly IHost _host;
    private readonly ColumnOptions[] _columns;

    internal NormalizingEstimator(IHostEnvironment env, params ColumnOptions[] columns)
    {
        Contracts.CheckValue(env, nameof(env));
        _host = env.Register(nameof(NormalizingEstimator));
        foreach (ColumnOptions column in columns)
            _host.CheckParam(column.MaximumExampleCount > 1, "maximumExampleCount", "Must be greater than 1");
        _columns = columns;
    }

    internal enum NormalizationMode
    {
        MinMax = 0,
        MeanVariance = 1,
    }

    /// <summary>Learns the scales.</summary>
    public NormalizingTransformer Fit(IDataView input)
    {
        _host.CheckValue(input, nameof(input));
        return NormalizingTransformer.Train(_host, input, _columns);
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        _host.CheckValue(inputSchema, nameof(inputSchema));
        var result = inputSchema.ToDictionary(column => column.Name);
        foreach (ColumnOptions options in _columns)
        {
            if (!inputSchema.TryFindColumn(options.InputColumnName, out var column))
                throw _host.ExceptSchemaMismatch(nameof(inputSchema), "input", options.InputColumnName);
            if (column.Kind == SchemaShape.Column.VectorKind.VariableVector)
                throw _host.ExceptSchemaMismatch(nameof(inputSchema), "input", options.InputColumnName, "known-size vector or scalar", column.GetTypeString());
            if (!column.ItemType.Equals(NumberDataViewType.Single) && !column.ItemType.Equals(NumberDataViewType.Double))
                throw _host.ExceptSchemaMismatch(nameof(inputSchema), "input", options.InputColumnName, "vector or scalar of Single or Double", column.GetTypeString());

            var annotations = new List<SchemaShape.Column>
            {
                new(AnnotationUtils.Kinds.IsNormalized, SchemaShape.Column.VectorKind.Scalar, BooleanDataViewType.Instance, false),
            };
            if (column.Annotations.TryFindColumn(AnnotationUtils.Kinds.SlotNames, out var names))
                annotations.Add(names);
            result[options.OutputColumnName] = new SchemaShape.Column(
                options.OutputColumnName, column.Kind, column.ItemType, column.IsKey, new SchemaShape(annotations));
        }
        return new SchemaShape(result.Values);
    }

    internal static class Defaults
    {
        public const bool EnsureZeroUntouched = true;
        public const bool MeanVarCdf = false;
        public const long MaximumExampleCount = 1000000000;
    }

    internal sealed record ColumnOptions(
        NormalizationMode Mode, string OutputColumnName, string InputColumnName, long MaximumExampleCount, bool FixZero, bool UseCdf = false);
}
