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
    public bool Supports(Precision precision) => Enum.IsDefined(precision);

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
        ArgumentOutOfRangeException.ThrowIfNegative(options.Threads);
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
