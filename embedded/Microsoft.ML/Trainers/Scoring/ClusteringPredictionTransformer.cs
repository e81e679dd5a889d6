using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;

[assembly: LoadableClass(typeof(ISingleFeaturePredictionTransformer<object>), typeof(ClusteringPredictionTransformer), null, typeof(SignatureLoadModel),
    "", ClusteringPredictionTransformer.LoaderSignature)]

namespace Microsoft.ML.Data;

/// <summary>
/// Adds what a clustering says: Score, a vector of Single with the distance to each cluster, and PredictedLabel, the key of the nearest one.
/// </summary>
/// <typeparam name="TModel">The clustering.</typeparam>
public sealed class ClusteringPredictionTransformer<TModel> : SingleFeaturePredictionTransformerBase<TModel> where TModel : class
{
    internal ClusteringPredictionTransformer(IHostEnvironment env, TModel model, DataViewSchema trainSchema, string featureColumn)
        : base(env.Register(nameof(ClusteringPredictionTransformer)), model, trainSchema, featureColumn)
    {
    }

    internal ClusteringPredictionTransformer(IHostEnvironment env, ModelLoadContext ctx)
        : base(env.Register(nameof(ClusteringPredictionTransformer)), ctx)
    {
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.SetVersionInfo(ClusteringPredictionTransformer.VersionInfo);
        base.SaveModel(ctx);
    }

    private protected override IRowMapper MakePredictionMapper(DataViewSchema schema, DataViewSchema.Column feature)
        => new PredictionMapper(schema, feature, Scorer, AnnotationUtils.Const.ScoreColumnKind.Clustering, lowestWins: true, labels: null);
}

/// <summary>Loads clusterings.</summary>
internal static class ClusteringPredictionTransformer
{
    public const string LoaderSignature = "ClusteringPredXfer";

    public static VersionInfo VersionInfo => new("CLUSPRED", 0x00010001, 0x00010001, 0x00010001,
        typeof(ClusteringPredictionTransformer).Assembly.FullName, LoaderSignature);

    public static ISingleFeaturePredictionTransformer<object> Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        Contracts.CheckValue(env, nameof(env));
        env.CheckValue(ctx, nameof(ctx));
        ctx.CheckAtModel(VersionInfo);
        return new ClusteringPredictionTransformer<KMeansModelParameters>(env, ctx);
    }
}
