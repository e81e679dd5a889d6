using System.Buffers;

namespace Backbones.Engines.Managed;

/// <summary>The memory and threads of one run at a time: an arena, scratch, and the caller's inputs and outputs. Kept and used again.</summary>
internal sealed unsafe class RunContext : IParallelWork, IDisposable
{
    private readonly NativeArena _memory;
    private readonly AlignedBuffer _sliceArena;
    private readonly AlignedBuffer _batchArena;
    private readonly AlignedBuffer _shared;
    private readonly AlignedBuffer[] _scratch;
    private readonly nint[] _inputs;
    private readonly nint[] _outputs;
    private Step? _step;
    private int _phase;
    private long _units;
    private int _pieces;
    private int _passBatch;
    private int _firstItem;

    /// <param name="pool">Threads to share the work with.</param>
    /// <param name="capacity">Largest batch of one pass.</param>
    /// <param name="sliceArena">Arena floats for storages of one segment.</param>
    /// <param name="batchArena">Arena floats for storages of several segments.</param>
    /// <param name="sharedScratch">Scratch floats for all workers together.</param>
    /// <param name="workerScratch">Scratch floats for each worker.</param>
    /// <param name="inputs">Number of inputs.</param>
    /// <param name="outputs">Number of outputs.</param>
    public RunContext(WorkerPool pool, int capacity, long sliceArena, long batchArena, long sharedScratch, long workerScratch, int inputs, int outputs)
    {
        Pool = pool;
        Capacity = capacity;
        _memory = new NativeArena(checked(NativeArena.BytesOf(sliceArena) + NativeArena.BytesOf(batchArena) + NativeArena.BytesOf(sharedScratch) + pool.Threads * NativeArena.BytesOf(workerScratch)));
        _sliceArena = new AlignedBuffer(sliceArena, _memory);
        _batchArena = new AlignedBuffer(batchArena, _memory);
        _shared = new AlignedBuffer(sharedScratch, _memory);
        _scratch = [.. Enumerable.Range(0, pool.Threads).Select(_ => new AlignedBuffer(workerScratch, _memory))];
        _inputs = new nint[inputs];
        _outputs = new nint[outputs];
        Pins = new MemoryHandle[inputs + outputs];
        Weak = new(this);
    }

    /// <summary>What holds this context without keeping it: made once, so that giving it back allocates nothing.</summary>
    public WeakReference<RunContext> Weak { get; }

    public WorkerPool Pool { get; }

    public int Capacity { get; }

    /// <summary>Room for the handles of the caller's buffers while a run uses them.</summary>
    public MemoryHandle[] Pins { get; }

    /// <summary>Batch items of the slice that runs now.</summary>
    public int Batch { get; private set; }

    public float* SharedScratch => _shared.Pointer;

    public float* WorkerScratch(int worker) => _scratch[worker].Pointer;

    /// <summary>Starts a pass of that many items.</summary>
    public void SetPass(int batch)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(batch, Capacity);
        _passBatch = batch;
    }

    /// <summary>Chooses the items of the pass that the next steps work on.</summary>
    public void SetSlice(int first, int count) => (_firstItem, Batch) = (first, count);

    public void SetInput(int index, float* pointer) => _inputs[index] = (nint)pointer;

    public void SetOutput(int index, float* pointer) => _outputs[index] = (nint)pointer;

    /// <summary>Where the first element of the slice's first item lies.</summary>
    public float* Address(ValueView view)
    {
        Storage storage = view.Storage;
        return view.Offset + storage.Kind switch
        {
            StorageKind.Arena => storage.SpansSegments
                ? _batchArena.Pointer + storage.ArenaOffset * _passBatch + storage.ItemSize * _firstItem
                : _sliceArena.Pointer + storage.ArenaOffset * Batch,
            StorageKind.Input => (float*)_inputs[storage.ExternalIndex] + storage.ItemSize * _firstItem,
            StorageKind.Output => (float*)_outputs[storage.ExternalIndex] + storage.ItemSize * _firstItem,
            _ => storage.Constant!.Pointer,
        };
    }

    /// <summary>Runs pieces 0 to <paramref name="pieces"/> - 1 of a phase of <paramref name="step"/> on all threads; returns when all are done.</summary>
    public void Share(Step step, int phase, int pieces)
    {
        _step = step;
        _phase = phase;
        Pool.Run(this, pieces);
    }

    /// <summary>The same for <paramref name="units"/> units of a simple loop, <paramref name="unitWork"/> floats each, in as many pieces as are worth handing over: which they are says <see cref="Units"/>.</summary>
    public void Share(Step step, int phase, long units, long unitWork)
    {
        (_units, _pieces) = (units, Pieces.Count(units, unitWork, Pool.Threads));
        Share(step, phase, _pieces);
    }

    /// <summary>First and past-the-last unit of a piece.</summary>
    public (long First, long End) Units(int index) => Pieces.Range(_units, _pieces, index);

    void IParallelWork.Run(int index, int worker) => _step!.RunPiece(this, _phase, index, worker);

    public void Dispose()
    {
        _sliceArena.Dispose();
        _batchArena.Dispose();
        _shared.Dispose();
        foreach (AlignedBuffer scratch in _scratch)
            scratch.Dispose();
        _memory.Dispose();
    }
}
