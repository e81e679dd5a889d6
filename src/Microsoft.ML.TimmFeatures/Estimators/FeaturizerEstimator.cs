using System.Collections.Immutable;
using Backbones;
using Backbones.Registry;
using Microsoft.ML.TimmFeatures.Inputs;
using Microsoft.ML.TimmFeatures.Sessions;

namespace Microsoft.ML.TimmFeatures;

/// <summary>What all featurizers have in common: a model, features of it, and columns. There is nothing to learn: <see cref="Fit"/> loads the weights.</summary>
public abstract class FeaturizerEstimator : IEstimator<FeaturizerTransformer>
{
    private readonly TransformsCatalog _catalog;
    private readonly FeaturizerHost _host;
    private readonly PretrainedConfig _config;
    private readonly ColumnMapping _columns;
    private readonly Func<FeaturizerModel> _find;

    // Kept: Fit takes the graph that was built for its columns.
    private readonly SelectedFeatures _outline;

    /// <summary>Features of a backbone whose weights are looked up.</summary>
    /// <param name="catalog">Gives access to the context.</param>
    /// <param name="options">Model, weights, batch size and so on.</param>
    /// <param name="selection">Which features.</param>
    /// <param name="input">The image column.</param>
    /// <param name="namesOf">The names of the output columns, one for each of the selection's outputs.</param>
    private protected FeaturizerEstimator(TransformsCatalog catalog, FeaturizerOptions options, FeatureSelection selection, string input,
        Func<ImmutableArray<FeatureOutput>, IEnumerable<string>> namesOf)
        : this(catalog, options, input, namesOf, host => Located(options, selection, host))
    {
    }

    /// <summary>Features of a backbone and a graph of the caller's own.</summary>
    private protected FeaturizerEstimator(TransformsCatalog catalog, FeaturizerOptions options, Backbone backbone, SelectedFeatures features, string input,
        Func<ImmutableArray<FeatureOutput>, IEnumerable<string>> namesOf)
        : this(catalog, options, input, namesOf, _ => (backbone.Config, features, () => FeaturizerModel.Of(backbone, features)))
    {
    }

    private FeaturizerEstimator(TransformsCatalog catalog, FeaturizerOptions options, string input, Func<ImmutableArray<FeatureOutput>, IEnumerable<string>> namesOf,
        Func<FeaturizerHost, (PretrainedConfig Config, SelectedFeatures Outline, Func<FeaturizerModel> Find)> source)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        _catalog = catalog;
        Options = options;
        _host = FeaturizerHost.Of(catalog);
        _host.EngineFor(options, warn: null);
        (_config, _outline, _find) = source(_host);
        _columns = Columns(input, namesOf);
        // So many rows have to fit into one buffer.
        options.RowsPerBatch(_outline.Graph.Inputs[0].Shape, Outputs);
    }

    /// <summary>Model, weights, batch size and so on.</summary>
    public FeaturizerOptions Options { get; }

    /// <summary>The selection's outputs: names, shapes without batch, levels. Known without weights.</summary>
    public ImmutableArray<FeatureOutput> Outputs => _outline.Outputs;

    /// <summary>Loads the weights; published ones that are not on this machine are downloaded, see <see cref="FeaturizerOptions.Download"/>.</summary>
    /// <param name="input">Data with the input column; only its schema is looked at.</param>
    /// <exception cref="ArgumentException">The input column is missing or has a type that cannot be featurized.</exception>
    /// <exception cref="Backbones.Weights.Hub.DownloadException">The weights are not on this machine and cannot be downloaded; the message names the host and the reason.</exception>
    /// <exception cref="FileNotFoundException">No weights were found and downloads are off; the message says where they were looked for.</exception>
    /// <exception cref="Backbones.Weights.WeightsFormatException">The weights file is malformed.</exception>
    /// <exception cref="Backbones.Weights.ParameterMismatchException">The weights are another model's, or hold NaN; the message lists what is wrong.</exception>
    /// <exception cref="NotSupportedException">The device or number format is not there.</exception>
    public FeaturizerTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        InputTypes.Find(input.Schema, _columns.Input);
        _host.WarnOfMissing();
        var transformer = new FeaturizerTransformer(_host, Options, [_columns], _find());
        try
        {
            transformer.GetOutputSchema(input.Schema);
            return transformer;
        }
        catch
        {
            transformer.Dispose();
            throw;
        }
    }

    /// <summary>The schema after featurizing: the input's columns and a Vector&lt;Single&gt; for every output.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The input column is missing or has a type that cannot be featurized.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        InputTypes.Check(inputSchema, _columns.Input);
        SchemaShape shape = inputSchema;
        for (int i = 0; i < Outputs.Length; i++)
            shape = FeatureColumn.AddTo(shape, _catalog, _columns.Outputs[i], FeatureColumn.AnnotationsOf(Outputs[i], _config));
        return shape;
    }

    private ColumnMapping Columns(string input, Func<ImmutableArray<FeatureOutput>, IEnumerable<string>> namesOf)
    {
        if (Outputs.IsEmpty)
            throw new ArgumentException("No features were chosen; name one node or more.", "nodes");
        if (string.IsNullOrWhiteSpace(input))
            throw new ArgumentException($"The name of the input column is empty: '{input}'.", "inputColumnName");
        ImmutableArray<string> names = [.. namesOf(Outputs)];
        if (names.Length != Outputs.Length)
            throw new ArgumentException($"The selection has {Outputs.Length} outputs ({string.Join(", ", Outputs.Select(o => o.Name))}); {names.Length} column names were given ({string.Join(", ", names)}).", "columnNames");
        if (names.Any(string.IsNullOrWhiteSpace))
            throw new ArgumentException($"A column name is empty: '{input}' gives {string.Join(", ", names.Select(o => $"'{o}'"))}.", "columnNames");
        string[] twice = [.. names.GroupBy(n => n).Where(g => g.Count() > 1).Select(g => $"'{g.Key}'")];
        return twice.Length == 0 ? new ColumnMapping(input, names)
            : throw new ArgumentException($"Output columns named twice: {string.Join(", ", twice)}.", "columnNames");
    }

    private static (PretrainedConfig Config, SelectedFeatures Outline, Func<FeaturizerModel> Find) Located(FeaturizerOptions options, FeatureSelection selection, FeaturizerHost host)
    {
        BackboneOptions backbone = options.ToBackboneOptions(new DownloadLog(host));
        PretrainedConfig config = Backbone.FindConfig(options.ModelName, backbone);
        return (config, Backbone.Outline(options.ModelName, config, selection, backbone), () => FeaturizerModel.Locate(options, selection, host));
    }
}
