using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace TimmFeatures.Service.Telemetry;

/// <summary>What the service counts and traces, under OpenTelemetry's kind of names.</summary>
internal sealed class ServiceMetrics : IDisposable
{
    /// <summary>The meter's and the activity source's name.</summary>
    public const string Name = "TimmFeatures.Service";

    private readonly Meter _meter = new(Name);
    private readonly Counter<long> _pictures;
    private readonly Counter<long> _bytes;
    private readonly Counter<long> _loads;
    private readonly Histogram<int> _batch;
    private readonly Histogram<double> _seconds;

    public ServiceMetrics()
    {
        _pictures = _meter.CreateCounter<long>("timm_features.pictures", description: "Pictures by what became of them.");
        _bytes = _meter.CreateCounter<long>("timm_features.picture_bytes", "By", "Encoded bytes of pictures.");
        _loads = _meter.CreateCounter<long>("timm_features.loads", description: "Models compiled for a kind of features, from the start on.");
        _batch = _meter.CreateHistogram("timm_features.batch_size", description: "Pictures computed together.", advice: new InstrumentAdvice<int> { HistogramBucketBoundaries = [1, 2, 4, 8, 12, 16, 24, 32, 64, 128] });
        _seconds = _meter.CreateHistogram("timm_features.stage_duration", "s", "Seconds of a picture's decoding and waiting, and of a batch's computing.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] });
    }

    /// <summary>Traces: <c>decode</c> of a picture, below its request, and <c>compute</c> of a batch, linked to the requests in it.</summary>
    public ActivitySource Activities { get; } = new(Name);

    /// <summary>Values that are asked for when somebody looks.</summary>
    public void Observe(Func<int> picturesUnderWay, Func<long> bodyBytes)
    {
        _meter.CreateObservableGauge("timm_features.pictures_under_way", picturesUnderWay, description: "Pictures that are not answered yet.");
        _meter.CreateObservableGauge("timm_features.body_bytes", bodyBytes, "By", "Bytes of request bodies that are held.");
    }

    /// <inheritdoc cref="Observe(Func{int}, Func{long})"/>
    public void Observe(Func<int> loaded, Func<long> bytes, long budget)
    {
        _meter.CreateObservableGauge("timm_features.models_loaded", loaded, description: "Models that are compiled, each kind of features by itself.");
        _meter.CreateObservableGauge("timm_features.model_memory", bytes, "By", "Memory of loaded models.");
        _meter.CreateObservableGauge("timm_features.model_memory_limit", () => budget, "By", "What loaded models may take.");
    }

    public void Picture(string model, string outcome) => _pictures.Add(1, new("model", model), new("outcome", outcome));

    public void PictureBytes(string model, int bytes) => _bytes.Add(bytes, new KeyValuePair<string, object?>("model", model));

    public void Load(string model) => _loads.Add(1, new KeyValuePair<string, object?>("model", model));

    public void Batch(string model, int pictures) => _batch.Record(pictures, new KeyValuePair<string, object?>("model", model));

    /// <summary>A stage's time, from a timestamp of <see cref="Stopwatch"/> until now.</summary>
    public void Stage(string model, string stage, long start) => _seconds.Record(Stopwatch.GetElapsedTime(start).TotalSeconds, new("model", model), new("stage", stage));

    public void Dispose()
    {
        Activities.Dispose();
        _meter.Dispose();
    }
}
