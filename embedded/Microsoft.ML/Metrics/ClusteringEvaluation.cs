using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Computes the metrics of a clustering over scored rows: in one pass, or in two for the Davies-Bouldin index.</summary>
internal sealed class ClusteringEvaluation
{
    private readonly IHost _host;

    public ClusteringEvaluation(IHostEnvironment env) => _host = env.Register(nameof(ClusteringEvaluation));

    public ClusteringMetrics Run(IDataView data, string labelColumn, string scoreColumn, string featureColumn)
    {
        _host.CheckValue(data, nameof(data));
        DataViewSchema.Column? label = labelColumn == null ? null : EvaluationColumns.GetLabel(_host, data.Schema, labelColumn);
        DataViewSchema.Column score = EvaluationColumns.GetScore(_host, data.Schema, scoreColumn, minimumSize: 1);
        DataViewSchema.Column? feature = featureColumn == null ? null : GetFeature(data.Schema, featureColumn);

        var counters = new ClusteringCounters(score.Type.GetVectorSize(), feature?.Type.GetVectorSize() ?? 0);
        long unlabeled = 0, badScores = 0;
        ForEachRow(data, label, score, feature, (actual, scores, features) =>
        {
            if (float.IsNaN(actual))
            {
                unlabeled += label == null ? 0 : 1;
                actual = 0;
            }
            if (actual < 0 || actual != (int)actual)
                throw _host.Except($"Invalid label: {actual}");
            if (scores.All(float.IsFinite))
                counters.Add((int)actual, scores, features);
            else
                badScores++;
        });
        if (feature != null)
        {
            counters.FinishFirstPass();
            ForEachRow(data, null, score, feature, (_, scores, features) =>
            {
                if (scores.All(float.IsFinite))
                    counters.AddScatter(scores, features);
            });
        }
        EvaluationColumns.WarnOfSkipped(_host, unlabeled, badScores);
        return new ClusteringMetrics(counters);
    }

    private DataViewSchema.Column GetFeature(DataViewSchema schema, string name)
    {
        DataViewSchema.Column column = EvaluationColumns.Get(_host, schema, "Feature", name);
        if (column.Type is VectorDataViewType { IsKnownSize: true } type && type.ItemType == NumberDataViewType.Single)
            return column;
        throw _host.ExceptSchemaMismatch(nameof(schema), "features", name, "known-size vector of Single", column.Type.ToString());
    }

    private static void ForEachRow(IDataView data, DataViewSchema.Column? label, DataViewSchema.Column score, DataViewSchema.Column? feature,
        Action<float, float[], float[]> process)
    {
        var columns = new[] { label, score, feature }.OfType<DataViewSchema.Column>();
        using DataViewRowCursor cursor = data.GetRowCursor(columns);
        ValueGetter<float> labelGetter = label is { } labelColumn ? LabelGetter.Create(cursor, labelColumn) : (ref float value) => value = float.NaN;
        Action<float[]> scoreReader = MakeReader(cursor, score);
        Action<float[]> featureReader = feature is { } featureColumn ? MakeReader(cursor, featureColumn) : _ => { };
        var scores = new float[score.Type.GetVectorSize()];
        var features = new float[feature?.Type.GetVectorSize() ?? 0];
        float actual = 0;
        while (cursor.MoveNext())
        {
            labelGetter(ref actual);
            scoreReader(scores);
            featureReader(features);
            process(actual, scores, features);
        }
    }

    private static Action<float[]> MakeReader(DataViewRow row, DataViewSchema.Column column)
    {
        var getter = row.GetGetter<VBuffer<float>>(column);
        VBuffer<float> buffer = default;
        return values =>
        {
            getter(ref buffer);
            buffer.CopyTo(values);
        };
    }
}
