using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trainers;

/// <summary>The examples of a training set in memory: those rows that can be learnt from, features dense.</summary>
internal sealed class TrainingRows
{
    private TrainingRows(int featureCount, float[][] features, float[] labels, float[] weights)
    {
        FeatureCount = featureCount;
        Features = features;
        Labels = labels;
        Weights = weights;
        WeightSum = weights.Sum(weight => (double)weight);
    }

    /// <summary>The number of features of every row.</summary>
    public int FeatureCount { get; }

    /// <summary>The features, a row an array.</summary>
    public float[][] Features { get; }

    /// <summary>The labels, classes numbered from 0; zeros if there is no label column.</summary>
    public float[] Labels { get; }

    /// <summary>The weights; ones if there is no weight column.</summary>
    public float[] Weights { get; }

    /// <summary>The sum of the weights.</summary>
    public double WeightSum { get; }

    /// <summary>The number of rows.</summary>
    public int Count => Features.Length;

    /// <summary>Reads the data once. Rows whose features, label or weight are missing or infinite are left out with a warning.</summary>
    /// <param name="host">Takes the warning.</param>
    /// <param name="data">The data.</param>
    /// <param name="featureColumn">A vector of Single of known size.</param>
    /// <param name="labelColumn">A key; null if there are no labels.</param>
    /// <param name="weightColumn">A Single; null if there are no weights.</param>
    /// <exception cref="InvalidOperationException">No row is left.</exception>
    public static TrainingRows Load(IHost host, IDataView data, string featureColumn, string labelColumn, string weightColumn)
    {
        DataViewSchema.Column feature = data.Schema[featureColumn];
        int size = feature.Type.GetVectorSize();
        var columns = new[] { featureColumn, labelColumn, weightColumn }.Where(name => name != null).Select(name => data.Schema[name]);

        List<float[]> features = [];
        List<float> labels = [], weights = [];
        long skipped = 0;
        using (DataViewRowCursor cursor = data.GetRowCursor(columns))
        {
            var featureGetter = cursor.GetGetter<VBuffer<float>>(feature);
            var labelGetter = labelColumn == null ? null : LabelGetter.Create(cursor, data.Schema[labelColumn]);
            var weightGetter = weightColumn == null ? null : cursor.GetGetter<float>(data.Schema[weightColumn]);
            VBuffer<float> buffer = default;
            float label = 0, weight = 1;
            while (cursor.MoveNext())
            {
                // The features are the expensive part, so they come last.
                labelGetter?.Invoke(ref label);
                weightGetter?.Invoke(ref weight);
                if (!float.IsFinite(label) || !(weight > 0 && weight < float.PositiveInfinity))
                {
                    skipped++;
                    continue;
                }
                featureGetter(ref buffer);
                if (buffer.Length != size)
                    throw host.Except($"Column '{featureColumn}': expected {size} features, but got {buffer.Length} in row {cursor.Position}.");
                var row = new float[size];
                buffer.CopyTo(row);
                if (!row.All(float.IsFinite))
                {
                    skipped++;
                    continue;
                }
                features.Add(row);
                labels.Add(label);
                weights.Add(weight);
            }
        }

        using IChannel ch = host.Start("Training");
        if (skipped > 0)
            ch.Warning($"Skipped {skipped} instances with missing features/label/weight during training");
        host.Check(features.Count > 0, "No valid training instances found, all instances have missing features.");
        return new TrainingRows(size, features.ToArray(), labels.ToArray(), weights.ToArray());
    }
}
