using System.Collections.Immutable;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>How often each actual class was predicted as each class.</summary>
public sealed class ConfusionMatrix
{
    private string _formatted;

    internal ConfusionMatrix(double[][] counts, IReadOnlyList<string> classNames)
    {
        NumberOfClasses = counts.Length;
        ClassNames = classNames;
        Counts = counts.Select(row => (IReadOnlyList<double>)row.ToImmutableArray()).ToImmutableArray();
        PerClassRecall = counts.Select((row, i) => Share(row[i], row.Sum())).ToImmutableArray();
        PerClassPrecision = counts.Select((row, i) => Share(row[i], counts.Sum(other => other[i]))).ToImmutableArray();

        static double Share(double part, double whole) => whole > 0 ? part / whole : 0;
    }

    /// <summary>Of the rows predicted as a class, the share that belongs to it, in [0, 1]; 0 for a class never predicted.</summary>
    public IReadOnlyList<double> PerClassPrecision { get; }

    /// <summary>Of the rows that belong to a class, the share predicted as such, in [0, 1]; 0 for a class without rows.</summary>
    public IReadOnlyList<double> PerClassRecall { get; }

    /// <summary>The counts: a list per actual class with an element per predicted class.</summary>
    public IReadOnlyList<IReadOnlyList<double>> Counts { get; }

    /// <summary>The number of classes.</summary>
    public int NumberOfClasses { get; }

    internal IReadOnlyList<string> ClassNames { get; }

    /// <summary>The matrix as a table for people to read, with recall per row and precision per column.</summary>
    public string GetFormattedConfusionTable() => _formatted ??= ConfusionTableFormatter.Format(this);

    /// <summary>How many rows of an actual class were predicted as a class.</summary>
    /// <param name="predictedClassIndicatorIndex">The index of the predicted class.</param>
    /// <param name="actualClassIndicatorIndex">The index of the actual class.</param>
    /// <exception cref="ArgumentOutOfRangeException">An index is not that of a class.</exception>
    public double GetCountForClassPair(int predictedClassIndicatorIndex, int actualClassIndicatorIndex)
    {
        Check(predictedClassIndicatorIndex, nameof(predictedClassIndicatorIndex));
        Check(actualClassIndicatorIndex, nameof(actualClassIndicatorIndex));
        return Counts[actualClassIndicatorIndex][predictedClassIndicatorIndex];

        void Check(int index, string name)
        {
            if (index < 0 || index >= NumberOfClasses)
                throw Contracts.ExceptParam(name, $"Invalid class index {index}; valid are 0 to {NumberOfClasses - 1}.");
        }
    }
}
