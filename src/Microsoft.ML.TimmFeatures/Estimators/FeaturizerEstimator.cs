using System.Collections.Immutable;
using Backbones;
using Microsoft.ML.Runtime;
using Microsoft.ML.TimmFeatures.Inputs;
using Microsoft.ML.TimmFeatures.Sessions;

namespace Microsoft.ML.TimmFeatures;

/// <summary>What all featurizers have in common: a model, a selection of its features, and columns. There is nothing to learn: <see cref="Fit"/> loads the weights.</summary>
public abstract class FeaturizerEstimator : IEstimator<FeaturizerTransformer>
{
    private readonly TransformsCatalog _catalog;
    private readonly ImmutableArray<ColumnMapping> _mappings;
    private readonly FeatureSelection _selection;

    private protected FeaturizerEstimator(TransformsCatalog catalog, FeaturizerOptions options, FeatureSelection selection, IEnumerable<(string Input, ImmutableArray<string>? Outputs)> columns, Func<FeatureOutput, string, string> nameOf)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        options.Check();
        _catalog = catalog;
        _selection = selection;
        Options = options;
        Outputs = Backbone.Describe(options.ModelName, selection, options.ToBackboneOptions());
        _mappings = [.. columns.Select(c => new ColumnMapping(c.Input, Named(c.Input, c.Outputs, nameOf)))];
        if (_mappings.IsEmpty)
            throw new ArgumentException("No columns were given.", nameof(columns));
        string[] twice = [.. _mappings.SelectMany(m => m.Outputs).GroupBy(n => n).Where(g => g.Count() > 1).Select(g => $"'{g.Key}'")];
        if (twice.Length > 0)
            throw new ArgumentException($"Output columns named twice: {string.Join(", ", twice)}.", nameof(columns));
    }

    /// <summary>Model, weights, batch size and so on.</summary>
    public FeaturizerOptions Options { get; }

    /// <summary>The selection's outputs: names, shapes without batch, levels. Known without weights.</summary>
    public ImmutableArray<FeatureOutput> Outputs { get; }

    /// <summary>Loads the weights.</summary>
    /// <param name="input">Data with the input columns; only its schema is looked at.</param>
    /// <exception cref="FileNotFoundException">No weights were found; the message says where they were looked for.</exception>
    /// <exception cref="ArgumentException">An input column is missing or has a type that cannot be featurized.</exception>
    public FeaturizerTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        FeaturizerSession session = SessionCache.Get(Options, _selection);
        try
        {
            var transformer = new FeaturizerTransformer(EnvironmentAccess.Of(_catalog), Options, _mappings, session);
            transformer.GetOutputSchema(input.Schema);
            return transformer;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>The schema after featurizing: the input's columns and a Vector&lt;Single&gt; for every output.</summary>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        SchemaShape shape = inputSchema;
        foreach (ColumnMapping mapping in _mappings)
        {
            SchemaShape.Column column = inputSchema.FirstOrDefault(c => c.Name == mapping.Input) is { Name: not null } found ? found
                : throw new ArgumentOutOfRangeException(nameof(inputSchema), $"Could not find input column '{mapping.Input}'. The data has {string.Join(", ", inputSchema.Select(c => $"'{c.Name}'"))}.");
            foreach (string output in mapping.Outputs)
                shape = WithVector(shape, output, column);
        }
        return shape;
    }

    /// <summary>
    /// Adds a Vector&lt;Single&gt; column to a shape. ML.NET keeps the constructor of shape columns to itself, so an estimator of its own
    /// that makes such a column from this kind of input is asked for it.
    /// </summary>
    private SchemaShape WithVector(SchemaShape shape, string output, SchemaShape.Column input)
    {
        switch (InputTypes.KindOf(input))
        {
            case InputKind.Image:
                return With(shape, _catalog.ExtractPixels(output, input.Name).GetOutputSchema(shape), output);
            case InputKind.Path:
                return With(shape, _catalog.ExtractPixels(output, output).GetOutputSchema(_catalog.LoadImages(output, null, input.Name).GetOutputSchema(shape)), output);
            case InputKind.Bytes:
                return With(shape, _catalog.Conversion.ConvertType(output, input.Name).GetOutputSchema(shape), output);
            case InputKind.Tensor:
                return With(shape, _catalog.CopyColumns(output, input.Name).GetOutputSchema(shape), output);
            default:
                throw InputTypes.Wrong(input.Name, input.ItemType);
        }
    }

    private static SchemaShape With(SchemaShape shape, SchemaShape made, string output)
        => new(shape.Where(c => c.Name != output).Append(made.First(c => c.Name == output)));

    private ImmutableArray<string> Named(string input, ImmutableArray<string>? names, Func<FeatureOutput, string, string> nameOf)
    {
        if (names is not { } given)
            return [.. Outputs.Select(o => nameOf(o, input))];
        return given.Length == Outputs.Length ? given
            : throw new ArgumentException($"The selection has {Outputs.Length} outputs ({string.Join(", ", Outputs.Select(o => o.Name))}); {given.Length} column names were given ({string.Join(", ", given)}).", nameof(names));
    }
}
