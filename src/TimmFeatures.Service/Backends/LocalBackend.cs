using Backbones;
using Backbones.Engines;
using Backbones.Graphs;
using Backbones.Registry;
using Backbones.Weights;
using TimmFeatures.Service.Telemetry;

namespace TimmFeatures.Service.Backends;

/// <summary>Computes in this process.</summary>
internal sealed class LocalBackend : IFeatureBackend
{
    private readonly LocalBackendOptions _options;
    private readonly DeviceEngine _engine;
    private readonly ServiceMetrics _metrics;
    private readonly PlanCache _plans;
    private readonly SemaphoreSlim _decoders = new(Environment.ProcessorCount);
    // Used by whoever loads, and that is one at a time.
    private readonly Dictionary<string, Backbone> _backbones = new(StringComparer.Ordinal);

    /// <exception cref="ArgumentException">No model is to be served, or two under one name.</exception>
    public LocalBackend(LocalBackendOptions options, ServiceMetrics metrics)
    {
        if (options.Models.Count == 0 && !options.AnyModel)
            throw new ArgumentException("No model is to be served; name one or more.", nameof(options));
        if (options.Models.CountBy(m => m.Name, StringComparer.Ordinal).FirstOrDefault(c => c.Value > 1).Key is { } twice)
            throw new ArgumentException($"Two models are to be served as '{twice}'; every name is for one.", nameof(options));
        _options = options;
        Models = [.. options.Models.Select(m => m.Name)];
        _engine = options.Engine ?? EngineProvider.For("cpu");
        _metrics = metrics;
        _plans = new PlanCache(options.Memory > 0 ? options.Memory : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2);
        metrics.Observe(() => _plans.Count, () => _plans.UsedBytes, _plans.Budget);
    }

    /// <summary>What is loaded.</summary>
    internal PlanCache Plans => _plans;

    /// <inheritdoc/>
    public IReadOnlyList<string> Models { get; }

    /// <summary>Loads every model for pooled features and computes one picture with it: a wrong one shows now, and nobody's request waits for it.</summary>
    public async Task StartAsync(CancellationToken cancellation)
    {
        foreach (ServedModel model in _options.Models)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                using PlanCache.LaneShare share = await ShareAsync(new FeatureQuery(model.Name, FeatureSelection.Pooled()), cancellation);
            }
            catch (ServiceProblemException e)
            {
                throw new NotSupportedException(e.Message, e);
            }
        }
    }

    /// <inheritdoc/>
    public async Task<FeatureLayout> OpenAsync(FeatureQuery query, CancellationToken cancellation)
    {
        using PlanCache.LaneShare share = await ShareAsync(query, cancellation);
        return share.Lane.Layout;
    }

    /// <inheritdoc/>
    public async Task<PictureFeatures> ComputeAsync(FeatureQuery query, ReadOnlyMemory<byte> picture, CancellationToken cancellation)
    {
        using PlanCache.LaneShare share = await ShareAsync(query, cancellation);
        return await share.Lane.ComputeAsync(picture, cancellation);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _plans.Dispose();
        foreach (Backbone backbone in _backbones.Values)
            backbone.Dispose();
        return ValueTask.CompletedTask;
    }

    private ValueTask<PlanCache.LaneShare> ShareAsync(FeatureQuery query, CancellationToken cancellation) => _plans.GetAsync(query, Load, cancellation);

    private BatchLane Load(FeatureQuery query, PlanCache.Room room)
    {
        Backbone backbone = Open(query.Model, out bool isListed);
        try
        {
            SelectedFeatures selected = Select(backbone, query.Selection);
            // Before anything is compiled: what is far too large is refused for nothing.
            room.Require(selected.Graph.Parameters.Sum(p => p.Shape.Length) * sizeof(float));
            FeatureExtractor extractor = backbone.Extract(selected, _engine.Engine, new EngineOptions { Threads = _options.Threads, Precision = _engine.Precision });
            try
            {
                EnsureTakesPictures(extractor);
                var lane = new BatchLane(query.Model, OutputsNamed(extractor, query.Selection), extractor, _options, _decoders, _metrics);
                room.Require(lane.MemoryBytes);
                extractor.Run(1, new float[checked((int)extractor.InputShape.Length)]);
                _metrics.Load(query.Model);
                return lane;
            }
            catch
            {
                extractor.Dispose();
                throw;
            }
        }
        finally
        {
            if (!isListed)
                backbone.Dispose();
        }
    }

    private static void EnsureTakesPictures(FeatureExtractor extractor)
    {
        try
        {
            _ = extractor.Transform;
        }
        catch (ArgumentException e)
        {
            throw new ServiceProblemException(422, Sentences.Of(e), "model");
        }
    }

    private static FeatureLayout OutputsNamed(FeatureExtractor extractor, FeatureSelection selection)
        => new([.. extractor.Outputs.Select(o => o with { Name = OutputNames.Of(selection, o) })]);

    private static SelectedFeatures Select(Backbone backbone, FeatureSelection selection)
    {
        try
        {
            SelectedFeatures selected = backbone.Select(selection);
            backbone.Parameters.EnsureHas(selected.Graph.Parameters);
            return selected;
        }
        catch (Exception e) when (SelectionFields.IsRefusal(e))
        {
            throw new ServiceProblemException(422, Sentences.Of(e), SelectionFields.AtFault(backbone, selection));
        }
    }

    /// <summary>The weights of a model that is served. Those of listed ones stay open; files are mapped and take no memory of their own.</summary>
    private Backbone Open(string name, out bool isListed)
    {
        ServedModel? model = _options.Models.FirstOrDefault(m => m.Name == name);
        isListed = model is not null;
        if (_backbones.TryGetValue(name, out Backbone? backbone))
            return backbone;
        if (model is null)
            return OpenAny(name);
        backbone = Backbone.Create(model.Model, _options.Backbone);
        _backbones.Add(name, backbone);
        return backbone;
    }

    private Backbone OpenAny(string name)
    {
        if (!_options.AnyModel)
        {
            throw new ServiceProblemException(404, $"The model '{name}' is not served here.{NearestName.Suggest(name, Models)} Served are {string.Join(", ", Models.Select(m => $"'{m}'"))}.", "model");
        }
        try
        {
            // Names of the registry only: no folder of this machine and no repository that a client chooses.
            return Backbone.Create(ModelNames.GetConfig(name).Name, _options.Backbone);
        }
        catch (Exception e) when (e is ArgumentException or IOException or WeightsFormatException or ParameterMismatchException or GraphException)
        {
            throw new ServiceProblemException(404, Sentences.Of(e), "model");
        }
    }
}
