using System.Diagnostics;
using System.Runtime.CompilerServices;
using Backbones.Engines;
using Backbones.Engines.Torch;

namespace Backbones.Tests.Torch;

/// <summary>This program started again from another folder, without the native package that it has here: what loads is loaded for the whole process.</summary>
internal static class ProgramElsewhere
{
    /// <summary>With it the program checks what it says of the native package, and no test is run.</summary>
    private const string Variable = "TIMM_FEATURES_NO_NATIVE_PACKAGE";

    /// <summary>Copies the managed program to the folder and runs <see cref="CheckMessages"/> there; gives back the reason that everybody gave.</summary>
    public static string Run(string folder)
    {
        string here = AppContext.BaseDirectory, name = typeof(ProgramElsewhere).Assembly.GetName().Name!;
        // Without its .deps.json a program takes everything from its own folder.
        string[] files = [.. Directory.EnumerateFiles(here, "*.dll"), Path.Combine(here, $"{name}.runtimeconfig.json"), Path.Combine(here, OperatingSystem.IsWindows() ? $"{name}.exe" : name)];
        foreach (string file in files)
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        var start = new ProcessStartInfo(Path.Combine(folder, Path.GetFileName(files[^1])))
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            // TorchSharp also looks into the cache of NuGet packages.
            Environment = { [Variable] = "1", ["NUGET_PACKAGES"] = folder },
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.AreEqual(0, process.ExitCode, errors.Result);
        return output;
    }

    [ModuleInitializer]
    internal static void Work()
    {
        if (Environment.GetEnvironmentVariable(Variable) is null)
            return;
        CheckMessages();
        Environment.Exit(0);
    }

    private static void CheckMessages()
    {
        NativeLibraries libraries = NativeLibraries.OfProgram();
        string why = libraries.Explain();
        Assert.DoesNotContain("TypeInitializationException", why);
        var error = Assert.ThrowsExactly<TorchSharpUnavailableException>(() => new TorchSharpEngine(new TorchSharpOptions { Device = "cpu" }));
        Assert.Contains(why, error.Message);
        Assert.IsNotNull(error.InnerException);
        Assert.Contains(libraries.AreForCpu ? "for the CPU alone" : why, Assert.ThrowsExactly<NotSupportedException>(() => EngineProvider.For("cuda")).Message);
        Console.Out.Write(why);
    }
}
