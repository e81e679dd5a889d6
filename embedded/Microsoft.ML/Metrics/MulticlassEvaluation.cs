using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Computes the metrics of a classifier in one pass over scored rows.</summary>
internal sealed class MulticlassEvaluation
{
    private readonly IHost _host;
    private readonly int _topK;

    public MulticlassEvaluation(IHostEnvironment env, int topKPredictionCount)
    {
        _host = env.Register(nameof(MulticlassEvaluation));
        _host.CheckUserArg(topKPredictionCount >= 0, nameof(topKPredictionCount), "Must be non-negative");
        _topK = topKPredictionCount;
    }

    public MulticlassClassificationMetrics Run(IDataView data, string labelColumn, string scoreColumn, string predictedLabelColumn)
    {
        _host.CheckValue(data, nameof(data));
        DataViewSchema.Column label = EvaluationColumns.GetLabel(_host, data.Schema, labelColumn);
        DataViewSchema.Column score = EvaluationColumns.GetScore(_host, data.Schema, scoreColumn, minimumSize: 2);
        EvaluationColumns.Get(_host, data.Schema, AnnotationUtils.Const.ScoreValueKind.PredictedLabel, predictedLabelColumn);
        int classCount = score.Type.GetVectorSize();
        _host.CheckUserArg(_topK <= classCount, "topKPredictionCount", $"Must be at most the number of classes, {classCount}, but is {_topK}");

        var counters = new MulticlassCounters(classCount);
        long unlabeled = 0, badScores = 0, badLabels = 0;
        using (DataViewRowCursor cursor = data.GetRowCursor(label, score))
        {
            ValueGetter<float> labelGetter = LabelGetter.Create(cursor, label);
            var scoreGetter = cursor.GetGetter<VBuffer<float>>(score);
            var scores = new float[classCount];
            VBuffer<float> buffer = default;
            float actual = 0;
            while (cursor.MoveNext())
            {
                labelGetter(ref actual);
                if (float.IsNaN(actual))
                {
                    unlabeled++;
                    continue;
                }
                if (actual < 0 || actual != (int)actual)
                {
                    badLabels++;
                    continue;
                }
                scoreGetter(ref buffer);
                buffer.CopyTo(scores);
                if (scores.All(float.IsFinite))
                    counters.Add((int)actual, scores);
                else
                    badScores++;
            }
        }
        EvaluationColumns.WarnOfSkipped(_host, unlabeled, badScores);
        WarnOfLabels(counters.UnknownLabels, badLabels);
        return new MulticlassClassificationMetrics(counters, GetClassNames(score, classCount), _topK);
    }

    private void WarnOfLabels(long unknown, long bad)
    {
        using IChannel ch = _host.Start("Evaluate");
        if (unknown > 0)
            ch.Warning($"Found {unknown} test instances with class values not seen in the training set. LogLoss is reported higher than usual because of these instances.");
        if (bad > 0)
            ch.Warning($"Found {bad} test instances with labels that are either negative or non integers. These instances were ignored");
    }

    // Classes are called what the slots of the score are called, or by their number.
    private static string[] GetClassNames(DataViewSchema.Column score, int classCount)
    {
        if (!score.HasSlotNames())
            return Enumerable.Range(0, classCount).Select(c => c.ToString()).ToArray();
        VBuffer<ReadOnlyMemory<char>> names = default;
        score.GetSlotNames(ref names);
        return names.DenseValues().Select(name => name.ToString()).ToArray();
    }
}
