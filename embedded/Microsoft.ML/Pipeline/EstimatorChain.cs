using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Estimators in a row, each learning from what those before it make of the data.</summary>
public sealed class EstimatorChain<TLastTransformer> : IEstimator<TransformerChain<TLastTransformer>> where TLastTransformer : class, ITransformer
{
    // Null as long as no part is followed by a cache.
    private readonly IHost _host;
    private readonly EstimatorChainPart[] _parts;

    /// <summary>The last estimator; null in an empty chain.</summary>
    public readonly IEstimator<TLastTransformer> LastEstimator;

    /// <summary>Creates an empty chain.</summary>
    public EstimatorChain() => _parts = [];

    internal EstimatorChain(IHostEnvironment env, EstimatorChainPart[] parts)
    {
        _host = env?.Register(nameof(EstimatorChain<TLastTransformer>));
        _parts = parts;
        LastEstimator = parts.LastOrDefault().Estimator as IEstimator<TLastTransformer>;
    }

    /// <summary>Checks the whole chain against the input's schema, then fits one estimator after the other.</summary>
    public TransformerChain<TLastTransformer> Fit(IDataView input)
    {
        Contracts.CheckValue(input, nameof(input));
        GetOutputSchema(SchemaShape.Create(input.Schema));
        var transformers = new ITransformer[_parts.Length];
        for (int i = 0; i < _parts.Length; i++)
        {
            transformers[i] = _parts[i].Estimator.Fit(input);
            input = transformers[i] is ITransformerWithDifferentMappingAtTrainingTime different
                ? different.TransformForTrainingPipeline(input)
                : transformers[i].Transform(input);
            if (_parts[i].CacheAfter && i < _parts.Length - 1)
                input = new CacheDataView(_host, input, []);
        }
        return new TransformerChain<TLastTransformer>(transformers, _parts.Select(p => p.Scope));
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema) => _parts.Aggregate(inputSchema, (shape, part) => part.Estimator.GetOutputSchema(shape));

    /// <summary>A chain with one more estimator.</summary>
    public EstimatorChain<TNewTrans> Append<TNewTrans>(IEstimator<TNewTrans> estimator, TransformerScope scope = TransformerScope.Everything) where TNewTrans : class, ITransformer
    {
        Contracts.CheckValue(estimator, nameof(estimator));
        return new EstimatorChain<TNewTrans>(_host, [.. _parts, new(estimator, scope, CacheAfter: false)]);
    }

    /// <summary>A chain that keeps in memory what its last estimator's transformer makes, for estimators appended later.</summary>
    public EstimatorChain<TLastTransformer> AppendCacheCheckpoint(IHostEnvironment env)
    {
        Contracts.CheckValue(env, nameof(env));
        if (_parts.Length == 0)
            throw new InvalidOperationException("Current estimator chain has no estimator, can't append cache checkpoint.");
        if (_parts[^1].CacheAfter)
            return this;
        return new EstimatorChain<TLastTransformer>(env, [.. _parts[..^1], _parts[^1] with { CacheAfter = true }]);
    }
}

/// <summary>An estimator of a chain.</summary>
internal readonly record struct EstimatorChainPart(IEstimator<ITransformer> Estimator, TransformerScope Scope, bool CacheAfter);
