using System.Collections.Immutable;
using Microsoft.ML.TimmFeatures.Detection.Cursors;
using Microsoft.ML.TimmFeatures.Detection.Models;

namespace Microsoft.ML.TimmFeatures.Detection;

/// <summary>What detection and segmentation have in common: a model, and columns. There is nothing to learn: <see cref="Fit"/> loads the weights.</summary>
public abstract class ImageModelEstimator : IEstimator<ImageModelTransformer>
{
    private readonly TransformsCatalog _catalog;
    private readonly FeaturizerHost _host;
    private readonly ImageTask _task;
    private readonly ImmutableArray<ResultColumn> _promised;
    private readonly string _input, _output;

    private protected ImageModelEstimator(TransformsCatalog catalog, FeaturizerOptions options, ImageTask task, string output, string? input)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(options);
        Check(options);
        if (string.IsNullOrWhiteSpace(output))
            throw new ArgumentException($"The name of the output column is empty: '{output}'.", "outputColumnName");
        if (input is not null && string.IsNullOrWhiteSpace(input))
            throw new ArgumentException($"The name of the input column is empty: '{input}'.", "inputColumnName");
        (_catalog, Options, _task, _output, _input) = (catalog, options, task, output, input ?? output);
        _host = FeaturizerHost.Of(catalog);
        _host.EngineFor(options, warn: null);
        _promised = task.Promise(options);
    }

    /// <summary>Model, weights, batch size and so on.</summary>
    public FeaturizerOptions Options { get; }

    /// <summary>Names of the columns that are added.</summary>
    public ImmutableArray<string> OutputColumnNames => [.. _promised.Select(r => _output + r.Suffix)];

    /// <summary>Loads the weights; published ones that are not on this machine are downloaded, see <see cref="FeaturizerOptions.Download"/>.</summary>
    /// <param name="input">Data with the input column; only its schema is looked at.</param>
    /// <exception cref="ArgumentException">The input column is missing or holds no pictures.</exception>
    /// <exception cref="Backbones.Weights.Hub.DownloadException">The weights are not on this machine and cannot be downloaded; the message names the host and the reason.</exception>
    /// <exception cref="FileNotFoundException">No weights were found and downloads are off; the message says where they were looked for.</exception>
    /// <exception cref="Backbones.Weights.WeightsFormatException">The weights file is malformed.</exception>
    /// <exception cref="Backbones.Weights.ParameterMismatchException">The weights are another model's, or hold NaN; the message lists what is wrong.</exception>
    /// <exception cref="NotSupportedException">The device or number format is not there.</exception>
    public ImageModelTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        PictureBatch.Find(input.Schema, _input);
        _host.WarnOfMissing();
        return new ImageModelTransformer(_host, Options, _input, _output, ImageModelSource.Locate(_task, Options, _host));
    }

    /// <summary>The schema with the columns added.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The input column is missing or holds no pictures.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        PictureBatch.Check(inputSchema, _input);
        return _promised.Aggregate(inputSchema, (shape, column) => column.AddTo(shape, _catalog, _output + column.Suffix));
    }

    /// <exception cref="ArgumentException">A setting makes no sense, or is not one for these models.</exception>
    internal static void Check(FeaturizerOptions options)
    {
        options.Check();
        if (options.KeyPrefix is not null || options.UseTestSize || options.ConfigOverlay is not null)
            throw new ArgumentException($"Models of detection and segmentation have no {nameof(FeaturizerOptions.KeyPrefix)}, no {nameof(FeaturizerOptions.UseTestSize)} and no {nameof(FeaturizerOptions.ConfigOverlay)}; leave them out of the options.", nameof(options));
    }
}
