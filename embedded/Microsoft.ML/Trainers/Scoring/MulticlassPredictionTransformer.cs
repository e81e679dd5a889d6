using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;

[assembly: LoadableClass(typeof(ISingleFeaturePredictionTransformer<object>), typeof(MulticlassPredictionTransformer), null, typeof(SignatureLoadModel),
    "", MulticlassPredictionTransformer.LoaderSignature)]

namespace Microsoft.ML.Data;

/// <summary>
/// Adds what a classifier says: Score, a vector of Single with an element a class, and PredictedLabel, the key of the class with the
/// highest score. Both are annotated with the classes' names.
/// </summary>
/// <typeparam name="TModel">The classifier.</typeparam>
public sealed class MulticlassPredictionTransformer<TModel> : SingleFeaturePredictionTransformerBase<TModel> where TModel : class
{
    private readonly LabelValues _labels;

    internal MulticlassPredictionTransformer(IHostEnvironment env, TModel model, DataViewSchema trainSchema, string featureColumn, string labelColumn)
        : base(env.Register(nameof(MulticlassPredictionTransformer)), model, trainSchema, featureColumn)
        => _labels = LabelValues.Of(trainSchema[labelColumn]);

    internal MulticlassPredictionTransformer(IHostEnvironment env, ModelLoadContext ctx)
        : base(env.Register(nameof(MulticlassPredictionTransformer)), ctx)
    {
        if (ctx.Reader.ReadBoolean())
            _labels = LabelValues.Load(ctx.Reader);
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.SetVersionInfo(MulticlassPredictionTransformer.VersionInfo);
        base.SaveModel(ctx);
        ctx.Writer.Write(_labels != null);
        _labels?.Save(ctx.Writer);
    }

    private protected override IRowMapper MakePredictionMapper(DataViewSchema schema, DataViewSchema.Column feature)
        => new PredictionMapper(schema, feature, Scorer, AnnotationUtils.Const.ScoreColumnKind.MulticlassClassification, lowestWins: false, _labels);
}

/// <summary>Loads classifiers.</summary>
internal static class MulticlassPredictionTransformer
{
    public const string LoaderSignature = "MulticlassPredXfer";

    public static VersionInfo VersionInfo => new("MC  PRED", 0x00010001, 0x00010001, 0x00010001,
        typeof(MulticlassPredictionTransformer).Assembly.FullName, LoaderSignature);

    public static ISingleFeaturePredictionTransformer<object> Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        Contracts.CheckValue(env, nameof(env));
        env.CheckValue(ctx, nameof(ctx));
        ctx.CheckAtModel(VersionInfo);
        return new MulticlassPredictionTransformer<MaximumEntropyModelParameters>(env, ctx);
    }
}
