using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Backbones.Engines;
using Backbones.Graphs;

namespace Microsoft.ML.TimmFeatures.Tests.Support;

/// <summary>The default engine, and a record of what it is asked to do. Device <c>counting:N</c> is one of its own for every N.</summary>
internal sealed class CountingEngine : IEngine
{
    private static readonly ConcurrentDictionary<int, CountingEngine> s_engines = new();
    private static int s_last;
    private readonly Lock _gate = new();

    public string Name => "counting";

    /// <summary>Rows of every run.</summary>
    public List<int> Batches { get; } = [];

    /// <summary>Names of the output nodes of every compiled graph.</summary>
    public List<string[]> Compiled { get; } = [];

    /// <summary>Nodes of every compiled graph.</summary>
    public List<int> NodeCounts { get; } = [];

    /// <summary>Called before every run.</summary>
    public Action? OnRun { get; set; }

    /// <summary>Plans that were compiled and not disposed.</summary>
    public int OpenPlans { get; private set; }

    /// <summary>A new one, and the name of its device.</summary>
    public static CountingEngine Create(out string device)
    {
        int index = Interlocked.Increment(ref s_last);
        device = $"counting:{index}";
        return s_engines[index] = new CountingEngine();
    }

    public IPlan Compile(Graph graph, IParameterSource parameters, EngineOptions options)
    {
        lock (_gate)
        {
            Compiled.Add([.. graph.Outputs.Select(o => o.Name)]);
            NodeCounts.Add(graph.Nodes.Length);
            OpenPlans++;
        }
        return new Plan(this, DefaultEngine.Instance.Compile(graph, parameters, options));
    }

    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "As an assembly with an engine does.")]
    internal static void Register() => EngineProvider.Register(new Factory());

    private sealed class Plan(CountingEngine engine, IPlan inner) : IPlan
    {
        public Graph Graph => inner.Graph;

        public void Run(int batch, ReadOnlySpan<ReadOnlyMemory<float>> inputs, ReadOnlySpan<Memory<float>> outputs, CancellationToken cancellation = default)
        {
            lock (engine._gate)
                engine.Batches.Add(batch);
            engine.OnRun?.Invoke();
            inner.Run(batch, inputs, outputs, cancellation);
        }

        public void Dispose()
        {
            lock (engine._gate)
                engine.OpenPlans--;
            inner.Dispose();
        }
    }

    private sealed class Factory : IEngineFactory
    {
        public string DeviceKind => "counting";

        public bool TryCreate(int index, [NotNullWhen(true)] out IEngine? engine, [NotNullWhen(false)] out string? problem)
        {
            bool found = s_engines.TryGetValue(index, out CountingEngine? known);
            engine = known;
            problem = found ? null : $"there is no counting engine {index}";
            return found;
        }
    }
}
