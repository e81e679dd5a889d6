using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Backbones.Engines.Torch;

/// <summary>Brings CUDA devices to <see cref="EngineProvider"/>, as soon as this assembly is loaded.</summary>
internal sealed class CudaEngineFactory : IEngineFactory
{
    // One engine a device: its plans share the weights that they have in common.
    private readonly ConcurrentDictionary<int, TorchSharpEngine> _engines = [];

    public string DeviceKind => "cuda";

    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "The provider loads this assembly for what it registers.")]
    internal static void Register() => EngineProvider.Register(new CudaEngineFactory());

    public bool TryCreate(int index, [NotNullWhen(true)] out IEngine? engine, [NotNullWhen(false)] out string? problem)
    {
        int count = NativePackage.GpuCount;
        engine = index < count ? _engines.GetOrAdd(index, static i => new TorchSharpEngine(new TorchSharpOptions { Device = $"cuda:{i}" })) : null;
        problem = engine is not null ? null
            : count == 0 ? NativePackage.NoGpu
            : $"TorchSharp finds {count} CUDA device{(count == 1 ? "" : "s")}";
        return engine is not null;
    }
}
