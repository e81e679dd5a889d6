using System.Collections.Concurrent;
using System.Diagnostics;
using Backbones;
using Backbones.Imaging;
using TimmFeatures.Service.Telemetry;

namespace TimmFeatures.Service.Backends;

/// <summary>
/// One kind of features of one model: pictures of all requests are decoded in parallel, and a thread of its own computes those that are ready, as many as a batch may have. While it computes, the
/// next batch gathers; where it is idle it waits only for pictures that are already being decoded, so that a lone request never waits.
/// </summary>
internal sealed class BatchLane : IDisposable
{
    /// <summary>What the buffers of a batch may take: features of many values are computed a few pictures at a time.</summary>
    private const long MaxBatchBytes = 256 << 20;

    private readonly object _gate = new();
    private readonly Queue<PendingPicture> _ready = [];
    private readonly ConcurrentBag<float[]> _spare = [];
    private readonly string _name;
    private readonly FeatureExtractor _extractor;
    private readonly LocalBackendOptions _options;
    private readonly SemaphoreSlim _decoders;
    private readonly SemaphoreSlim _slots;
    private readonly ServiceMetrics _metrics;
    private readonly int _inputLength;
    private readonly int[] _lengths;
    private readonly int _maxBatch;
    private float[]? _input;
    private float[][]? _outputs;
    private int _coming;
    private bool _started;
    private bool _closed;

    /// <param name="name">What the model is called in metrics.</param>
    /// <param name="layout">The outputs as clients know them.</param>
    /// <param name="extractor">Owned by the lane.</param>
    /// <param name="options">Batch and wait.</param>
    /// <param name="decoders">Shared by all lanes: pictures that are decoded at once.</param>
    /// <param name="metrics">Gets times and counts.</param>
    public BatchLane(string name, FeatureLayout layout, FeatureExtractor extractor, LocalBackendOptions options, SemaphoreSlim decoders, ServiceMetrics metrics)
    {
        (_name, _extractor, _options, _decoders, _metrics) = (name, extractor, options, decoders, metrics);
        Layout = layout;
        _inputLength = checked((int)extractor.InputShape.Length);
        _lengths = [.. extractor.Outputs.Select(o => checked((int)o.Shape.Length))];
        _maxBatch = (int)Math.Clamp(MaxBatchBytes / (sizeof(float) * (_inputLength + 2 * Layout.Length)), 1, options.MaxBatch);
        _slots = new SemaphoreSlim(2 * _maxBatch);
    }

    public FeatureLayout Layout { get; }

    /// <summary>The compiled weights, the memory of a run, and the buffers of two batches.</summary>
    public long MemoryBytes => (_extractor.MemoryBytes(_maxBatch) ?? 0) + sizeof(float) * _maxBatch * (3L * _inputLength + 2 * Layout.Length);

    /// <summary>Begins to work. Until then nothing may be computed.</summary>
    public void Start()
    {
        _started = true;
        new Thread(Work) { IsBackground = true, Name = $"batches of {_name}" }.Start();
    }

    /// <inheritdoc cref="IFeatureBackend.ComputeAsync"/>
    public async Task<PictureFeatures> ComputeAsync(ReadOnlyMemory<byte> picture, CancellationToken cancellation)
    {
        var pending = new PendingPicture(cancellation);
        lock (_gate)
            _coming++;
        try
        {
            // Whoever sends several pictures announces them all before the first is decoded.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            await _slots.WaitAsync(cancellation);
            try
            {
                pending.Input = await DecodeAsync(picture, cancellation);
            }
            catch
            {
                _slots.Release();
                throw;
            }
        }
        catch (Exception e)
        {
            Arrive(null);
            _metrics.Picture(_name, e is OperationCanceledException ? "cancelled" : "unreadable");
            throw;
        }
        pending.Queued = Stopwatch.GetTimestamp();
        Arrive(pending);
        using (cancellation.UnsafeRegister(static p => ((PendingPicture)p!).Cancel(), pending))
            return await pending.Result;
    }

