namespace Microsoft.ML.Data;

/// <summary>A model that gives a vector of features a vector of scores.</summary>
internal interface IVectorScorer : ICanSaveModel
{
    /// <summary>The number of features.</summary>
    int InputSize { get; }

    /// <summary>The number of scores.</summary>
    int OutputSize { get; }

    /// <summary>Computes the scores.</summary>
    /// <param name="features">Of length <see cref="InputSize"/>.</param>
    /// <param name="scores">Of length <see cref="OutputSize"/>; written throughout.</param>
    void Score(in VBuffer<float> features, Span<float> scores);
}
