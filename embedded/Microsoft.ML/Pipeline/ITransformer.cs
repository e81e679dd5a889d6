using Microsoft.ML.Data;

namespace Microsoft.ML;

/// <summary>Turns data into other data.</summary>
public interface ITransformer : ICanSaveModel
{
    /// <summary>Whether each output row depends on one input row alone.</summary>
    bool IsRowToRowMapper { get; }

    /// <summary>The schema that <see cref="Transform"/> gives; throws where the input's schema doesn't fit.</summary>
    DataViewSchema GetOutputSchema(DataViewSchema inputSchema);

    /// <summary>Transforms, lazily.</summary>
    IDataView Transform(IDataView input);

    /// <summary>A mapper of single rows; throws unless <see cref="IsRowToRowMapper"/>.</summary>
    IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema);
}

/// <summary>A transformer that, while later parts of its chain are trained, does something else than later on.</summary>
internal interface ITransformerWithDifferentMappingAtTrainingTime : ITransformer
{
    IDataView TransformForTrainingPipeline(IDataView input);
}
