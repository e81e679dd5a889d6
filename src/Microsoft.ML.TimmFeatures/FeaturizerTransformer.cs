extern alias ModelLoaderStub;

using System.Collections.Immutable;
using System.Globalization;
using Backbones;
using Backbones.Registry;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.TimmFeatures;
using Microsoft.ML.TimmFeatures.Cursors;
using Microsoft.ML.TimmFeatures.Inputs;
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
/// <para>Disposing it gives back the compiled graph and, where they are in a file, the weights; views, cursors and prediction engines that were made from it keep
/// their shares and go on. A transformer that is used again after that opens its model again: ML.NET's prediction engines dispose the model that they
/// were made from, which others may still use. Memory is free when the transformer and everything made from it are disposed; the weights inside
/// a loaded model, when nobody can reach it any more.</para>
/// </remarks>
public sealed class FeaturizerTransformer : IAdjustableTransformer, IDisposable
{
    internal const string LoaderSignature = "TimmFeaturizer";

    private readonly FeaturizerHost _host;
    private readonly ImmutableArray<ColumnMapping> _mappings;
    private readonly FeaturizerModel _model;
    private readonly SelectedFeatures _features;
    private readonly PretrainedConfig _config;
    private readonly ModelSource<FeaturizerSession> _source;

    /// <summary>Opens the model.</summary>
    internal FeaturizerTransformer(FeaturizerHost host, FeaturizerOptions options, ImmutableArray<ColumnMapping> mappings, FeaturizerModel model)
    {
        _host = host;
        Options = options;
        _mappings = mappings;
        _model = model;
        _source = new ModelSource<FeaturizerSession>(() => SessionCache.Session(model, options, host));
        using Lease<FeaturizerSession> session = _source.Take();
        _features = session.Value.Selected;
        _config = session.Value.Backbone.Config;
    }

    /// <summary>Model, batch size and so on.</summary>
    public FeaturizerOptions Options { get; }

    /// <summary>The selection's outputs: names, shapes without batch, levels.</summary>
    public ImmutableArray<FeatureOutput> Outputs => _features.Outputs;

    /// <summary>State_dict keys of the backbone that these features do not need; a saved model leaves them out.</summary>
    public IEnumerable<string> RemovedParameters => _features.RemovedParameters;

    /// <summary>True: prediction engines can use it.</summary>
    public bool IsRowToRowMapper => true;

    /// <summary>A share of the session, to be disposed by whoever takes it.</summary>
    internal Lease<FeaturizerSession> TakeSession() => _source.Take();

    /// <summary>The schema after featurizing.</summary>
    /// <exception cref="ArgumentException">An input column is missing or has a type that cannot be featurized.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => Bind(inputSchema).Schema;

    /// <summary>A view with the feature columns. Nothing is computed before it is read, and only the columns that are asked for.</summary>
    /// <exception cref="ArgumentException">An input column is missing or has a type that cannot be featurized.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new FeaturizedView(input, Bind(input.Schema), new FeatureModel(_source, Options), _host);
    }

    /// <summary>Featurizes row by row, for prediction engines.</summary>
    /// <exception cref="ArgumentException">An input column is missing or has a type that cannot be featurized.</exception>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => new FeaturizedRowMapper(Bind(inputSchema), new FeatureModel(_source, Options), _host);

    /// <summary>The same features of the same model with other settings: another device, number format, batch size, number of threads, image folder and so on.</summary>
    /// <param name="options">This transformer's <see cref="Options"/> with changes; model, weights and image size have to be the same.</param>
    /// <returns>A transformer of its own, which shares the weights with this one.</returns>
    /// <exception cref="ArgumentException">Model, weights or image size are others, or a setting makes no sense.</exception>
    /// <exception cref="NotSupportedException">The device or number format is not there.</exception>
    public FeaturizerTransformer With(FeaturizerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        if ((options.ModelName, options.WeightsPath, options.KeyPrefix, options.RandomWeights, options.ImageSize, options.UseTestSize, options.ConfigOverlay)
            != (Options.ModelName, Options.WeightsPath, Options.KeyPrefix, Options.RandomWeights, Options.ImageSize, Options.UseTestSize, Options.ConfigOverlay))
            throw new ArgumentException($"Model, weights and image size of a featurizer that is made stay as they are (model '{Options.ModelName}', weights '{Options.WeightsPath}', image size {Options.ImageSize?.ToString(CultureInfo.InvariantCulture) ?? "the model's own"}); make another for others.", nameof(options));
        options.RowsPerBatch(_features.Graph.Inputs[0].Shape, _features.Outputs);
        return new FeaturizerTransformer(_host, options, _mappings, _model);
    }

    ITransformer IAdjustableTransformer.With(FeaturizerOptions options) => With(options);

    /// <summary>Gives the compiled graph and the weights back. Can be called more than once; a transformer that is used again opens its model again.</summary>
    public void Dispose() => _source.Dispose();

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ArgumentNullException.ThrowIfNull(ctx);
        using Lease<FeaturizerSession> session = _source.Take();
        BinaryWriter writer = ModelInternals.BeginSave(ctx, TransformerFormat.FormatName, LoaderSignature, typeof(FeaturizerTransformer).Assembly);
        TransformerFormat.Write(writer, Options, _mappings, _model.Features as FeatureSelection, session.Value);
    }

    /// <summary>Called by ML.NET when a saved model is loaded.</summary>
    internal static FeaturizerTransformer Create(IHostEnvironment env, object ctx) => SavedModel.Load(env, ctx, TransformerFormat.Read);

    private FeaturizedSchema Bind(DataViewSchema input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new FeaturizedSchema(input, _mappings, [.. Outputs.Select(o => new OutputColumn(FeatureColumn.TypeOf(o), FeatureColumn.ToAnnotations(FeatureColumn.AnnotationsOf(o, _config))))], (schema, name) =>
        {
            DataViewSchema.Column column = InputTypes.Find(schema, name);
            InputTypes.CheckSize(column, _features.Graph.Inputs[0].Shape, _config.Name);
            return column;
        });
    }
}
