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

/// <summary>
/// Adds a backbone's features to data: the fitted form of all featurizers. Thread safe; several views and prediction engines may use
/// it at once. Disposing it releases its share of the weights; views made before must not be read after that.
/// </summary>
public sealed class FeaturizerTransformer : ITransformer, IDisposable
{
    internal const string LoaderSignature = "TimmFeaturizer";

    private readonly IHostEnvironment? _environment;
    private readonly ImmutableArray<ColumnMapping> _mappings;
    private readonly FeaturizerSession _session;
    private int _disposed;

    internal FeaturizerTransformer(IHostEnvironment? environment, FeaturizerOptions options, ImmutableArray<ColumnMapping> mappings, FeaturizerSession session)
    {
        _environment = environment;
        Options = options;
        _mappings = mappings;
        _session = session;
    }

    /// <summary>Model, batch size and so on.</summary>
    public FeaturizerOptions Options { get; }

    /// <summary>The selection's outputs: names, shapes without batch, levels.</summary>
    public ImmutableArray<FeatureOutput> Outputs => _session.Outputs;

    /// <summary>State_dict keys of the backbone that these features do not need; a saved model leaves them out.</summary>
    public IEnumerable<string> RemovedParameters => _session.Selected.RemovedParameters;

    /// <summary>True: prediction engines can use it.</summary>
    public bool IsRowToRowMapper => true;

    /// <summary>The schema after featurizing.</summary>
    /// <exception cref="ArgumentException">An input column is missing or has a type that cannot be featurized.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => Bind(inputSchema).Schema;

    /// <summary>A view with the feature columns. Nothing is computed before it is read, and only the columns that are asked for.</summary>
    /// <exception cref="ArgumentException">An input column is missing or has a type that cannot be featurized.</exception>
    /// <exception cref="ObjectDisposedException">The transformer was disposed.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new FeaturizedView(input, Bind(input.Schema), _session, Options, _environment);
    }

    /// <summary>Featurizes row by row, for prediction engines.</summary>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => new FeaturizedRowMapper(Bind(inputSchema), _session, Options);

    /// <summary>Releases this transformer's share of the weights. Can be called more than once.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            _session.Dispose();
    }

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ArgumentNullException.ThrowIfNull(ctx);
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        BinaryWriter writer = ModelInternals.BeginSave(ctx, TransformerFormat.FormatName, LoaderSignature, typeof(FeaturizerTransformer).Assembly);
        TransformerFormat.Write(writer, Options, _mappings, _session);
    }

    /// <summary>Called by ML.NET when a saved model is loaded.</summary>
    internal static FeaturizerTransformer Create(IHostEnvironment env, object ctx)
    {
        (FeaturizerOptions options, ImmutableArray<ColumnMapping> mappings, FeaturizerSession session) = TransformerFormat.Read(ModelInternals.BeginLoad(ctx));
        return new FeaturizerTransformer(env, options, mappings, session);
    }

    private FeaturizedSchema Bind(DataViewSchema input)
    {
        ArgumentNullException.ThrowIfNull(input);
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return new FeaturizedSchema(input, _mappings, _session);
    }
}
