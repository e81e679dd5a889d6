using Backbones.Graphs;

namespace Backbones.Engines.Torch;

/// <summary>
/// Runs graphs with TorchSharp, operator by operator: on CUDA, or on the CPU with libtorch. The program chooses the native package
/// (<c>TorchSharp-cpu</c>, <c>TorchSharp-cuda-linux</c>, <c>TorchSharp-cuda-windows</c>).
/// </summary>
public sealed class TorchSharpEngine : IEngine
{
    private readonly TorchSharpOptions _options;
    private readonly WeightPool[] _pools;

    /// <summary>Makes the engine for the devices that <paramref name="options"/> name.</summary>
    /// <exception cref="ArgumentException">The device's name is none.</exception>
    /// <exception cref="TorchSharpUnavailableException">The native package or the device is not there.</exception>
    public TorchSharpEngine(TorchSharpOptions? options = null) : this(options ?? new(), null)
    {
    }

    internal TorchSharpEngine(TorchSharpOptions options, IReadOnlyList<torch.Device>? devices)
    {
        if (NativePackage.Problem is { } problem)
            throw new TorchSharpUnavailableException($"Cannot run on device '{options.Device}': {problem.Message}.", problem.InnerException);
        _options = options;
        devices ??= DeviceChoice.Resolve(options.Device, NativePackage.GpuCount, NativePackage.NoGpu);
        // Weights that two plans have in common are on a device once.
        _pools = [.. devices.Select(d => new WeightPool(d))];
        if (IsCuda)
        {
            torch.backends.cuda.matmul.allow_tf32 = options.AllowTf32;
            torch.backends.cudnn.allow_tf32 = options.AllowTf32;
        }
    }

    /// <inheritdoc/>
    public string Name => "torchsharp";

    /// <inheritdoc/>
    public bool Supports(Precision precision) => precision is Precision.Auto or Precision.Float32 or Precision.Float16 or Precision.BFloat16;

    /// <summary>The devices in use, such as <c>cuda:0</c>.</summary>
    public IReadOnlyList<string> Devices => [.. _pools.Select(p => p.DeviceName)];

    /// <summary>Whether it runs on CUDA.</summary>
    public bool IsCuda => _pools[0].IsCuda;

    /// <inheritdoc/>
    /// <remarks><see cref="EngineOptions.Threads"/> sets libtorch's CPU threads for the calling thread of each run; 0 leaves libtorch's own choice.</remarks>
    public IPlan Compile(Graph graph, IParameterSource parameters, EngineOptions options)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(options);
        options.CheckThreads();
        options.CheckPrecision(this);
        ScalarType type = options.Precision switch
        {
            Precision.Float16 => ScalarType.Float16,
            Precision.BFloat16 => ScalarType.BFloat16,
            _ => ScalarType.Float32,
        };
        GraphProgram program = GraphProgram.Create(graph, parameters);
        bool channelsLast = _options.ChannelsLast ?? MemoryLayout.PrefersChannelsLast(program.Prepared, IsCuda, type);
        var replicas = new List<DeviceProgram>();
        try
        {
            foreach (WeightPool pool in _pools)
                replicas.Add(new DeviceProgram(program, pool, type, channelsLast, options.Threads));
            program.ReleaseConstants();
            return new TorchPlan(graph, [.. replicas]);
        }
        catch
        {
            replicas.ForEach(r => r.Dispose());
            throw;
        }
    }
}

/// <summary>Where and how <see cref="TorchSharpEngine"/> computes.</summary>
public sealed record TorchSharpOptions
{
    /// <summary>
    /// <c>auto</c> (CUDA where it is there, else the CPU), <c>cpu</c>, <c>cuda</c> (the first GPU), <c>cuda:1</c> (one by number),
    /// <c>cuda:all</c> (a copy of the plan on every GPU; each run goes to the least busy one).
    /// </summary>
    public string Device { get; init; } = "auto";

    /// <summary>Lets float32 products on CUDA use TensorFloat-32 (10 bits of mantissa, several times faster). Holds for the whole process, as in PyTorch.</summary>
    public bool AllowTf32 { get; init; }

    /// <summary>Channels-last memory for maps; null chooses by the graph: for convolutional ones; on CUDA in half types only, and not for grouped convolutions.</summary>
    public bool? ChannelsLast { get; init; }
}

/// <summary>The device asked for is not there: no native package, no CUDA, or no GPU of that number. The message says what was asked and what would be valid.</summary>
public sealed class TorchSharpUnavailableException : InvalidOperationException
{
    /// <summary>With a message.</summary>
    public TorchSharpUnavailableException(string message) : base(message)
    {
    }

    /// <summary>With a message and its cause.</summary>
    public TorchSharpUnavailableException(string message, Exception? inner) : base(message, inner)
    {
    }
}
