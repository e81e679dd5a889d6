namespace Microsoft.ML;

/// <summary>Learns a transformer from data.</summary>
public interface IEstimator<out TTransformer> where TTransformer : ITransformer
{
    /// <summary>Learns.</summary>
    TTransformer Fit(IDataView input);

    /// <summary>The shape that the transformer's output will have; throws where the input's shape doesn't fit.</summary>
    SchemaShape GetOutputSchema(SchemaShape inputSchema);
}
