namespace Microsoft.ML.Transforms;

/// <summary>Range, mean and variance of one slot, from its values one by one.</summary>
internal sealed class NormalizerStatistics
{
    private long _count;
    private double _mean;
    private double _sumOfSquares;

    /// <summary>The lowest value; positive infinity if there is none.</summary>
    public double Min { get; private set; } = double.PositiveInfinity;

    /// <summary>The highest value; negative infinity if there is none.</summary>
    public double Max { get; private set; } = double.NegativeInfinity;

    /// <summary>The mean of the finite values.</summary>
    public double Mean => _mean;

    /// <summary>The mean squared deviation of the finite values from their mean; 0 if there is none.</summary>
    public double Variance => _count > 0 ? _sumOfSquares / _count : 0;

    /// <summary>Takes in a value, or <paramref name="times"/> equal ones. What is not a number is left out, and infinity has no part in mean and variance.</summary>
    public void Add(double value, long times = 1)
    {
        if (times == 0 || double.IsNaN(value))
            return;
        Min = Math.Min(Min, value);
        Max = Math.Max(Max, value);
        if (!double.IsFinite(value))
            return;
        // Welford's update, for a group of equal values.
        _count += times;
        double delta = value - _mean;
        _mean += delta * times / _count;
        _sumOfSquares += delta * (value - _mean) * times;
    }
}
