using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Backbones;
using TimmFeatures.Extraction.Images;

namespace TimmFeatures.Extraction;

/// <summary>
/// Computes features on several threads, each of which decodes a batch of images and runs the engine on it alone: no core waits for another's part of a layer, and results do not depend on
/// the number of threads. Batches are handed over in order.
/// </summary>
/// <param name="extractor">Compiled for one thread of the CPU, or for a device that serves all threads.</param>
/// <param name="images">All images.</param>
/// <param name="batch">Images of a batch.</param>
/// <param name="threads">Number of threads.</param>
/// <param name="exif">Turn images by their EXIF data.</param>
internal sealed class BatchWorkers(FeatureExtractor extractor, IReadOnlyList<ImageItem> images, int batch, int threads, bool exif)
{
    private readonly Lock _claim = new();
    private readonly object _gate = new();
    private readonly ConcurrentBag<ComputedBatch> _spare = [];
    private readonly Dictionary<int, ComputedBatch> _waiting = [];
    private readonly int _inputLength = checked((int)extractor.InputShape.Length);
    private readonly int[] _lengths = [.. extractor.Outputs.Select(o => checked((int)o.Shape.Length))];
    private Action<ComputedBatch> _deliver = _ => { };
    private int _next, _end, _turn;
    private ExceptionDispatchInfo? _failure;

    /// <summary>Computes a range of images.</summary>
    /// <param name="first">The first.</param>
    /// <param name="end">The one after the last.</param>
    /// <param name="deliver">Gets the batches in order, one at a time; what it throws ends the work.</param>
    /// <param name="cancellation">Ends the work between two images or layers.</param>
    public void Run(int first, int end, Action<ComputedBatch> deliver, CancellationToken cancellation)
    {
        (_next, _end, _turn, _deliver) = (first, end, first, deliver);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Thread[] workers = [.. Enumerable.Range(0, Math.Clamp((end - first + batch - 1) / batch, 1, threads)).Select(i => new Thread(() => Work(stop)) { Name = $"extract {i}", IsBackground = true })];
        foreach (Thread worker in workers)
            worker.Start();
        foreach (Thread worker in workers)
            worker.Join();
        _failure?.Throw();
        cancellation.ThrowIfCancellationRequested();
    }

    private void Work(CancellationTokenSource stop)
    {
        try
        {
            var input = GC.AllocateUninitializedArray<float>(checked(batch * _inputLength));
            float[][] outputs = [.. _lengths.Select(l => GC.AllocateUninitializedArray<float>(checked(batch * l)))];
            while (TryClaim(out int first, out int count))
            {
                if (!_spare.TryTake(out ComputedBatch? computed))
                    computed = new ComputedBatch(batch, _lengths.Sum());
                (computed.First, computed.Count) = (first, count);
                Compute(computed, input, outputs, stop.Token);
                Deliver(computed, stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Either everybody is told to end, or whoever failed says why.
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(e), null);
            stop.Cancel();
        }
        finally
        {
            lock (_gate)
                Monitor.PulseAll(_gate);
        }
    }

    private bool TryClaim(out int first, out int count)
    {
        lock (_claim)
        {
            first = _next;
            count = Math.Min(batch, _end - first);
            _next += count;
            return count > 0;
        }
    }

    private void Compute(ComputedBatch computed, float[] input, float[][] outputs, CancellationToken cancellation)
    {
        int good = 0;
        for (int slot = 0; slot < computed.Count; slot++)
        {
            cancellation.ThrowIfCancellationRequested();
            computed.Error(slot) = TryDecode(images[computed.First + slot], input.AsSpan(good * _inputLength, _inputLength));
            if (computed.Error(slot) is null)
                good++;
        }
        if (good == 0)
            return;
        extractor.Run(good, input.AsMemory(0, good * _inputLength), [.. outputs.Select((o, i) => o.AsMemory(0, good * _lengths[i]))], cancellation);
        for (int slot = 0, at = 0; slot < computed.Count; slot++)
        {
            if (computed.Error(slot) is not null)
                continue;
            for (int i = 0, offset = 0; i < outputs.Length; offset += _lengths[i++])
                outputs[i].AsSpan(at * _lengths[i], _lengths[i]).CopyTo(computed.Values(slot)[offset..]);
            at++;
        }
    }

    private string? TryDecode(ImageItem image, Span<float> target)
    {
        try
        {
            image.Apply(extractor.Transform, target, exif);
            return null;
        }
        catch (Exception e) when (e is not (OperationCanceledException or OutOfMemoryException))
        {
            return e.Message.Length == 0 ? e.GetType().Name : WithoutPlace(e.Message, image);
        }
    }

    /// <summary>A message that is the same on every machine, wherever its paths start from: .NET names a missing file by its full path.</summary>
    private static string WithoutPlace(string message, ImageItem image) => image.Source.File is not { Length: > 0 } file ? message
        : message.Replace(Path.GetFullPath(file), image.Name, StringComparison.Ordinal).Replace($"'{file}'", $"'{image.Name}'", StringComparison.Ordinal);

    private void Deliver(ComputedBatch computed, CancellationToken cancellation)
    {
        lock (_gate)
        {
            _waiting.Add(computed.First, computed);
            while (_waiting.Remove(_turn, out ComputedBatch? next))
            {
                _deliver(next);
                _turn += next.Count;
                _spare.Add(next);
                Monitor.PulseAll(_gate);
            }
            // A batch that takes long must not let the others' results pile up.
            while (_waiting.Count > 2 * threads && !cancellation.IsCancellationRequested)
                Monitor.Wait(_gate, TimeSpan.FromSeconds(1));
        }
        cancellation.ThrowIfCancellationRequested();
    }
}
