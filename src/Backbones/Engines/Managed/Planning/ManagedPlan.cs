using System.Buffers;
using System.Diagnostics;
using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <summary>A graph compiled for the managed engine: steps in order, and the memory they need for each batch item.</summary>
internal sealed unsafe class ManagedPlan : IPlan, IMeasuredPlan
{
    /// <summary>Most items of one pass through all segments; larger batches run in several, so that memory stays bounded.</summary>
    private const int MaxPass = 32;

    private readonly PlannedStep[] _steps;
    private readonly IDisposable[] _resources;
    private readonly WorkerPool _pool;
    private readonly Segment[] _segments;
    private readonly long _batchItemSize;
    private readonly long _workerScratch;
    private readonly Lock _gate = new();
    private readonly IdleContexts _idle = new();
    private int _active;
    private bool _disposed;

    public ManagedPlan(Graph graph, PlannedStep[] steps, Segment[] segments, long batchItemSize, IDisposable[] resources, WorkerPool pool)
    {
        Graph = graph;
        _steps = steps;
        _segments = segments;
        _batchItemSize = batchItemSize;
        _resources = resources;
        _pool = pool;
        foreach (PlannedStep step in steps)
            _workerScratch = Math.Max(_workerScratch, step.Step.WorkerScratch);
    }

    public Graph Graph { get; }

    /// <summary>The steps, in the order of execution.</summary>
    internal ReadOnlySpan<PlannedStep> Steps => _steps;

    /// <summary>Contexts of runs that have ended which still hold memory.</summary>
    internal int IdleContexts
    {
        get
        {
            lock (_gate)
                return _idle.Count;
        }
    }

    public long MemoryBytes(int batch)
    {
        int pass = Math.Min(batch, MaxPass);
        long floats = SliceArena(pass) + _batchItemSize * pass + SharedScratch(pass) + _workerScratch * _pool.Threads;
        return checked(floats * sizeof(float)) + _resources.OfType<NativeArena>().Sum(a => a.Used);
    }

    /// <summary>Where set, gets the time of each step added (in ticks of <see cref="Stopwatch"/>): for measurements, one run at a time.</summary>
    internal long[]? StepTimes { get; set; }

    public void Run(int batch, ReadOnlySpan<ReadOnlyMemory<float>> inputs, ReadOnlySpan<Memory<float>> outputs, CancellationToken cancellation = default)
    {
        PlanArguments.Check(Graph, batch, inputs, outputs);
        RunContext context = Rent(Math.Min(batch, MaxPass));
        try
        {
            RunPinned(context, batch, inputs, outputs, cancellation);
        }
        finally
        {
            GiveBack(context);
        }
    }

    /// <summary>Frees weights and memory, after the runs that are under way.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            if (_active == 0)
                Free();
        }
    }

    private void RunPinned(RunContext context, int batch, ReadOnlySpan<ReadOnlyMemory<float>> inputs, ReadOnlySpan<Memory<float>> outputs, CancellationToken cancellation)
    {
        MemoryHandle[] pins = context.Pins;
        int pinned = 0;
        try
        {
            foreach (ReadOnlyMemory<float> input in inputs)
                pins[pinned++] = input.Pin();
            foreach (Memory<float> output in outputs)
                pins[pinned++] = output.Pin();
            for (int first = 0; first < batch; first += MaxPass)
            {
                context.SetPass(Math.Min(MaxPass, batch - first));
                for (int i = 0; i < inputs.Length; i++)
                    context.SetInput(i, (float*)pins[i].Pointer + first * Graph.Inputs[i].Shape.Length);
                for (int i = 0; i < outputs.Length; i++)
                    context.SetOutput(i, (float*)pins[inputs.Length + i].Pointer + first * Graph.Outputs[i].Shape.Length);
                RunPass(context, Math.Min(MaxPass, batch - first), cancellation);
            }
        }
        finally
        {
            while (pinned > 0)
            {
                pins[--pinned].Dispose();
                pins[pinned] = default;
            }
        }
    }

    private void RunPass(RunContext context, int batch, CancellationToken cancellation)
    {
        foreach (Segment segment in _segments)
        {
            for (int first = 0; first < batch; first += segment.Slice)
            {
                context.SetSlice(first, Math.Min(segment.Slice, batch - first));
                for (int i = segment.First; i < segment.End; i++)
                {
                    cancellation.ThrowIfCancellationRequested();
                    long start = StepTimes is null ? 0 : Stopwatch.GetTimestamp();
                    _steps[i].Step.Execute(context);
                    if (StepTimes is { } times)
                        times[i] += Stopwatch.GetTimestamp() - start;
                }
            }
        }
    }

    private RunContext Rent(int batch)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _active++;
            if (_idle.Take(batch) is { } context)
                return context;
        }
        try
        {
            return MakeContext(batch);
        }
        catch
        {
            GiveBack(null);
            throw;
        }
    }

    private RunContext MakeContext(int batch)
        => new(_pool, batch, SliceArena(batch), checked(_batchItemSize * batch), SharedScratch(batch), _workerScratch, Graph.Inputs.Length, Graph.Outputs.Length);

    private long SliceArena(int batch)
    {
        long most = 0;
        foreach (Segment segment in _segments)
            most = Math.Max(most, segment.ItemSize * Math.Min(segment.Slice, batch));
        return most;
    }

    private long SharedScratch(int batch)
    {
        long most = 0;
        foreach (PlannedStep step in _steps)
            most = Math.Max(most, step.Step.SharedScratch(batch));
        return most;
    }

    private void GiveBack(RunContext? context)
    {
        lock (_gate)
        {
            if (context is not null)
                _idle.Add(context);
            if (--_active == 0 && _disposed)
                Free();
        }
    }

    private void Free()
    {
        _idle.Free();
        foreach (IDisposable resource in _resources)
            resource.Dispose();
    }
}
