using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Graphs;

namespace TimmFeatures.Service.Tests;

/// <summary>The managed engine behind a gate: tests decide when a batch is computed, and see which there were.</summary>
internal sealed class GatedEngine : IEngine
{
    private readonly ManagedEngine _engine = new();
    private readonly ManualResetEventSlim _gate = new(true);
    private readonly List<int> _batches = [];

    public string Name => "gated";

    /// <summary>Counts batches that came to the gate.</summary>
    public SemaphoreSlim Entered { get; } = new(0);

    /// <summary>Counts batches that were given up at the gate.</summary>
    public SemaphoreSlim GivenUp { get; } = new(0);

    /// <summary>What happens to values that were computed.</summary>
    public Action<Memory<float>>? Change { get; set; }

    /// <summary>Pictures of each batch that was computed since the gate was last closed.</summary>
    public int[] Batches
    {
        get
        {
            lock (_batches)
                return [.. _batches];
        }
    }

    public void Close()
    {
        lock (_batches)
            _batches.Clear();
        while (Entered.Wait(0))
        {
        }
        _gate.Reset();
    }

    public void Open() => _gate.Set();

    public IPlan Compile(Graph graph, IParameterSource parameters, EngineOptions options) => new Plan(this, _engine.Compile(graph, parameters, options));

    private sealed class Plan(GatedEngine engine, IPlan plan) : IPlan, IMeasuredPlan
    {
        public Graph Graph => plan.Graph;

        public void Run(int batch, ReadOnlySpan<ReadOnlyMemory<float>> inputs, ReadOnlySpan<Memory<float>> outputs, CancellationToken cancellation = default)
        {
            engine.Entered.Release();
            try
            {
                engine._gate.Wait(cancellation);
            }
            catch (OperationCanceledException)
            {
                engine.GivenUp.Release();
                throw;
            }
            lock (engine._batches)
                engine._batches.Add(batch);
            plan.Run(batch, inputs, outputs, cancellation);
            engine.Change?.Invoke(outputs[0]);
        }

        public long MemoryBytes(int batch) => ((IMeasuredPlan)plan).MemoryBytes(batch);

        public void Dispose() => plan.Dispose();
    }
}
