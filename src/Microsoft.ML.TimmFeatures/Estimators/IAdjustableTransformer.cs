namespace Microsoft.ML.TimmFeatures;

/// <summary>A transformer whose settings can be changed after it was made or loaded.</summary>
internal interface IAdjustableTransformer : ITransformer
{
    /// <summary>Model, batch size and so on.</summary>
    FeaturizerOptions Options { get; }

    /// <summary>The same model with other settings.</summary>
    /// <exception cref="ArgumentException">Model, weights or image size are others, or a setting makes no sense.</exception>
    ITransformer With(FeaturizerOptions options);
}
