using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Backbones.Graphs;

namespace Bench.OnnxRuntime;

/// <summary>ONNX Runtime in a Node process beside us: npm's <c>onnxruntime-node</c>, installed on demand into an ignored folder.</summary>
internal sealed class OnnxRuntimeProcess : IDisposable
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web);

    private readonly Process _process;
    private readonly string _input, _output;

    private OnnxRuntimeProcess(Process process)
    {
        _process = process;
        string name = Path.Combine(Folder, process.Id.ToString(CultureInfo.InvariantCulture));
        (_input, _output) = (name + ".in", name + ".out");
    }

    private static string Folder => Path.Combine(Repository.Artifacts, "onnxruntime");

    /// <summary>Starts it; null, and why, where it cannot be had.</summary>
    public static OnnxRuntimeProcess? Start(int threads, out string problem)
    {
        problem = "";
        try
        {
            if (Install() is not { } module)
            {
                problem = "npm could not install onnxruntime-node.";
                return null;
            }
            string script = Path.Combine(AppContext.BaseDirectory, "OnnxRuntime", "ort.js");
            Process process = Process.Start(new ProcessStartInfo("node", [script, module, threads.ToString(CultureInfo.InvariantCulture)])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            })!;
            if (process.StandardOutput.ReadLine() == "ready")
                return new OnnxRuntimeProcess(process);
            process.WaitForExit();
            problem = $"onnxruntime-node does not load on this machine (exit code {process.ExitCode}).";
        }
        catch (Win32Exception e)
        {
            problem = $"Node.js and npm are needed for ONNX Runtime: {e.Message}.";
        }
        return null;
    }

    /// <summary>Runs a model file on one batch, several times.</summary>
    /// <param name="model">The ONNX file; it is loaded if it did not run last.</param>
    /// <param name="batch">Number of items.</param>
    /// <param name="shape">Shape of one item.</param>
    /// <param name="input"><c>[batch, shape…]</c>.</param>
    /// <param name="runs">How often.</param>
    /// <exception cref="InvalidOperationException">ONNX Runtime refuses the model; the message is its.</exception>
    public OnnxRuntimeResult Run(string model, int batch, Shape shape, float[] input, int runs = 1)
    {
        File.WriteAllBytes(_input, MemoryMarshal.AsBytes<float>(input));
        _process.StandardInput.WriteLine(JsonSerializer.Serialize(new { model, batch, runs, shape = shape.Dimensions.ToArray(), input = _input, output = _output }));
        string line = _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("ONNX Runtime's process ended.");
        Reply reply = JsonSerializer.Deserialize<Reply>(line, s_json)!;
        if (reply.Error is not null)
            throw new InvalidOperationException($"ONNX Runtime on {model}: {reply.Error}");

        ReadOnlySpan<float> values = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(_output));
        var outputs = new List<OnnxRuntimeOutput>();
        foreach (OutputShape output in reply.Outputs!)
        {
            int length = output.Shape.Aggregate(1, (a, b) => a * b);
            outputs.Add(new OnnxRuntimeOutput(output.Name, output.Shape, values[..length].ToArray()));
            values = values[length..];
        }
        return new OnnxRuntimeResult(reply.Milliseconds!, outputs);
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
        File.Delete(_input);
        File.Delete(_output);
    }

    private static string? Install()
    {
        string module = Path.Combine(Folder, "node_modules", "onnxruntime-node");
        if (Directory.Exists(module))
            return module;
        Directory.CreateDirectory(Folder);
        File.WriteAllText(Path.Combine(Folder, "package.json"), "{ \"private\": true }");
        // Without its install script, which only adds libraries for GPUs.
        using Process npm = Process.Start(new ProcessStartInfo("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", "onnxruntime-node"]) { WorkingDirectory = Folder })!;
        npm.WaitForExit();
        return Directory.Exists(module) ? module : null;
    }

    private sealed record OutputShape(string Name, int[] Shape);

    private sealed record Reply(double[]? Milliseconds, OutputShape[]? Outputs, string? Error);
}

/// <summary>What came of some runs: the time of each, and the outputs of the last.</summary>
internal sealed record OnnxRuntimeResult(double[] Milliseconds, IReadOnlyList<OnnxRuntimeOutput> Outputs);

/// <summary>One output.</summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="Shape">The whole shape, with the batch.</param>
/// <param name="Values">Row-major.</param>
internal sealed record OnnxRuntimeOutput(string Name, int[] Shape, float[] Values);