    /// <summary>Ends the thread, after what is waiting; then frees the model.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }
        if (!_started)
            _extractor.Dispose();
    }

    private async Task<float[]> DecodeAsync(ReadOnlyMemory<byte> picture, CancellationToken cancellation)
    {
        await _decoders.WaitAsync(cancellation);
        try
        {
            using Activity? activity = _metrics.Activities.StartActivity("decode");
            activity?.SetTag("picture.bytes", picture.Length);
            long start = Stopwatch.GetTimestamp();
            _metrics.PictureBytes(_name, picture.Length);
            if (!_spare.TryTake(out float[]? input))
                input = GC.AllocateUninitializedArray<float>(_inputLength);
            try
            {
                ImageHeader.Read(picture.Span, _options.MaxPixels);
                _extractor.Transform.ApplyEncoded(picture, input, _options.Exif);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                _spare.Add(input);
                throw new ServiceProblemException(422, e.Message.Length > 0 ? e.Message : $"The image cannot be read ({e.GetType().Name}).");
            }
            _metrics.Stage(_name, "decode", start);
            return input;
        }
        finally
        {
            _decoders.Release();
        }
    }

    /// <summary>A picture is no longer on its way: it is ready, or does not come.</summary>
    private void Arrive(PendingPicture? pending)
    {
        lock (_gate)
        {
            _coming--;
            if (pending is not null)
                _ready.Enqueue(pending);
            Monitor.PulseAll(_gate);
        }
    }

    private void Work()
    {
        var batch = new List<PendingPicture>(_maxBatch);
        while (Take(batch))
            Compute(batch);
        _extractor.Dispose();
    }

    /// <summary>Waits for the next batch; false when there are no more.</summary>
    private bool Take(List<PendingPicture> batch)
    {
        batch.Clear();
        lock (_gate)
        {
            while (batch.Count == 0)
            {
                while (_ready.Count == 0)
                {
                    if (_closed)
                        return false;
                    Monitor.Wait(_gate);
                }
                for (long start = Stopwatch.GetTimestamp(); _ready.Count < _maxBatch && _coming > 0 && _options.MaxWait - Stopwatch.GetElapsedTime(start) is { Ticks: > 0 } rest;)
                    Monitor.Wait(_gate, rest);
                while (batch.Count < _maxBatch && _ready.TryDequeue(out PendingPicture? next))
                {
                    if (!next.IsCancelled)
                        batch.Add(next);
                    else
                        Drop(next);
                }
            }
            return true;
        }
    }

    private void Drop(PendingPicture pending)
    {
        GiveBack(pending);
        _metrics.Picture(_name, "cancelled");
    }

    /// <summary>The picture's input is used, or of no use any more.</summary>
    private void GiveBack(PendingPicture pending)
    {
        if (pending.Input is { } input)
        {
            pending.Input = null;
            _spare.Add(input);
            _slots.Release();
        }
    }

    private void Compute(List<PendingPicture> batch)
    {
        var run = new RunningBatch(batch.Count);
        using Activity? activity = _metrics.Activities.StartActivity(ActivityKind.Internal, name: "compute", parentContext: default, links: batch.Where(p => p.Request != default).Select(p => new ActivityLink(p.Request)));
        activity?.SetTag("model", _name).SetTag("batch.size", batch.Count);
        try
        {
            ReadOnlyMemory<float> input = Gather(batch);
            foreach (PendingPicture pending in batch)
            {
                pending.Join(run);
                _metrics.Stage(_name, "wait", pending.Queued);
            }
            _outputs ??= [.. _lengths.Select(l => GC.AllocateUninitializedArray<float>(_maxBatch * l))];
            long start = Stopwatch.GetTimestamp();
            _extractor.Run(batch.Count, input, [.. _outputs.Select((o, i) => o.AsMemory(0, batch.Count * _lengths[i]))], run.Cancellation);
            _metrics.Stage(_name, "compute", start);
            _metrics.Batch(_name, batch.Count);
            for (int i = 0; i < batch.Count; i++)
                Finish(batch[i], i);
        }
        catch (OperationCanceledException) when (run.Cancellation.IsCancellationRequested)
        {
            foreach (PendingPicture pending in batch)
                _metrics.Picture(_name, "cancelled");
        }
        catch (Exception e)
        {
            activity?.SetStatus(ActivityStatusCode.Error, e.Message);
            foreach (PendingPicture pending in batch)
            {
                pending.Fail(e);
                _metrics.Picture(_name, "failed");
            }
        }
        finally
        {
            foreach (PendingPicture pending in batch)
                GiveBack(pending);
        }
    }

    /// <summary>The inputs one after the other. A single one is taken where it lies.</summary>
    private ReadOnlyMemory<float> Gather(List<PendingPicture> batch)
    {
        if (batch is [{ Input: { } single }])
            return single;
        _input ??= GC.AllocateUninitializedArray<float>(_maxBatch * _inputLength);
        for (int i = 0; i < batch.Count; i++)
        {
            batch[i].Input!.CopyTo(_input, i * _inputLength);
            GiveBack(batch[i]);
        }
        return _input.AsMemory(0, batch.Count * _inputLength);
    }

    private void Finish(PendingPicture pending, int index)
    {
        var features = new PictureFeatures((int)Layout.Length);
        Span<float> values = features.Values.Span;
        for (int i = 0; i < _lengths.Length; i++)
        {
            _outputs![i].AsSpan(index * _lengths[i], _lengths[i]).CopyTo(values);
            values = values[_lengths[i]..];
        }
        bool taken = pending.Succeed(features);
        _metrics.Picture(_name, taken ? "ok" : "cancelled");
        if (!taken)
            features.Dispose();
    }
}
