using System.Collections.Immutable;
using Backbones.Graphs;

namespace Backbones.Engines.Torch;

/// <summary>A compiled graph on one or more devices; each run goes to the device with the fewest runs under way.</summary>
internal sealed class TorchPlan(Graph graph, ImmutableArray<DeviceProgram> replicas) : IPlan
{
    private uint _next;
    private bool _disposed;

    public Graph Graph => graph;

    /// <inheritdoc cref="DeviceProgram.LeftBehind"/>
    internal int LeftBehind => replicas.Sum(r => r.LeftBehind);

    public void Run(int batch, ReadOnlySpan<ReadOnlyMemory<float>> inputs, ReadOnlySpan<Memory<float>> outputs, CancellationToken cancellation = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        PlanArguments.Check(graph, batch, inputs, outputs);
        LeastBusy().Run(batch, inputs, outputs, cancellation);
    }

    /// <summary>Turn by turn among equally busy devices.</summary>
    private DeviceProgram LeastBusy()
    {
        int start = (int)(Interlocked.Increment(ref _next) % (uint)replicas.Length);
        DeviceProgram best = replicas[start];
        for (int i = 1; i < replicas.Length; i++)
        {
            DeviceProgram other = replicas[(start + i) % replicas.Length];
            if (other.Running < best.Running)
                best = other;
        }
        return best;
    }

    public void Dispose()
    {
        _disposed = true;
        foreach (DeviceProgram replica in replicas)
            replica.Dispose();
    }
}
