using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;
using Mode = Microsoft.ML.Transforms.NormalizingEstimator.NormalizationMode;

namespace Microsoft.ML;

/// <summary>Normalization of columns of floating point.</summary>
public static class NormalizationCatalog
{
    /// <summary>Scales each slot by its range, to [−1, 1] if zero stays zero and to [0, 1] otherwise.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="outputColumnName">The column that is made.</param>
    /// <param name="inputColumnName">The column that it is made from; the same if not given.</param>
    /// <param name="maximumExampleCount">How many rows to learn from at most.</param>
    /// <param name="fixZero">Map zero to zero, so that sparse vectors stay sparse.</param>
    public static NormalizingEstimator NormalizeMinMax(this TransformsCatalog catalog,
        string outputColumnName, string inputColumnName = null,
        long maximumExampleCount = NormalizingEstimator.Defaults.MaximumExampleCount,
        bool fixZero = NormalizingEstimator.Defaults.EnsureZeroUntouched)
        => catalog.NormalizeMinMax([new InputOutputColumnPair(outputColumnName, inputColumnName)], maximumExampleCount, fixZero);

    /// <inheritdoc cref="NormalizeMinMax(TransformsCatalog, string, string, long, bool)"/>
    public static NormalizingEstimator NormalizeMinMax(this TransformsCatalog catalog, InputOutputColumnPair[] columns,
        long maximumExampleCount = NormalizingEstimator.Defaults.MaximumExampleCount,
        bool fixZero = NormalizingEstimator.Defaults.EnsureZeroUntouched)
        => Make(catalog, columns, pair => new NormalizingEstimator.ColumnOptions(
            Mode.MinMax, pair.OutputColumnName, pair.InputColumnName, maximumExampleCount, fixZero));

    /// <summary>Scales each slot to unit variance around its mean, or around zero if zero stays zero.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="outputColumnName">The column that is made.</param>
    /// <param name="inputColumnName">The column that it is made from; the same if not given.</param>
    /// <param name="maximumExampleCount">How many rows to learn from at most.</param>
    /// <param name="fixZero">Map zero to zero, so that sparse vectors stay sparse.</param>
    /// <param name="useCdf">Give the share of the slot's normal distribution below the value instead, in [0, 1].</param>
    public static NormalizingEstimator NormalizeMeanVariance(this TransformsCatalog catalog,
        string outputColumnName, string inputColumnName = null,
        long maximumExampleCount = NormalizingEstimator.Defaults.MaximumExampleCount,
        bool fixZero = NormalizingEstimator.Defaults.EnsureZeroUntouched,
        bool useCdf = NormalizingEstimator.Defaults.MeanVarCdf)
        => catalog.NormalizeMeanVariance([new InputOutputColumnPair(outputColumnName, inputColumnName)], maximumExampleCount, fixZero, useCdf);

    /// <inheritdoc cref="NormalizeMeanVariance(TransformsCatalog, string, string, long, bool, bool)"/>
    public static NormalizingEstimator NormalizeMeanVariance(this TransformsCatalog catalog, InputOutputColumnPair[] columns,
        long maximumExampleCount = NormalizingEstimator.Defaults.MaximumExampleCount,
        bool fixZero = NormalizingEstimator.Defaults.EnsureZeroUntouched,
        bool useCdf = NormalizingEstimator.Defaults.MeanVarCdf)
        => Make(catalog, columns, pair => new NormalizingEstimator.ColumnOptions(
            Mode.MeanVariance, pair.OutputColumnName, pair.InputColumnName, maximumExampleCount, fixZero, useCdf));

    private static NormalizingEstimator Make(TransformsCatalog catalog, InputOutputColumnPair[] columns,
        Converter<InputOutputColumnPair, NormalizingEstimator.ColumnOptions> toOptions)
    {
        IHostEnvironment env = catalog.GetEnvironment();
        env.CheckValue(columns, nameof(columns));
        return new NormalizingEstimator(env, Array.ConvertAll(columns, toOptions));
    }
}
