namespace Backbones.Engines.Torch;

/// <summary>What TorchSharp's native package offers on this machine; found out once.</summary>
internal static class NativePackage
{
    private static readonly Lazy<TorchSharpUnavailableException?> Cpu = new(FindProblem);
    private static readonly Lazy<int> Gpus = new(CountGpus);

    /// <summary>Why libtorch cannot be loaded, with the loader's exception inside; null when it can.</summary>
    public static TorchSharpUnavailableException? Problem => Cpu.Value;

    /// <summary>Number of CUDA devices that can be used; 0 without CUDA.</summary>
    public static int GpuCount => Gpus.Value;

    /// <summary>Why there is no CUDA device, where there is none.</summary>
    public static string NoGpu => NativeLibraries.OfProgram().AreForCpu
        ? "CUDA is not available: TorchSharp's native package here is for the CPU alone; reference TorchSharp-cuda-linux or TorchSharp-cuda-windows"
        : Problem?.Message ?? "CUDA is not available: TorchSharp's CUDA package is there and finds no device; check the NVIDIA driver (nvidia-smi)";

    private static TorchSharpUnavailableException? FindProblem()
    {
        NativeLibraries libraries = NativeLibraries.OfProgram();
        // Where all must fail TorchSharp's loader is left alone: it would copy the whole package to another folder and tell of it at length.
        if (libraries.Refusal() is { } refusal)
            return refusal;
        return TryLoad(() => torch.TryInitializeDeviceType(TorchSharp.DeviceType.CPU)) is { } problem ? new(libraries.Explain(), problem) : null;
    }

    private static int CountGpus()
    {
        // Most programs without a GPU are told so without loading libtorch.
        if (NativeLibraries.OfProgram().AreForCpu || Problem is not null)
            return 0;
        int count = 0;
        // The CUDA part of a package can be missing or broken while its CPU part works.
        Exception? problem = TryLoad(() => count = torch.cuda.is_available() ? torch.cuda.device_count() : 0);
        return problem is null ? count : 0;
    }

    /// <summary>Runs TorchSharp's loader. It writes its search to standard output when it fails, where a program's own output may be read by another: that goes to standard error.</summary>
    private static Exception? TryLoad(Action load)
    {
        TextWriter output = Console.Out;
        Console.SetOut(Console.Error);
        try
        {
            load();
            return null;
        }
        catch (Exception e) when (e is NotSupportedException or DllNotFoundException or BadImageFormatException or EntryPointNotFoundException or TypeInitializationException or System.Runtime.InteropServices.ExternalException)
        {
            return e;
        }
        finally
        {
            Console.SetOut(output);
        }
    }
}
