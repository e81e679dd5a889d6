using System.Collections.Immutable;
using Backbones;
using Microsoft.ML.TimmFeatures.Inputs;
using Microsoft.ML.TimmFeatures.Sessions;

namespace Microsoft.ML.TimmFeatures;

/// <summary>What all featurizers have in common: a model, a selection of its features, and columns. There is nothing to learn: <see cref="Fit"/> loads the weights.</summary>
public abstract class FeaturizerEstimator : IEstimator<FeaturizerTransformer>
{
    private readonly TransformsCatalog _catalog;
    private readonly ImmutableArray<ColumnMapping> _mappings;
    private readonly FeatureSelection _selection;

    /// <param name="catalog">Gives access to the context.</param>
    /// <param name="options">Model, weights, batch size and so on.</param>
    /// <param name="selection">Which features.</param>
    /// <param name="columns">Output and input columns; what an output name means is up to <paramref name="namesOf"/>.</param>
    /// <param name="namesOf">The names of the output columns, one for each of the selection's outputs.</param>
    private protected FeaturizerEstimator(TransformsCatalog catalog, FeaturizerOptions options, FeatureSelection selection,
        IEnumerable<InputOutputColumnPair> columns, Func<string, ImmutableArray<FeatureOutput>, IEnumerable<string>> namesOf)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(columns);
        options.Check();
        _catalog = catalog;
        _selection = selection;
        Options = options;
        Outputs = Backbone.Describe(options.ModelName, selection, options.ToBackboneOptions(new DownloadLog(FeaturizerHost.Of(catalog))));
        _mappings = [.. columns.Select(c => new ColumnMapping(c.InputColumnName, [.. namesOf(c.OutputColumnName, Outputs)]))];
        CheckColumns();
    }

    /// <summary>Model, weights, batch size and so on.</summary>
    public FeaturizerOptions Options { get; }

    /// <summary>The selection's outputs: names, shapes without batch, levels. Known without weights.</summary>
    public ImmutableArray<FeatureOutput> Outputs { get; }

    /// <summary>Loads the weights; published ones that are not on this machine are downloaded, see <see cref="FeaturizerOptions.Download"/>.</summary>
    /// <param name="input">Data with the input columns; only its schema is looked at.</param>
    /// <exception cref="ArgumentException">An input column is missing or has a type that cannot be featurized.</exception>
    /// <exception cref="Backbones.Weights.Hub.DownloadException">The weights are not on this machine and cannot be downloaded; the message names the host and the reason.</exception>
    /// <exception cref="FileNotFoundException">No weights were found and downloads are off; the message says where they were looked for.</exception>
    /// <exception cref="Backbones.Weights.WeightsFormatException">The weights file is malformed.</exception>
    /// <exception cref="Backbones.Weights.ParameterMismatchException">The weights are another model's, or hold NaN; the message lists what is wrong.</exception>
    /// <exception cref="NotSupportedException">The device or number format is not there.</exception>
    public FeaturizerTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        foreach (ColumnMapping mapping in _mappings)
            InputTypes.Find(input.Schema, mapping.Input);
        FeaturizerHost host = FeaturizerHost.Of(_catalog);
        var transformer = new FeaturizerTransformer(host, Options, _mappings, SessionCache.Get(Options, _selection, host));
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
    /// <exception cref="ArgumentOutOfRangeException">An input column is missing or has a type that cannot be featurized.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        foreach (ColumnMapping mapping in _mappings)
            InputTypes.Check(inputSchema, mapping.Input);
        SchemaShape shape = inputSchema;
        foreach (ColumnMapping mapping in _mappings)
        {
            for (int i = 0; i < Outputs.Length; i++)
                shape = FeatureColumn.AddTo(shape, _catalog, mapping.Outputs[i], FeatureColumn.AnnotationsOf(Outputs[i], Options.ModelName));
        }
        return shape;
    }

    private void CheckColumns()
    {
        if (_mappings.IsEmpty)
            throw new ArgumentException("No columns were given.", "columns");
        if (Outputs.IsEmpty)
            throw new ArgumentException("No features were chosen; name one node or more.", "nodes");
        foreach (ColumnMapping mapping in _mappings)
        {
            if (mapping.Outputs.Length != Outputs.Length)
                throw new ArgumentException($"The selection has {Outputs.Length} outputs ({string.Join(", ", Outputs.Select(o => o.Name))}); {mapping.Outputs.Length} column names were given ({string.Join(", ", mapping.Outputs)}).", "columnNames");
            if (mapping.Outputs.Append(mapping.Input).Any(string.IsNullOrWhiteSpace))
                throw new ArgumentException($"A column name is empty: '{mapping.Input}' gives {string.Join(", ", mapping.Outputs.Select(o => $"'{o}'"))}.", "columns");
        }
        string[] twice = [.. _mappings.SelectMany(m => m.Outputs).GroupBy(n => n).Where(g => g.Count() > 1).Select(g => $"'{g.Key}'")];
        if (twice.Length > 0)
            throw new ArgumentException($"Output columns named twice: {string.Join(", ", twice)}.", "columns");
    }
}
