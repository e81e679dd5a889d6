using Backbones;
using Backbones.Engines;
using Backbones.Imaging;
using Backbones.Registry;
using TimmFeatures.Extraction.Images;

namespace TimmFeatures.Extraction;

/// <summary>Which features of which model, and what computes them.</summary>
internal sealed record FeatureRequest(string Model, BackboneOptions Backbone, FeatureSelection Selection, DeviceEngine Engine, int Threads, int? Batch, bool Exif);

/// <summary>An open model with what is wanted of it: for one part of the images after another. Its parts may be computed at once.</summary>
internal sealed class ExtractionModel : IDisposable
{
    /// <summary>Images computed together, and memory for their values, unless said otherwise.</summary>
    private const int AutoBatch = 16, AutoBytes = 64 << 20;

    private readonly FeatureRequest _request;
    private readonly Backbone _backbone;
    private readonly SelectedFeatures _selected;
    private readonly Lazy<FeatureExtractor> _extractor;

    /// <exception cref="ArgumentException">There is no such model, it has no such features, or its inputs are no pictures.</exception>
    public ExtractionModel(FeatureRequest request)
    {
        _request = request;
        _backbone = Backbone.Create(request.Model, request.Backbone);
        _selected = _backbone.Select(request.Selection);
        // Of an input that no picture becomes every picture would be called unreadable.
        _ = new ImageTransform(_backbone.TransformOptions);
        // Every thread runs the engine alone; a device serves them all.
        int threads = request.Engine.Device == "cpu" ? 1 : request.Threads;
        _extractor = new Lazy<FeatureExtractor>(() => _backbone.Extract(_selected, request.Engine.Engine, new EngineOptions { Threads = threads, Precision = request.Engine.Precision }));
    }

    /// <summary>What decides the values.</summary>
    /// <param name="images">Number of images, of all parts together.</param>
    /// <param name="imagesSha256">SHA-256 over their names.</param>
    public ExtractionSettings SettingsOf(int images, string imagesSha256) => new(ExtractionSettings.ToolVersion, _backbone.Name,
        _request.Backbone.RandomWeights ? ExtractionSettings.RandomWeights : _backbone.Parameters.ContentHash, _request.Selection, _backbone.TransformOptions,
        _request.Backbone.UseTestSize, _request.Exif, _request.Engine.Engine.Name, PrecisionName.Of(_request.Engine.Precision), FeatureColumns.Of(_request.Selection, _selected), images, imagesSha256,
        ModelArgs.Of(_backbone.Config)?.ToJsonString());

    /// <summary>Computes a range of images.</summary>
    /// <param name="images">Images.</param>
    /// <param name="first">The first of the range, which goes to the last.</param>
    /// <param name="deliver">Gets the batches in order, one at a time; what it throws ends the work.</param>
    /// <param name="cancellation">Ends the work between two images or layers.</param>
    public void Compute(IReadOnlyList<ImageItem> images, int first, Action<ComputedBatch> deliver, CancellationToken cancellation)
    {
        FeatureExtractor extractor = _extractor.Value;
        new BatchWorkers(extractor, images, BatchOf(extractor, images.Count - first), _request.Threads, _request.Exif).Run(first, images.Count, deliver, cancellation);
    }

    public void Dispose()
    {
        if (_extractor.IsValueCreated)
            _extractor.Value.Dispose();
        _backbone.Dispose();
    }

    /// <summary>As many images as suit their size, and no more than leave work for every thread.</summary>
    private int BatchOf(FeatureExtractor extractor, int count)
    {
        long values = extractor.InputShape.Length + 2 * extractor.Outputs.Sum(o => o.Shape.Length);
        int batch = _request.Batch ?? (int)Math.Clamp(AutoBytes / (values * sizeof(float)), 1, AutoBatch);
        return Math.Clamp((count + _request.Threads - 1) / _request.Threads, 1, batch);
    }
}
