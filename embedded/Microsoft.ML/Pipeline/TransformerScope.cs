namespace Microsoft.ML.Data;

/// <summary>When a transformer of a chain is used.</summary>
[Flags]
public enum TransformerScope
{
    /// <summary>Never.</summary>
    None = 0,

    /// <summary>While later parts of the chain are trained.</summary>
    Training = 1,

    /// <summary>While the model is evaluated.</summary>
    Testing = 2,

    /// <summary>While the model predicts.</summary>
    Scoring = 4,

    /// <summary>Training and testing.</summary>
    TrainTest = Training | Testing,

    /// <summary>Always.</summary>
    Everything = Training | Testing | Scoring,
}
