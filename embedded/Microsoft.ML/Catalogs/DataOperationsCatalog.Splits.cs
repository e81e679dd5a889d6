using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

public sealed partial class DataOperationsCatalog
{
    /// <summary>Splits rows at random into a set to train with and one to test with.</summary>
    /// <param name="data">The data.</param>
    /// <param name="testFraction">Share of the test set, between 0 and 1.</param>
    /// <param name="samplingKeyColumnName">A column whose equal values stay together.</param>
    /// <param name="seed">Seed; without one the context's, and without that always the same.</param>
    public TrainTestData TrainTestSplit(IDataView data, double testFraction = 0.1, string samplingKeyColumnName = null, int? seed = null)
    {
        _env.CheckValue(data, nameof(data));
        _env.CheckParam(testFraction is > 0 and < 1, nameof(testFraction), "Must be between 0 and 1 exclusive");
        string split = SplitColumn.Add(_env, ref data, samplingKeyColumnName, seed);
        return Split(data, split, new(0, testFraction));
    }

    /// <summary>Splits rows at random into parts, each of which is the test set of one of the results.</summary>
    /// <param name="data">The data.</param>
    /// <param name="numberOfFolds">Number of parts, at least 2.</param>
    /// <param name="samplingKeyColumnName">A column whose equal values stay together.</param>
    /// <param name="seed">Seed; without one the context's, and without that always the same.</param>
    public IReadOnlyList<TrainTestData> CrossValidationSplit(IDataView data, int numberOfFolds = 5, string samplingKeyColumnName = null, int? seed = null)
        => CrossValidationSplit(_env, data, numberOfFolds, samplingKeyColumnName, seed);

    internal static TrainTestData[] CrossValidationSplit(IHostEnvironment env, IDataView data, int numberOfFolds, string samplingKeyColumnName, int? seed)
    {
        env.CheckValue(data, nameof(data));
        env.CheckParam(numberOfFolds > 1, nameof(numberOfFolds), "Must be more than 1");
        string split = SplitColumn.Add(env, ref data, samplingKeyColumnName, seed);
        return [.. Enumerable.Range(0, numberOfFolds).Select(fold => Split(env, data, split, new((double)fold / numberOfFolds, (double)(fold + 1) / numberOfFolds, IncludeMax: true)))];
    }

    private TrainTestData Split(IDataView data, string column, RangeFilter.Range test) => Split(_env, data, column, test);

    private static TrainTestData Split(IHostEnvironment env, IDataView data, string column, RangeFilter.Range test)
        => new(ColumnSubsetView.Drop(env, new RangeFilter(env, data, column, test with { Complement = true }), column),
            ColumnSubsetView.Drop(env, new RangeFilter(env, data, column, test), column));

    /// <summary>A set to train with and one to test with.</summary>
    public struct TrainTestData
    {
        internal TrainTestData(IDataView trainSet, IDataView testSet)
        {
            TrainSet = trainSet;
            TestSet = testSet;
        }

        /// <summary>The rows to train with.</summary>
        public readonly IDataView TrainSet;

        /// <summary>The rows to test with.</summary>
        public readonly IDataView TestSet;
    }
}
