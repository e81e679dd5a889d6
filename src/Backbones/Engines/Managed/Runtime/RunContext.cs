using System.Buffers;

namespace Backbones.Engines.Managed;

/// <summary>The memory and threads of one run at a time: an arena, scratch, and the caller's inputs and outputs. Kept and used again.</summary>
internal sealed unsafe class RunContext : IParallelWork, IDisposable
{
    private readonly AlignedBuffer _arena;
    private readonly AlignedBuffer _shared;
    private readonly AlignedBuffer[] _scratch;
    private readonly nint[] _inputs;
    private readonly nint[] _outputs;
    private Step? _step;
    private int _phase;

    /// <param name="pool">Threads to share the work with.</param>
    /// <param name="capacity">Largest batch of one pass.</param>
    /// <param name="arenaItemSize">Arena floats per batch item.</param>
    /// <param name="sharedScratch">Scratch floats for all workers together.</param>
    /// <param name="workerScratch">Scratch floats for each worker.</param>
    /// <param name="inputs">Number of inputs.</param>
    /// <param name="outputs">Number of outputs.</param>
    public RunContext(WorkerPool pool, int capacity, long arenaItemSize, long sharedScratch, long workerScratch, int inputs, int outputs)
    {
        Pool = pool;
        Capacity = capacity;
        _arena = new AlignedBuffer(checked(arenaItemSize * capacity));
        _shared = new AlignedBuffer(sharedScratch);
        _scratch = [.. Enumerable.Range(0, pool.Threads).Select(_ => new AlignedBuffer(workerScratch))];
        _inputs = new nint[inputs];
        _outputs = new nint[outputs];
        Pins = new MemoryHandle[inputs + outputs];
    }

    public WorkerPool Pool { get; }

    public int Capacity { get; }

    /// <summary>Room for the handles of the caller's buffers while a run uses them.</summary>
    public MemoryHandle[] Pins { get; }

    /// <summary>Batch items of this pass.</summary>
    public int Batch { get; private set; }

    public float* SharedScratch => _shared.Pointer;

    public float* WorkerScratch(int worker) => _scratch[worker].Pointer;

    public void SetBatch(int batch)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(batch, Capacity);
        Batch = batch;
    }

    public void SetInput(int index, float* pointer) => _inputs[index] = (nint)pointer;

    public void SetOutput(int index, float* pointer) => _outputs[index] = (nint)pointer;

    /// <summary>Where the first element of the first batch item lies.</summary>
    public float* Address(ValueView view) => view.Offset + view.Storage.Kind switch
    {
        StorageKind.Arena => _arena.Pointer + view.Storage.ArenaOffset * Batch,
        StorageKind.Input => (float*)_inputs[view.Storage.ExternalIndex],
        StorageKind.Output => (float*)_outputs[view.Storage.ExternalIndex],
        _ => view.Storage.Constant!.Pointer,
    };

    /// <summary>Runs pieces 0 to <paramref name="pieces"/> - 1 of a phase of <paramref name="step"/> on all threads; returns when all are done.</summary>
    public void Share(Step step, int phase, int pieces)
    {
        _step = step;
        _phase = phase;
        Pool.Run(this, pieces);
    }

    void IParallelWork.Run(int index, int worker) => _step!.RunPiece(this, _phase, index, worker);

    public void Dispose()
    {
        _arena.Dispose();
        _shared.Dispose();
        foreach (AlignedBuffer scratch in _scratch)
            scratch.Dispose();
    }
}
