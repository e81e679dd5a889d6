extern alias ModelLoaderStub;

using System.Collections.Immutable;
using Backbones;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.TimmFeatures;
using Microsoft.ML.TimmFeatures.Cursors;
using Microsoft.ML.TimmFeatures.Serialization;
using Microsoft.ML.TimmFeatures.Sessions;

[assembly: ModelLoaderStub::Microsoft.ML.LoadableClass(typeof(FeaturizerTransformer), null, typeof(ModelLoaderStub::Microsoft.ML.SignatureLoadModel), "timm features", FeaturizerTransformer.LoaderSignature)]

namespace Microsoft.ML.TimmFeatures;

/// <summary>Adds a backbone's features to data: the fitted form of all featurizers.</summary>
/// <remarks>
/// <para>Thread safe: views, cursors and prediction engines of several threads may use it at once (one cursor and one prediction engine
/// are for one thread at a time, as everywhere in ML.NET). Transformers of the same model share its weights.</para>
/// <para>A view computes nothing before it is read, reads rows at most two batches ahead, in the background, and computes only the columns
/// that are asked for. A trainer that makes several passes computes the features in each: put <c>AppendCacheCheckpoint</c> between.</para>
/// <para>Disposing it gives up its share of the weights; what was made from it then throws <see cref="ObjectDisposedException"/>.</para>
/// </remarks>
public sealed class FeaturizerTransformer : ITransformer, IDisposable
{
    internal const string LoaderSignature = "TimmFeaturizer";

    private readonly FeaturizerHost _host;
    private readonly ImmutableArray<ColumnMapping> _mappings;
    private readonly Lease<FeaturizerSession> _session;

    internal FeaturizerTransformer(FeaturizerHost host, FeaturizerOptions options, ImmutableArray<ColumnMapping> mappings, Lease<FeaturizerSession> session)
    {
        _host = host;
        Options = options;
        _mappings = mappings;
        _session = session;
    }

    /// <summary>Model, batch size and so on.</summary>
    public FeaturizerOptions Options { get; }

    /// <summary>The selection's outputs: names, shapes without batch, levels.</summary>
    /// <exception cref="ObjectDisposedException">The transformer was disposed.</exception>
    public ImmutableArray<FeatureOutput> Outputs => _session.Value.Outputs;

    /// <summary>State_dict keys of the backbone that these features do not need; a saved model leaves them out.</summary>
    /// <exception cref="ObjectDisposedException">The transformer was disposed.</exception>
    public IEnumerable<string> RemovedParameters => _session.Value.Selected.RemovedParameters;

    /// <summary>True: prediction engines can use it.</summary>
    public bool IsRowToRowMapper => true;

    internal FeaturizerSession Session => _session.Value;

    /// <summary>The schema after featurizing.</summary>
    /// <exception cref="ArgumentException">An input column is missing or has a type that cannot be featurized.</exception>
    /// <exception cref="ObjectDisposedException">The transformer was disposed.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => Bind(inputSchema).Schema;

    /// <summary>A view with the feature columns. Nothing is computed before it is read, and only the columns that are asked for.</summary>
    /// <exception cref="ArgumentException">An input column is missing or has a type that cannot be featurized.</exception>
    /// <exception cref="ObjectDisposedException">The transformer was disposed.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new FeaturizedView(input, Bind(input.Schema), _session, Options, _host);
    }

    /// <summary>Featurizes row by row, for prediction engines.</summary>
    /// <exception cref="ArgumentException">An input column is missing or has a type that cannot be featurized.</exception>
    /// <exception cref="ObjectDisposedException">The transformer was disposed.</exception>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => new FeaturizedRowMapper(Bind(inputSchema), _session, Options, _host);

    /// <summary>Gives up this transformer's share of the weights. Can be called more than once.</summary>
    public void Dispose() => _session.Dispose();

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ArgumentNullException.ThrowIfNull(ctx);
        FeaturizerSession session = _session.Value;
        BinaryWriter writer = ModelInternals.BeginSave(ctx, TransformerFormat.FormatName, LoaderSignature, typeof(FeaturizerTransformer).Assembly);
        TransformerFormat.Write(writer, Options, _mappings, session);
        GC.KeepAlive(this);
    }

    /// <summary>Called by ML.NET when a saved model is loaded.</summary>
    internal static FeaturizerTransformer Create(IHostEnvironment env, object ctx)
    {
        var host = new FeaturizerHost(env);
        (FeaturizerOptions options, ImmutableArray<ColumnMapping> mappings, Lease<FeaturizerSession> session) = TransformerFormat.Read(ModelInternals.BeginLoad(ctx), host);
        return new FeaturizerTransformer(host, options, mappings, session);
    }

    private FeaturizedSchema Bind(DataViewSchema input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new FeaturizedSchema(input, _mappings, _session.Value);
    }
}
