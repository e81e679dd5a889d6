using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Backbones.Graphs;

namespace Backbones.Engines.Torch;

/// <summary>A program on one device: its weights and the bound kernels. Runs from several threads at once.</summary>
internal sealed class DeviceProgram : IDisposable
{
    private readonly GraphProgram _program;
    private readonly WeightPool _pool;
    private readonly ScalarType _type;
    private readonly bool _channelsLast;
    private readonly int _threads;
    private readonly List<WeightPool.Lease> _weights = [];
    private readonly Tensor?[] _constants;
    private readonly KernelBinder _binder;
    private readonly Kernel[] _kernels;
    private readonly ConcurrentBag<RunState> _states = [];
    private readonly SemaphoreSlim? _turns;
    private readonly Lock _gate = new();
    private int _running;
    private int _leftBehind;
    private bool _disposed;

    public DeviceProgram(GraphProgram program, WeightPool pool, ScalarType type, bool channelsLast, int threads)
    {
        _program = program;
        _pool = pool;
        _type = type;
        _channelsLast = channelsLast;
        _threads = threads;
        _constants = new Tensor?[program.SlotCount];
        HashSet<Node> full = type == ScalarType.Float32 ? [] : FullPrecision.Of(program);
        _binder = new KernelBinder(pool.Device, type, full);
        // On a GPU one run computes while the host queues the next one's copy and kernels; more would only take memory.
        _turns = pool.IsCuda ? new SemaphoreSlim(2) : null;
        try
        {
            HashSet<Node> filters = [.. program.Steps.Where(s => s.Node.Operator is Conv2dOp).Select(s => s.Node.Inputs[1])];
            foreach ((int slot, Node node, DenseTensor value) in program.Constants)
            {
                WeightPool.Lease weight = pool.Rent(value, full.Contains(node) ? ScalarType.Float32 : type, channelsLast && filters.Contains(node));
                _weights.Add(weight);
                _constants[slot] = weight.Tensor;
            }
            _kernels = [.. program.Steps.Select(s => _binder.Bind(s.Node, s.Overwrites))];
        }
        catch
        {
            Release();
            throw;
        }
    }

    /// <summary>Called after each step with the values that exist then, before it frees those whose last use it was: what tests of memory look at.</summary>
    public Action<Tensor?[]>? StepDone { get; init; }

    /// <summary>Tensors that kernels of runs without an error have not freed, which the run's end did then: none, if all is well.</summary>
    public int LeftBehind => Volatile.Read(ref _leftBehind);

    /// <summary>Runs that are under way.</summary>
    public int Running => Volatile.Read(ref _running);

    public void Run(int batch, ReadOnlySpan<ReadOnlyMemory<float>> inputs, ReadOnlySpan<Memory<float>> outputs, CancellationToken cancellation)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(TorchPlan));
            _running++;
        }
        try
        {
            _turns?.Wait(cancellation);
            try
            {
                RunNow(batch, inputs, outputs, cancellation);
            }
            finally
            {
                _turns?.Release();
            }
        }
        finally
        {
            bool last;
            lock (_gate)
                last = --_running == 0 && _disposed;
            if (last)
                Release();
        }
    }

    private void RunNow(int batch, ReadOnlySpan<ReadOnlyMemory<float>> inputs, ReadOnlySpan<Memory<float>> outputs, CancellationToken cancellation)
    {
        // Both hold for the calling thread alone.
        if (_threads > 0 && torch.get_num_threads() != _threads)
            torch.set_num_threads(_threads);
        using IDisposable inference = torch.inference_mode();
        // Of a kernel that fails what it made on the way: a device without memory must not wait for the garbage collector.
        using TorchSharp.DisposeScope made = torch.NewDisposeScope();
        if (!_states.TryTake(out RunState? state))
            state = new RunState(_constants, _program.Steps);
        string at = "input";
        try
        {
            for (int i = 0; i < inputs.Length; i++)
                state.Slots[_program.Inputs[i]] = Upload(state, i, batch, inputs[i]);
            for (int i = 0; i < _kernels.Length; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                ProgramStep step = _program.Steps[i];
                at = step.Node.Name;
                RunStep(state.Slots, state.Arguments, step, _kernels[i]);
            }
            at = "output";
            for (int i = 0; i < outputs.Length; i++)
                Download(state.Slots[_program.Outputs[i]]!, outputs[i], batch, _program.Prepared.Outputs[i].Shape);
        }
        catch (ExternalException e)
        {
            throw new InvalidOperationException($"TorchSharp failed at '{at}' on {_pool.DeviceName} with batch {batch}: {e.Message.Split('\n')[0]}", e);
        }
        finally
        {
            state.Clear();
            _states.Add(state);
        }
        Interlocked.Add(ref _leftBehind, made.DisposablesCount);
    }

    private void RunStep(Tensor?[] slots, Tensor[] arguments, ProgramStep step, Kernel kernel)
    {
        for (int i = 0; i < step.Inputs.Length; i++)
            arguments[i] = slots[step.Inputs[i]]!;
        Tensor result = slots[step.Output] = kernel(arguments.AsSpan(0, step.Inputs.Length));
        StepDone?.Invoke(slots);
        foreach (int slot in step.Releases)
        {
            // A kernel that wrote over its input gives the same object back.
            if (!ReferenceEquals(slots[slot], result))
                slots[slot]!.Dispose();
            slots[slot] = null;
        }
    }

    /// <summary>The input on the device: on the CPU the caller's array itself; for a GPU through page-locked memory, so that the caller does not wait for the copy.</summary>
    private Tensor Upload(RunState state, int input, int batch, ReadOnlyMemory<float> values)
    {
        long[] shape = BatchShape(batch, _program.Prepared.Inputs[input].Shape);
        using Tensor source = HostTensor.Over(values);
        using Tensor onDevice = _pool.IsCuda ? state.Send(input, source, _pool.Device) : source.alias();
        using Tensor shaped = onDevice.reshape(shape);
        Tensor converted = shaped.to_type(_type);
        return _channelsLast && shape.Length == 4 ? MemoryLayout.ToChannelsLast(converted, disposeSource: true) : converted;
    }

    /// <summary>One copy does it all: from the device, to float32, into row-major order. It waits for the device, so when it is done the run is.</summary>
    private static void Download(Tensor value, Memory<float> output, int batch, Shape shape)
    {
        if (MemoryMarshal.TryGetArray<float>(output, out ArraySegment<float> segment))
        {
            using Tensor target = HostTensor.Over(segment);
            using Tensor shaped = target.reshape(BatchShape(batch, shape));
            shaped.copy_(value);
            return;
        }
        var copy = new float[output.Length];
        Download(value, copy, batch, shape);
        copy.CopyTo(output);
    }

    private static long[] BatchShape(int batch, Shape shape) => [batch, .. shape.Dimensions.ToArray().Select(d => (long)d)];

    /// <summary>Frees the weights, now or when the runs under way are done.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            if (_running > 0)
                return;
        }
        Release();
    }

    private void Release()
    {
        foreach (RunState state in _states)
            state.Dispose();
        _states.Clear();
        _weights.ForEach(w => w.Dispose());
        _binder.Dispose();
        _turns?.Dispose();
    }
}
