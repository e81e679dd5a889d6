using Microsoft.ML.Data;
using Microsoft.ML.Numeric;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trainers;

/// <summary>
/// Learns a multinomial logistic regression (maximum entropy classifier) by L-BFGS. Minimises the mean negative log-likelihood, plus
/// L1 and L2 penalties on the weights, but not on the biases, divided by the number of examples. Reads the data once, into memory.
/// Features: a vector of Single of known size. Label: a key.
/// </summary>
public sealed class LbfgsMaximumEntropyMulticlassTrainer
    : TrainerEstimatorBase<MulticlassPredictionTransformer<MaximumEntropyModelParameters>, MaximumEntropyModelParameters>
{
    private readonly Options _options;

    internal LbfgsMaximumEntropyMulticlassTrainer(IHostEnvironment env, Options options)
        : base(Contracts.CheckRef(env, nameof(env)).Register(nameof(LbfgsMaximumEntropyMulticlassTrainer)),
            Contracts.CheckRef(options, nameof(options)).FeatureColumnName,
            new SchemaShape.Column(options.LabelColumnName, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.UInt32, true),
            options.ExampleWeightColumnName)
    {
        Host.CheckUserArg(options.NumberOfThreads is null or > 0, nameof(options.NumberOfThreads), "Must be positive (or empty for default)");
        Host.CheckUserArg(options.L2Regularization >= 0, nameof(options.L2Regularization), "Must be non-negative");
        Host.CheckUserArg(options.L1Regularization >= 0, nameof(options.L1Regularization), "Must be non-negative");
        Host.CheckUserArg(options.OptimizationTolerance > 0, nameof(options.OptimizationTolerance), "Must be positive");
        Host.CheckUserArg(options.HistorySize > 0, nameof(options.HistorySize), "Must be positive");
        Host.CheckUserArg(options.MaximumNumberOfIterations > 0, nameof(options.MaximumNumberOfIterations), "Must be positive");
        _options = options;
    }

    /// <inheritdoc/>
    public override TrainerInfo Info { get; } = new();

    /// <summary>Trains a model, going on from another one with the same features and classes.</summary>
    /// <exception cref="InvalidOperationException">Its features or classes are not those of the data.</exception>
    public MulticlassPredictionTransformer<MaximumEntropyModelParameters> Fit(IDataView trainData, MaximumEntropyModelParameters modelParameters)
        => TrainTransformer(trainData, modelParameters);

    private protected override SchemaShape.Column[] GetOutputColumns(SchemaShape inputSchema)
    {
        inputSchema.TryFindColumn(LabelColumn.Name, out var label);
        var ofLabel = new SchemaShape(label.Annotations.Where(annotation => annotation.Name == AnnotationUtils.Kinds.KeyValues)
            .Concat(AnnotationUtils.GetTrainerOutputAnnotation()));
        var ofScore = new SchemaShape(AnnotationUtils.AnnotationsForMulticlassScoreColumn(label));
        return
        [
            new(DefaultColumnNames.Score, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, false, ofScore),
            new(DefaultColumnNames.PredictedLabel, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.UInt32, true, ofLabel),
        ];
    }

    private protected override MaximumEntropyModelParameters Train(TrainingRows rows, DataViewSchema schema, MaximumEntropyModelParameters start)
    {
        using IChannel ch = Host.Start("Training");
        int classCount = checked((int)schema[LabelColumn.Name].Type.GetKeyCount());
        if (classCount == 1)
            ch.Warning("Training resulted in a one class predictor");

        var objective = new MaximumEntropyObjective(rows, classCount, _options.L2Regularization, _options.NumberOfThreads ?? Environment.ProcessorCount);
        float[] initial = MakeStart(objective.ParameterCount, classCount, start);
        LbfgsOptimizer optimizer = _options.L1Regularization > 0
            ? new OrthantWiseOptimizer(objective.Evaluate, initial, classCount, _options.L1Regularization / rows.Count, _options.HistorySize, _options.EnforceNonNegativity)
            : new LbfgsOptimizer(objective.Evaluate, initial, _options.HistorySize, _options.EnforceNonNegativity);
        float[] parameters = optimizer.Minimize(new MeanImprovementCriterion(_options.OptimizationTolerance, _options.MaximumNumberOfIterations));

        if (!_options.Quiet)
        {
            if (optimizer.PrematureConvergence != null)
                ch.Warning($"Premature convergence occurred. The OptimizationTolerance may be set too small. {optimizer.PrematureConvergence}");
            if (_options.L1Regularization > 0)
                ch.Info($"L1 regularization selected {parameters.Skip(classCount).Count(weight => weight != 0) + classCount} of {parameters.Length} weights.");
        }
        return new MaximumEntropyModelParameters(Host, parameters[..classCount], parameters[classCount..].Chunk(rows.FeatureCount).ToArray());
    }

    private protected override MulticlassPredictionTransformer<MaximumEntropyModelParameters> MakeTransformer(
        MaximumEntropyModelParameters model, DataViewSchema trainSchema)
        => new(Host, model, trainSchema, FeatureColumn.Name, LabelColumn.Name);

    private float[] MakeStart(int count, int classCount, MaximumEntropyModelParameters start)
    {
        var parameters = new float[count];
        if (start != null)
        {
            parameters = start.ToParameters();
            Host.Check(start.GetBiases().Count() == classCount, "The initialization predictor has different number of classes than the training data.");
            Host.Check(parameters.Length == count, "The input training data must have the same features used to train the input predictor.");
        }
        else if (_options.InitialWeightsDiameter > 0)
        {
            for (int i = 0; i < count; i++)
                parameters[i] = _options.InitialWeightsDiameter * (Host.Rand.NextSingle() - 0.5f);
        }
        return parameters;
    }

    /// <summary>What can be set.</summary>
    public sealed class Options : TrainerInputBaseWithWeight
    {
        /// <summary>The weight of half the sum of the squared weights, at least 0.</summary>
        public float L2Regularization = Defaults.L2Regularization;

        /// <summary>The weight of the sum of the weights' magnitudes, at least 0. Makes weights exactly zero.</summary>
        public float L1Regularization = Defaults.L1Regularization;

        /// <summary>The mean improvement of the objective at which to stop, positive.</summary>
        public float OptimizationTolerance = Defaults.OptimizationTolerance;

        /// <summary>How many steps to remember for the approximation of the Hessian, positive.</summary>
        public int HistorySize = Defaults.HistorySize;

        /// <summary>How many steps to make at most, positive.</summary>
        public int MaximumNumberOfIterations = Defaults.MaximumNumberOfIterations;

        /// <summary>Say nothing of how training went.</summary>
        public bool Quiet = false;

        /// <summary>Start from random weights in a range of this size around zero; 0 for zero weights.</summary>
        public float InitialWeightsDiameter = 0;

        /// <summary>How many threads to use; null for as many as there are processors.</summary>
        public int? NumberOfThreads;

        /// <summary>Keep the weights at or above zero.</summary>
        public bool EnforceNonNegativity = Defaults.EnforceNonNegativity;

        internal static class Defaults
        {
            public const float L2Regularization = 1;
            public const float L1Regularization = 1;
            public const float OptimizationTolerance = 1e-7f;
            public const int HistorySize = 20;
            public const int MaximumNumberOfIterations = int.MaxValue;
            public const bool EnforceNonNegativity = false;
        }
    }
}
