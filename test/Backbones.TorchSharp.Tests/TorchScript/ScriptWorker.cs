using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;

namespace Backbones.Tests.Torch;

/// <summary>
/// Loads and runs TorchScript files in a process of its own, this program started again: what libtorch cannot compile ends the process,
/// which here is a line in a report.
/// </summary>
internal static class ScriptWorker
{
    /// <summary>Names the folder of jobs; with it the program is a worker and no test is run.</summary>
    private const string Variable = "TIMM_FEATURES_TORCHSCRIPT_JOBS";

    /// <summary>A file to run on one input.</summary>
    /// <param name="Name">What it is, for messages.</param>
    /// <param name="File">The bytes of the TorchScript file.</param>
    /// <param name="InputShape">The whole shape.</param>
    /// <param name="Input">Row-major.</param>
    /// <param name="BFloat16">The module is turned to bfloat16 first, and the input with it.</param>
    public sealed record Job(string Name, byte[] File, long[] InputShape, float[] Input, bool BFloat16 = false);

    /// <summary>What came of a job.</summary>
    /// <param name="Outputs">The outputs; null where it failed.</param>
    /// <param name="Problem">Why it failed.</param>
    public sealed record Result(float[][]? Outputs, string Problem);

    /// <summary>Runs all jobs; one that ends the process costs itself alone.</summary>
    public static Result[] Run(IReadOnlyList<Job> jobs)
    {
        string folder = Directory.CreateTempSubdirectory("torchscript").FullName;
        try
        {
            for (int i = 0; i < jobs.Count; i++)
                Write(Path.Combine(folder, $"{i}.job"), jobs[i]);
            var results = new Result[jobs.Count];
            for (int done = 0; done < jobs.Count;)
            {
                string errors = RunProcess(folder);
                int before = done;
                for (; done < jobs.Count && ReadResult(folder, done) is { } result; done++)
                    results[done] = result;
                if (done < jobs.Count)
                    results[done] = new(null, done == before && !File.Exists(Path.Combine(folder, $"{done}.begun")) ? $"the worker did not start: {errors}" : $"the process was ended: {errors}");
                for (; before <= done && before < jobs.Count; before++)
                    File.Delete(Path.Combine(folder, $"{before}.job"));
                done++;
            }
            return results;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [ModuleInitializer]
    internal static void Work()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { } folder)
            return;
        foreach (string file in Directory.EnumerateFiles(folder, "*.job").OrderBy(f => int.Parse(Path.GetFileNameWithoutExtension(f))))
        {
            File.WriteAllText(Path.ChangeExtension(file, "begun"), "");
            string partial = Path.ChangeExtension(file, "partial");
            using (var output = new BinaryWriter(File.Create(partial)))
                RunJob(file, output);
            File.Move(partial, Path.ChangeExtension(file, "result"));
        }
        Environment.Exit(0);
    }

    private static void RunJob(string file, BinaryWriter output)
    {
        try
        {
            using var job = new BinaryReader(File.OpenRead(file));
            bool bfloat16 = job.ReadBoolean();
            long[] shape = [.. MemoryMarshal.Cast<byte, long>(job.ReadBytes(job.ReadInt32()))];
            float[] values = [.. MemoryMarshal.Cast<byte, float>(job.ReadBytes(job.ReadInt32()))];
            using torch.jit.ScriptModule module = torch.jit.load(job.ReadBytes(job.ReadInt32()));
            using torch.Tensor input = torch.tensor(values, shape);
            if (bfloat16)
                module.to(torch.ScalarType.BFloat16);
            using torch.Tensor converted = bfloat16 ? input.to_type(torch.ScalarType.BFloat16) : input.alias();
            using var noGradient = torch.no_grad();
            object result = module.call(converted);
            torch.Tensor[] tensors = result as torch.Tensor[] ?? [(torch.Tensor)result];
            output.Write("");
            output.Write(tensors.Length);
            foreach (torch.Tensor tensor in tensors)
            {
                output.Write(tensor.numel() * sizeof(float));
                output.Write(tensor.to_type(torch.ScalarType.Float32).contiguous().bytes);
            }
        }
        catch (Exception e)
        {
            output.Write($"{e.GetType().Name}: {e.Message}");
        }
    }

    private static void Write(string path, Job job)
    {
        using var output = new BinaryWriter(File.Create(path));
        output.Write(job.BFloat16);
        Bytes(MemoryMarshal.AsBytes<long>(job.InputShape));
        Bytes(MemoryMarshal.AsBytes<float>(job.Input));
        Bytes(job.File);

        void Bytes(ReadOnlySpan<byte> bytes)
        {
            output.Write(bytes.Length);
            output.Write(bytes);
        }
    }

    private static Result? ReadResult(string folder, int job)
    {
        string path = Path.Combine(folder, $"{job}.result");
        if (!File.Exists(path))
            return null;
        using var input = new BinaryReader(File.OpenRead(path));
        string problem = input.ReadString();
        if (problem.Length > 0)
            return new(null, problem);
        var outputs = new float[input.ReadInt32()][];
        for (int i = 0; i < outputs.Length; i++)
            outputs[i] = [.. MemoryMarshal.Cast<byte, float>(input.ReadBytes(checked((int)input.ReadInt64())))];
        return new(outputs, "");
    }

    private static string RunProcess(string folder)
    {
        string program = Path.ChangeExtension(typeof(ScriptWorker).Assembly.Location, OperatingSystem.IsWindows() ? "exe" : null)!;
        var start = new ProcessStartInfo(program) { RedirectStandardError = true, RedirectStandardOutput = true, Environment = { [Variable] = folder } };
        using Process process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return $"exit code {process.ExitCode}, {errors.Trim()}";
    }
}
