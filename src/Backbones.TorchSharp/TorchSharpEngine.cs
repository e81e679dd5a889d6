using Backbones.Graphs;
using EnginePrecision = Backbones.Engines.Precision;

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
            throw new TorchSharpUnavailableException($"TorchSharp has no native library to run '{options.Device}' with: reference TorchSharp-cpu, TorchSharp-cuda-linux or TorchSharp-cuda-windows ({problem.GetType().Name}).", problem);
        _options = options;
        devices ??= DeviceChoice.Resolve(options.Device, options.FallbackToCpu, NativePackage.GpuCount);
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
    public bool Supports(EnginePrecision precision) => Enum.IsDefined(precision);

    /// <summary>The devices in use, such as <c>cuda:0</c>.</summary>
    public IReadOnlyList<string> Devices => [.. _pools.Select(p => p.DeviceName)];

    /// <summary>Number format on the device.</summary>
    public TorchPrecision Precision => _options.Precision;

    /// <summary>Whether it runs on CUDA.</summary>
    public bool IsCuda => _pools[0].IsCuda;

    /// <summary>
    /// The engine for a device: for <c>auto</c> TorchSharp where CUDA is there, else the managed engine; for every other name TorchSharp on that device.
    /// With <see cref="TorchSharpOptions.FallbackToCpu"/> the managed engine takes the place of a device or native package that is not there.
    /// </summary>
    /// <exception cref="ArgumentException">The device's name is none.</exception>
    /// <exception cref="TorchSharpUnavailableException">The device is not there and there is no fallback.</exception>
    public static IEngine Create(TorchSharpOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Device == "auto" && NativePackage.GpuCount == 0)
            return DefaultEngine.Instance;
        try
        {
            return new TorchSharpEngine(options with { FallbackToCpu = false });
        }
        catch (TorchSharpUnavailableException) when (options.FallbackToCpu)
        {
            return DefaultEngine.Instance;
        }
    }

    /// <inheritdoc/>
    /// <remarks><see cref="EngineOptions.Threads"/> sets libtorch's CPU threads for the calling thread of each run; 0 leaves libtorch's own choice. <see cref="EngineOptions.Precision"/> goes before <see cref="TorchSharpOptions.Precision"/>.</remarks>
    public IPlan Compile(Graph graph, IParameterSource parameters, EngineOptions options)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegative(options.Threads);
        GraphProgram program = GraphProgram.Create(graph, parameters);
        ScalarType type = (options.Precision, _options.Precision) switch
        {
            (EnginePrecision.Float32, _) or (EnginePrecision.Auto, TorchPrecision.Float32) => ScalarType.Float32,
            (EnginePrecision.Float16, _) or (EnginePrecision.Auto, TorchPrecision.Float16) => ScalarType.Float16,
            (EnginePrecision.BFloat16, _) or (EnginePrecision.Auto, TorchPrecision.BFloat16) => ScalarType.BFloat16,
            (EnginePrecision.Auto, var other) => throw new ArgumentException($"Unknown precision {(int)other}; valid are {string.Join(", ", Enum.GetNames<TorchPrecision>())}."),
            (var other, _) => throw new ArgumentException($"Unknown precision {(int)other}; valid are {string.Join(", ", Enum.GetNames<EnginePrecision>())}."),
        };
        bool channelsLast = _options.ChannelsLast ?? MemoryLayout.PrefersChannelsLast(program.Prepared, IsCuda, type);
        var replicas = new List<DeviceProgram>();
        try
        {
            foreach (WeightPool pool in _pools)
                replicas.Add(new DeviceProgram(program, pool, type, channelsLast, options.Threads));
            return new TorchPlan(graph, [.. replicas]);
        }
        catch
        {
            replicas.ForEach(r => r.Dispose());
            throw;
        }
    }
}
