using System.Collections.Immutable;

namespace Backbones.Engines.Torch;

/// <summary>What one run needs and the next one can use again: its slots, and page-locked memory for its inputs.</summary>
internal sealed class RunState : IDisposable
{
    private readonly Tensor?[] _constants;
    private readonly Func<long, Tensor> _allocate;
    private readonly Dictionary<int, Tensor> _staging = [];

    /// <param name="constants">Weights, in their slots.</param>
    /// <param name="steps">What is run.</param>
    /// <param name="allocate">Makes memory for so many values of an input; null for page-locked memory.</param>
    public RunState(Tensor?[] constants, ImmutableArray<ProgramStep> steps, Func<long, Tensor>? allocate = null)
    {
        _constants = constants;
        _allocate = allocate ?? PageLocked;
        Slots = [.. constants];
        Arguments = new Tensor[steps.Select(s => s.Inputs.Length).DefaultIfEmpty(0).Max()];
    }

    /// <summary>The values that exist now; weights are there from the start.</summary>
    public Tensor?[] Slots { get; }

    public Tensor[] Arguments { get; }

    /// <summary>
    /// Sends an input to a GPU through page-locked memory of this run. The host does not wait: it decodes the next batch, or fills the other run's
    /// memory, while the GPU computes. TorchSharp has one stream for each device, so copies and kernels of all runs are done in the order of their calls.
    /// </summary>
    /// <remarks>
    /// Nothing is written over while the GPU still has to read it. A run's output is copied back with waiting, after everything that it queued; only then
    /// does another run get this memory. A run that failed or was cancelled may have left its copy in the queue: what that copy brings, nobody reads.
    /// Memory that is freed is not handed out again before the copies from it are done; PyTorch's allocators see to that.
    /// </remarks>
    public Tensor Send(int input, Tensor source, torch.Device device)
    {
        long count = source.numel();
        if (!_staging.TryGetValue(input, out Tensor? staged) || staged.numel() < count)
        {
            // First, as there may be no room for both; and out of the table, as there may be none for the new one.
            if (_staging.Remove(input, out Tensor? small))
                small.Dispose();
            // It outlives the run.
            _staging[input] = staged = _allocate(count).DetachFromDisposeScope();
        }
        using Tensor part = staged.narrow(0, 0, count);
        part.copy_(source);
        return part.to(device, non_blocking: true);
    }

    private static Tensor PageLocked(long count)
    {
        using Tensor pageable = torch.empty(count, ScalarType.Float32);
        return pageable.pin_memory();
    }

    /// <summary>Frees what a run left: its outputs, or everything when it failed.</summary>
    public void Clear()
    {
        for (int i = 0; i < Slots.Length; i++)
        {
            if (_constants[i] is null)
                Slots[i]?.Dispose();
            Slots[i] = _constants[i];
        }
        Array.Clear(Arguments);
    }

    public void Dispose()
    {
        foreach (Tensor staged in _staging.Values)
            staged.Dispose();
        _staging.Clear();
    }
}
