using System.Runtime.InteropServices;

namespace Backbones.Engines.Torch;

/// <summary>The native libraries of TorchSharp in some folders, and why they do not load: TorchSharp itself says of every failure that the package is missing.</summary>
internal sealed class NativeLibraries(IEnumerable<string> folders)
{
    private const string Packages = "TorchSharp-cpu, TorchSharp-cuda-linux or TorchSharp-cuda-windows";

    /// <summary>libtorch, and TorchSharp's shim over it, which is what a version of libtorch or of the C++ library fails.</summary>
    private const string LibTorch = "torch_cpu", Shim = "LibTorchSharp";

    private readonly string[] _folders = [.. folders.Distinct().Where(Directory.Exists)];

    /// <summary>Those of this program: where the runtime looks, and where TorchSharp gathers them when that fails.</summary>
    public static NativeLibraries OfProgram()
    {
        string host = AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "";
        string torch = Path.GetDirectoryName(typeof(TorchSharp.torch).Assembly.Location) is { Length: > 0 } folder ? folder : AppContext.BaseDirectory;
        return new NativeLibraries([
            .. host.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries),
            AppContext.BaseDirectory, Path.Combine(AppContext.BaseDirectory, "runtimes", RuntimeInformation.RuntimeIdentifier, "native"),
            torch, Path.Combine(torch, "cpu"),
        ]);
    }

    /// <summary>The file of a library; null where no folder has it.</summary>
    /// <param name="name">Without what the system puts before and after it.</param>
    public string? Find(string name) => _folders.Select(f => Path.Combine(f, FileName(name))).FirstOrDefault(File.Exists);

    /// <summary>A library's name on this system: <c>libtorch_cpu.so</c>, <c>torch_cpu.dll</c>.</summary>
    public static string FileName(string name)
        => OperatingSystem.IsWindows() ? $"{name}.dll" : OperatingSystem.IsMacOS() ? $"lib{name}.dylib" : $"lib{name}.so";

    /// <summary>Whether these are libraries of a package for the CPU alone.</summary>
    public bool AreForCpu => Find(LibTorch) is not null && Find("torch_cuda") is null;

    /// <summary>Why nothing could ever load the libraries, so that nobody need try: they want a newer C or C++ library than this system has. Null where that is not so.</summary>
    public TorchSharpUnavailableException? Refusal()
        => OperatingSystem.IsLinux() && Find(LibTorch) is { } libtorch && Find(Shim) is { } shim && Refused(libtorch, shim) is { } refused && refused.Error.Message.Contains("GLIBC", StringComparison.Ordinal)
            ? new(Explain(refused), refused.Error) : null;

    /// <summary>Why libtorch cannot be used: the package is missing, or it is there and the system's loader refuses it.</summary>
    public string Explain()
    {
        if (Find(LibTorch) is not { } libtorch)
            return $"TorchSharp's native package is missing ({FileName(LibTorch)} is in none of the program's folders): reference {Packages}";
        if (Find(Shim) is not { } shim)
            return $"TorchSharp's own native library is missing ({FileName(Shim)} is in none of the program's folders, {FileName(LibTorch)} is): reference the same version of TorchSharp and of {Packages}";
        return Refused(libtorch, shim) is { } refused ? Explain(refused)
            : $"TorchSharp's native package is there and loads from {Path.GetDirectoryName(shim)}, and TorchSharp does not find it";
    }

    private static string Explain((string File, Exception Error) refused)
        => $"TorchSharp's native package is there and this system cannot load {Path.GetFileName(refused.File)}: {Cause(refused.Error.Message)}";

    /// <summary>The first file that the system does not load.</summary>
    private static (string File, Exception Error)? Refused(params IEnumerable<string> files)
    {
        foreach (string file in files)
        {
            try
            {
                NativeLibrary.Load(file);
            }
            catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
            {
                return (file, e);
            }
        }
        return null;
    }

    /// <summary>The loader's own sentence out of .NET's message, which first says what to do about it in general, and what that sentence means.</summary>
    public static string Cause(string message)
    {
        string[] lines = message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        // .NET adds the loader's answer for every name it tried; the file that is there has the answer that counts.
        string cause = lines.Skip(1).FirstOrDefault(l => !l.Contains("cannot open shared object file", StringComparison.Ordinal)) ?? lines.Last();
        return cause.Contains("GLIBCXX", StringComparison.Ordinal) ? $"{cause}; it needs a newer C++ library (libstdc++) than this system has: that of GCC 13, as in Debian 13 or Ubuntu 24.04" : cause;
    }
}
