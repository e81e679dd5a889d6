using System.Collections.Immutable;

namespace Microsoft.ML.Data;

/// <summary>Sums over scored rows from which the metrics of a multiclass classifier follow.</summary>
/// <param name="classCount">The number of scores of a row.</param>
internal sealed class MulticlassCounters(int classCount)
{
    // Probabilities below this count as this, so that one row doesn't make the loss infinite.
    private const float SmallestProbability = 1e-15f;

    private readonly double[] _rowsOfClass = new double[classCount];
    private readonly double[] _lossOfClass = new double[classCount];
    private readonly double[] _rowsOfRank = new double[classCount + 1];
    private double _rows;
    private double _loss;

    /// <summary>The number of rows by actual (outer) and predicted class.</summary>
    public double[][] Confusion { get; } = Enumerable.Range(0, classCount).Select(_ => new double[classCount]).ToArray();

    /// <summary>The number of rows whose label is beyond the classes that have a score.</summary>
    public long UnknownLabels { get; private set; }

    public double MicroAccuracy => _rows > 0 ? _rowsOfRank[0] / _rows : 0;

    public double MacroAccuracy
    {
        get
        {
            int[] seen = Enumerable.Range(0, classCount).Where(c => _rowsOfClass[c] > 0).ToArray();
            return seen.Length > 0 ? seen.Sum(c => Confusion[c][c] / _rowsOfClass[c]) / seen.Length : 0;
        }
    }

    public double LogLoss => _rows > 0 ? _loss / _rows : 0;

    public double LogLossReduction
    {
        get
        {
            // The loss of a classifier that knows nothing but the classes' shares is their entropy.
            double entropy = -_rowsOfClass.Where(rows => rows > 0).Sum(rows => rows * Math.Log(rows / _rows)) / _rows;
            return (entropy - LogLoss) / entropy;
        }
    }

    public IReadOnlyList<double> PerClassLogLoss
        => _lossOfClass.Select((loss, c) => _rowsOfClass[c] > 0 ? loss / _rowsOfClass[c] : 0).ToImmutableArray();

    /// <summary>The share of rows whose class has one of the K best scores, for K from 1 to <paramref name="count"/>.</summary>
    public IReadOnlyList<double> TopKAccuracies(int count)
    {
        var accuracies = new double[count];
        double sum = 0;
        for (int k = 0; k < count; k++)
            accuracies[k] = sum += _rowsOfRank[k] / _rows;
        return accuracies.ToImmutableArray();
    }

    /// <summary>Takes in one row.</summary>
    /// <param name="label">The actual class, from 0.</param>
    /// <param name="scores">The score of each class.</param>
    public void Add(int label, ReadOnlySpan<float> scores)
    {
        bool known = label < classCount;
        float actual = known ? scores[label] : 0;
        int rank = 0, assigned = 0;
        for (int c = 0; c < scores.Length; c++)
        {
            // Among equal scores the first class wins.
            if (scores[c] > actual || (scores[c] == actual && c < label))
                rank++;
            if (scores[c] > scores[assigned])
                assigned = c;
        }

        double loss = -Math.Log(Math.Min(1, Math.Max(SmallestProbability, actual)));
        _rows++;
        _loss += loss;
        _rowsOfRank[rank]++;
        if (known)
        {
            _rowsOfClass[label]++;
            _lossOfClass[label] += loss;
            Confusion[label][assigned]++;
        }
        else
        {
            UnknownLabels++;
        }
    }
}
