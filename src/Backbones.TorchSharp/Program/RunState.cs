using System.Collections.Immutable;

namespace Backbones.Engines.Torch;

/// <summary>What one run needs and the next one can use again: its slots, and page-locked memory for its inputs.</summary>
internal sealed class RunState : IDisposable
{
    private readonly Tensor?[] _constants;
    private readonly Dictionary<int, Tensor> _staging = [];

    public RunState(Tensor?[] constants, ImmutableArray<ProgramStep> steps)
    {
        _constants = constants;
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
            staged?.Dispose();
            using Tensor pageable = torch.empty(count, ScalarType.Float32);
            _staging[input] = staged = pageable.pin_memory();
        }
        using Tensor part = staged.narrow(0, 0, count);
        part.copy_(source);
        return part.to(device, non_blocking: true);
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
