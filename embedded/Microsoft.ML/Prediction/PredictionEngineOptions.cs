using Microsoft.ML.Data;

namespace Microsoft.ML;

/// <summary>How a prediction engine is made.</summary>
public sealed class PredictionEngineOptions
{
    /// <summary>Whether members of the output class without a column are left as they are, or are an error.</summary>
    public bool IgnoreMissingColumns = true;

    /// <summary>How members of the input class map to columns, if not as their attributes say.</summary>
    public SchemaDefinition InputSchemaDefinition;

    /// <summary>How members of the output class map to columns, if not as their attributes say.</summary>
    public SchemaDefinition OutputSchemaDefinition;

    /// <summary>Whether the model is disposed with the engine.</summary>
    public bool OwnsTransformer = true;
}
