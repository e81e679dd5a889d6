using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trainers;

/// <summary>
/// Learns a clustering by k-means: centroids with the least mean squared distance from the rows to the nearest one. Reads the data once,
/// into memory. Features: a vector of Single of known size.
/// </summary>
public class KMeansTrainer : TrainerEstimatorBase<ClusteringPredictionTransformer<KMeansModelParameters>, KMeansModelParameters>
{
    private readonly Options _options;

    internal KMeansTrainer(IHostEnvironment env, Options options)
        : base(Contracts.CheckRef(env, nameof(env)).Register(nameof(KMeansTrainer)),
            Contracts.CheckRef(options, nameof(options)).FeatureColumnName, default, options.ExampleWeightColumnName)
    {
        Host.CheckUserArg(options.NumberOfClusters > 0, nameof(options.NumberOfClusters), "Must be positive");
        Host.CheckUserArg(options.MaximumNumberOfIterations > 0, nameof(options.MaximumNumberOfIterations), "Must be positive");
        Host.CheckUserArg(options.OptimizationTolerance > 0, nameof(options.OptimizationTolerance), "Tolerance must be positive");
        Host.CheckUserArg(options.NumberOfThreads is null or > 0, nameof(options.NumberOfThreads), "Must be either null or a positive integer.");
        _options = options;
    }

    /// <summary>How the first centroids are chosen.</summary>
    public enum InitializationAlgorithm
    {
        /// <summary>k-means++: far from each other, as a rule. The rows' weights count.</summary>
        KMeansPlusPlus = 0,

        /// <summary>Random rows.</summary>
        Random = 1,

        /// <summary>As k-means++, but the rows' weights don't count.</summary>
        KMeansYinyang = 2,
    }

    /// <inheritdoc/>
    public override TrainerInfo Info { get; } = new();

    private protected override SchemaShape.Column[] GetOutputColumns(SchemaShape inputSchema)
    {
        var annotations = new SchemaShape(AnnotationUtils.GetTrainerOutputAnnotation());
        return
        [
            new(DefaultColumnNames.Score, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, false, annotations),
            new(DefaultColumnNames.PredictedLabel, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.UInt32, true, annotations),
        ];
    }

    private protected override KMeansModelParameters Train(TrainingRows rows, DataViewSchema schema, KMeansModelParameters start)
    {
        float[][] initial = _options.InitializationAlgorithm == InitializationAlgorithm.Random
            ? KMeansInitialization.Random(rows, _options.NumberOfClusters, Host.Rand)
            : KMeansInitialization.PlusPlus(
                rows, _options.NumberOfClusters, _options.InitializationAlgorithm == InitializationAlgorithm.KMeansPlusPlus, Host.Rand);
        var iteration = new LloydIteration(rows, initial, _options.NumberOfThreads ?? Environment.ProcessorCount);
        return new KMeansModelParameters(Host, iteration.Run(_options.OptimizationTolerance, _options.MaximumNumberOfIterations));
    }

    private protected override ClusteringPredictionTransformer<KMeansModelParameters> MakeTransformer(KMeansModelParameters model, DataViewSchema trainSchema)
        => new(Host, model, trainSchema, FeatureColumn.Name);

    /// <summary>What can be set.</summary>
    public sealed class Options : UnsupervisedTrainerInputBaseWithWeight
    {
        /// <summary>The number of clusters, positive.</summary>
        public int NumberOfClusters = Defaults.NumberOfClusters;

        /// <summary>How the first centroids are chosen.</summary>
        public InitializationAlgorithm InitializationAlgorithm = InitializationAlgorithm.KMeansYinyang;

        /// <summary>The change of the mean squared distance below which to stop, positive.</summary>
        public float OptimizationTolerance = 1e-7f;

        /// <summary>How often to move the centroids at most, positive.</summary>
        public int MaximumNumberOfIterations = 1000;

        /// <summary>How many threads to use; null for as many as there are processors.</summary>
        public int? NumberOfThreads;
    }

    internal static class Defaults
    {
        public const int NumberOfClusters = 5;
    }
}
