using Microsoft.ML.Data;

namespace Microsoft.ML;

/// <summary>A transformer that adds what a model predicts.</summary>
public interface IPredictionTransformer<out TModel> : ITransformer where TModel : class
{
    /// <summary>What was learnt.</summary>
    TModel Model { get; }
}

/// <summary>A prediction transformer with one feature column.</summary>
public interface ISingleFeaturePredictionTransformer<out TModel> : IPredictionTransformer<TModel> where TModel : class
{
    /// <summary>The feature column.</summary>
    string FeatureColumnName { get; }

    /// <summary>Its type at the time of training.</summary>
    DataViewType FeatureColumnType { get; }
}
