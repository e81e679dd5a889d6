namespace Microsoft.ML.Trainers;

/// <summary>An estimator that learns a model.</summary>
public interface ITrainerEstimator<out TTransformer, out TModel> : IEstimator<TTransformer>
    where TTransformer : IPredictionTransformer<TModel>
    where TModel : class
{
    /// <summary>What the trainer would like of its data.</summary>
    TrainerInfo Info { get; }
}
