using System.Diagnostics;
using System.Globalization;
using Backbones.Graphs;

namespace Bench;

/// <summary>ONNX Runtime in a Node process beside us: npm's <c>onnxruntime-node</c>, installed on demand into an ignored folder.</summary>
internal sealed class OnnxRuntimeProcess : IDisposable
{
    private readonly Process _process;

    private OnnxRuntimeProcess(Process process) => _process = process;

    /// <summary>Starts it with a model, or says on the error stream why it cannot.</summary>
    public static OnnxRuntimeProcess? Start(string model, int threads)
    {
        if (Install() is not { } module)
            return null;
        var info = new ProcessStartInfo("node", [Path.Combine(AppContext.BaseDirectory, "OnnxRuntime", "ort.js"), module, model, threads.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        Process process = Process.Start(info)!;
        if (process.StandardOutput.ReadLine() == "ready")
            return new OnnxRuntimeProcess(process);
        process.WaitForExit();
        Console.Error.WriteLine("ONNX Runtime did not load the model; measuring without it.");
        return null;
    }

    /// <summary>Runs batches and returns the milliseconds of each, and the first value of the first output.</summary>
    public (double[] Milliseconds, double First) Run(int batch, int runs, Shape input)
    {
        _process.StandardInput.WriteLine($"{batch} {runs} {string.Join(' ', input.Dimensions.ToArray())}");
        string line = _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("ONNX Runtime's process ended.");
        double[] values = [.. line.Split(' ').Select(v => double.Parse(v, CultureInfo.InvariantCulture))];
        return (values[..^1], values[^1]);
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static string? Install()
    {
        string folder = Path.Combine(Repository.Artifacts, "onnxruntime");
        string module = Path.Combine(folder, "node_modules", "onnxruntime-node");
        if (Directory.Exists(module))
            return module;
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "package.json"), "{ \"private\": true }");
        try
        {
            // Without its install script, which only adds libraries for GPUs.
            using Process npm = Process.Start(new ProcessStartInfo("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", "onnxruntime-node"]) { WorkingDirectory = folder })!;
            npm.WaitForExit();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Console.Error.WriteLine("npm is not installed; measuring without ONNX Runtime.");
            return null;
        }
        if (Directory.Exists(module))
            return module;
        Console.Error.WriteLine("npm could not install onnxruntime-node; measuring without ONNX Runtime.");
        return null;
    }
}
