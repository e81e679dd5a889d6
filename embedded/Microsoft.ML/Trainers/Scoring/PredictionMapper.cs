using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Adds a model's scores and the class, or cluster, that they speak for.</summary>
internal sealed class PredictionMapper : IRowMapper
{
    private const int PredictedLabel = 0, Score = 1;

    private readonly IVectorScorer _model;
    private readonly DataViewSchema.Column _feature;
    private readonly bool _lowestWins;
    private readonly DataViewSchema.DetachedColumn[] _columns;

    /// <param name="schema">The schema of the rows to score.</param>
    /// <param name="feature">The feature column.</param>
    /// <param name="model">The model.</param>
    /// <param name="scoreColumnKind">What the scores are, for annotations.</param>
    /// <param name="lowestWins">The lowest score decides and not the highest.</param>
    /// <param name="labels">What the classes are called; null if they aren't.</param>
    public PredictionMapper(
        DataViewSchema schema, DataViewSchema.Column feature, IVectorScorer model, string scoreColumnKind, bool lowestWins, LabelValues labels)
    {
        _model = model;
        _feature = feature;
        _lowestWins = lowestWins;
        uint set = schema.GetMaxAnnotationKind(out _, AnnotationUtils.Kinds.ScoreColumnSetId) + 1;
        if (labels?.Count != model.OutputSize)
            labels = null;

        var ofLabel = MakeAnnotations(scoreColumnKind, AnnotationUtils.Const.ScoreValueKind.PredictedLabel, set);
        labels?.AddTo(ofLabel, AnnotationUtils.Kinds.KeyValues);
        var ofScore = MakeAnnotations(scoreColumnKind, AnnotationUtils.Const.ScoreValueKind.Score, set);
        labels?.AddTo(ofScore, AnnotationUtils.Kinds.TrainingLabelValues);
        if (labels?.Type is TextDataViewType)
            labels.AddTo(ofScore, AnnotationUtils.Kinds.SlotNames);
        _columns =
        [
            new(DefaultColumnNames.PredictedLabel, new KeyDataViewType(typeof(uint), model.OutputSize), ofLabel.ToAnnotations()),
            new(DefaultColumnNames.Score, new VectorDataViewType(NumberDataViewType.Single, model.OutputSize), ofScore.ToAnnotations()),
        ];
    }

    public DataViewSchema.DetachedColumn[] GetOutputColumns() => _columns;

    public Func<int, bool> GetDependencies(Func<int, bool> activeOutput)
    {
        bool isActive = activeOutput(PredictedLabel) || activeOutput(Score);
        return column => isActive && column == _feature.Index;
    }

    public Delegate[] CreateGetters(DataViewRow input, Func<int, bool> activeOutput, out Action disposer)
    {
        disposer = null;
        if (!activeOutput(PredictedLabel) && !activeOutput(Score))
            return [null, null];
        var row = new ScoredRow(_model, input, _feature);
        ValueGetter<uint> label = (ref uint dst) => dst = (uint)(Best(row.GetScores()) + 1);
        ValueGetter<VBuffer<float>> score = (ref VBuffer<float> dst) =>
        {
            ReadOnlySpan<float> scores = row.GetScores();
            var editor = VBufferEditor.Create(ref dst, scores.Length);
            scores.CopyTo(editor.Values);
            dst = editor.Commit();
        };
        return [activeOutput(PredictedLabel) ? label : null, activeOutput(Score) ? score : null];
    }

    // The first of the best scores; −1, the missing key, if none is a number.
    private int Best(ReadOnlySpan<float> scores)
    {
        int best = -1;
        for (int i = 0; i < scores.Length; i++)
        {
            if (!float.IsNaN(scores[i]) && (best < 0 || (_lowestWins ? scores[i] < scores[best] : scores[i] > scores[best])))
                best = i;
        }
        return best;
    }

    private static DataViewSchema.Annotations.Builder MakeAnnotations(string columnKind, string valueKind, uint set)
    {
        var builder = new DataViewSchema.Annotations.Builder();
        builder.AddPrimitiveValue(AnnotationUtils.Kinds.ScoreColumnKind, TextDataViewType.Instance, columnKind.AsMemory());
        builder.AddPrimitiveValue(AnnotationUtils.Kinds.ScoreValueKind, TextDataViewType.Instance, valueKind.AsMemory());
        builder.AddPrimitiveValue(AnnotationUtils.Kinds.ScoreColumnSetId, AnnotationUtils.ScoreColumnSetIdType, set);
        return builder;
    }

    // The scores of the current row, computed once for both columns.
    private sealed class ScoredRow(IVectorScorer model, DataViewRow input, DataViewSchema.Column feature)
    {
        private readonly ValueGetter<VBuffer<float>> _getter = input.GetGetter<VBuffer<float>>(feature);
        private readonly float[] _scores = new float[model.OutputSize];
        private VBuffer<float> _features;
        private long _position = -1;

        public ReadOnlySpan<float> GetScores()
        {
            if (_position == input.Position && _position >= 0)
                return _scores;
            _getter(ref _features);
            if (_features.Length != model.InputSize)
                throw Contracts.Except($"Incorrect number of features in column '{feature.Name}': expected {model.InputSize}, got {_features.Length}");
            model.Score(_features, _scores);
            _position = input.Position;
            return _scores;
        }
    }
}
