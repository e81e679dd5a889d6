namespace Microsoft.ML.TimmFeatures;

/// <summary>How far a pass over the data has come.</summary>
/// <param name="Rows">Rows featurized so far, by all cursors of the pass.</param>
/// <param name="TotalRows">All rows, where the source knows their number.</param>
/// <param name="Elapsed">Time since the pass began.</param>
public sealed record FeaturizationProgress(long Rows, long? TotalRows, TimeSpan Elapsed)
{
    /// <summary>Rows in a second, on average.</summary>
    public double RowsPerSecond => Elapsed > TimeSpan.Zero ? Rows / Elapsed.TotalSeconds : 0;
}
