namespace Microsoft.ML.Numeric;

/// <summary>Stops a minimisation when the geometrically weighted mean of the improvements falls below a tolerance.</summary>
/// <param name="tolerance">The mean improvement at which to stop.</param>
/// <param name="maximumIterations">The iteration at which to stop in any case.</param>
/// <param name="memory">The weight of the past in the mean, in [0, 1).</param>
internal sealed class MeanImprovementCriterion(float tolerance, int maximumIterations, float memory = 0.25f)
{
    private float _weightedSum;

    /// <summary>Takes in the step from <paramref name="lastValue"/> to <paramref name="value"/>; true when it is time to stop.</summary>
    /// <param name="iteration">The number of steps so far, this one included.</param>
    public bool IsMet(float lastValue, float value, int iteration)
    {
        _weightedSum = lastValue - value + memory * _weightedSum;
        float mean = _weightedSum * (1 - memory) / (1 - MathF.Pow(memory, iteration));
        return mean < tolerance || iteration >= maximumIterations;
    }
}
