extern alias ModelLoaderStub;

using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.TimmFeatures.Cursors;
using Microsoft.ML.TimmFeatures.Detection;
using Microsoft.ML.TimmFeatures.Detection.Cursors;
using Microsoft.ML.TimmFeatures.Detection.Models;
using Microsoft.ML.TimmFeatures.Detection.Serialization;
using Microsoft.ML.TimmFeatures.Serialization;
using Microsoft.ML.TimmFeatures.Sessions;

[assembly: IgnoresAccessChecksTo("Microsoft.ML.Core")]
[assembly: ModelLoaderStub::Microsoft.ML.LoadableClass(typeof(ImageModelTransformer), null, typeof(ModelLoaderStub::Microsoft.ML.SignatureLoadModel), "torchvision detection and segmentation", ImageModelTransformer.LoaderSignature)]

namespace Microsoft.ML.TimmFeatures.Detection;

/// <summary>Adds what a model of detection or segmentation finds in pictures: the fitted form of <see cref="ObjectDetector"/> and <see cref="ImageSegmenter"/>.</summary>
/// <remarks>
/// <para>Thread safe, as <see cref="FeaturizerTransformer"/> is. A view computes nothing before it is read, reads rows at most two batches ahead, in the background, and computes only
/// the columns that are asked for. Transformers of the same model with the same settings share it.</para>
/// <para>Disposing it gives the model back; views, cursors and prediction engines that were made from it keep their shares and go on, and a transformer that is used again after that opens
/// its model again.</para>
/// </remarks>
public sealed class ImageModelTransformer : IAdjustableTransformer, IDisposable
{
    internal const string LoaderSignature = "TimmImageModel";

    private readonly FeaturizerHost _host;
    private readonly ColumnMapping _columns;
    private readonly ImageModelSource _model;
    private readonly ModelSource<ImageModel> _source;
    private readonly ImmutableArray<ResultColumn> _results;

    /// <summary>Opens the model.</summary>
    /// <param name="host">Log, device, cancellation.</param>
    /// <param name="options">Its name and settings.</param>
    /// <param name="input">The image column.</param>
    /// <param name="output">What the columns' names begin with.</param>
    /// <param name="model">Which model.</param>
    internal ImageModelTransformer(FeaturizerHost host, FeaturizerOptions options, string input, string output, ImageModelSource model)
    {
        _host = host;
        Options = options;
        _model = model;
        OutputColumnName = output;
        _source = new ModelSource<ImageModel>(() => model.Open(options, host));
        using Lease<ImageModel> opened = _source.Take();
        ModelName = opened.Value.Name;
        _results = opened.Value.Columns;
        _columns = new ColumnMapping(input, [.. _results.Select(r => output + r.Suffix)]);
    }

    /// <summary>Model, batch size and so on.</summary>
    public FeaturizerOptions Options { get; }

    /// <summary>torchvision's name of the model, with its tag.</summary>
    public string ModelName { get; }

    /// <summary>The image column.</summary>
    public string InputColumnName => _columns.Input;

    /// <summary>What the columns' names begin with.</summary>
    public string OutputColumnName { get; }

    /// <summary>True: prediction engines can use it.</summary>
    public bool IsRowToRowMapper => true;

    /// <summary>A share of the model, to be disposed by whoever takes it.</summary>
    internal Lease<ImageModel> TakeModel() => _source.Take();

    /// <summary>The schema with the columns added.</summary>
    /// <exception cref="ArgumentException">The input column is missing or holds no pictures.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => Bind(inputSchema).Schema;

    /// <summary>A view with the columns added. Nothing is computed before it is read, and only the columns that are asked for.</summary>
    /// <exception cref="ArgumentException">The input column is missing or holds no pictures.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new FeaturizedView(input, Bind(input.Schema), new ImageModelRows(_source, Options), _host);
    }

    /// <summary>Computes row by row, for prediction engines.</summary>
    /// <exception cref="ArgumentException">The input column is missing or holds no pictures.</exception>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => new FeaturizedRowMapper(Bind(inputSchema), new ImageModelRows(_source, Options), _host);

    /// <summary>The same model with other settings: another device, number format, batch size, number of threads, image folder and so on.</summary>
    /// <param name="options">This transformer's <see cref="Options"/> with changes; model, weights and image size have to be the same.</param>
    /// <exception cref="ArgumentException">Model, weights or image size are others, or a setting makes no sense.</exception>
    /// <exception cref="NotSupportedException">The device or number format is not there.</exception>
    public ImageModelTransformer With(FeaturizerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ImageModelEstimator.Check(options);
        if ((options.ModelName, options.WeightsPath, options.RandomWeights, options.ImageSize) != (Options.ModelName, Options.WeightsPath, Options.RandomWeights, Options.ImageSize))
            throw new ArgumentException($"Model, weights and image size of a transform that is made stay as they are (model '{Options.ModelName}', weights '{Options.WeightsPath}', image size {Options.ImageSize?.ToString(CultureInfo.InvariantCulture) ?? "the model's own"}); make another for others.", nameof(options));
        return new ImageModelTransformer(_host, options, InputColumnName, OutputColumnName, _model);
    }

    ITransformer IAdjustableTransformer.With(FeaturizerOptions options) => With(options);

    /// <summary>Gives the model back. Can be called more than once; a transformer that is used again opens its model again.</summary>
    public void Dispose() => _source.Dispose();

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ArgumentNullException.ThrowIfNull(ctx);
        using Lease<ImageModel> model = _source.Take();
        BinaryWriter writer = ModelInternals.BeginSave(ctx, ImageModelFormat.FormatName, LoaderSignature, typeof(ImageModelTransformer).Assembly);
        ImageModelFormat.Write(writer, Options, InputColumnName, OutputColumnName, _model.Task, model.Value);
    }

    /// <summary>Called by ML.NET when a saved model is loaded.</summary>
    internal static ImageModelTransformer Create(IHostEnvironment env, object ctx) => SavedModel.Load(env, ctx, ImageModelFormat.Read);

    private FeaturizedSchema Bind(DataViewSchema input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new FeaturizedSchema(input, [_columns], [.. _results.Select(r => r.ToColumn())], PictureBatch.Find);
    }
}
