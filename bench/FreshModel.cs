using System.Diagnostics;
using System.Globalization;
using System.Runtime;
using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Graphs;
using Backbones.Models;
using Backbones.Weights;

namespace Bench;

/// <summary>A network in a new process, from its file to its outputs: milliseconds of the parts, and the most memory that was resident.</summary>
/// <param name="Open">Mapping the safetensors and building the graph; 0 for ONNX Runtime, whose session opens its file.</param>
/// <param name="Compile">Compiling the plan, or making the session.</param>
/// <param name="FirstRun">The first run.</param>
/// <param name="Jit">What .NET took to compile methods, on all threads.</param>
/// <param name="Processor">Processor time up to the first output.</param>
/// <param name="PeakMegabytes">Peak of resident memory after all runs, pages of mapped files included.</param>
internal sealed record FreshModel(double Open, double Compile, double FirstRun, double Jit, double Processor, double PeakMegabytes)
{
    /// <summary>How the program starts itself: this and the arguments of <see cref="InNewProcess"/>.</summary>
    public const string Argument = "--measure-fresh-model";

    /// <summary>From opening the file to the first output.</summary>
    public double First => Open + Compile + FirstRun;

    /// <param name="model">Name of the model.</param>
    /// <param name="file">Its .safetensors, or its .onnx for ONNX Runtime.</param>
    /// <param name="shape">Shape of one input.</param>
    /// <param name="batch">Number of inputs of a run.</param>
    /// <param name="runs">Number of runs.</param>
    /// <param name="threads">Threads of a run.</param>
    public static FreshModel InNewProcess(string model, string file, Shape shape, int batch, int runs, int threads)
    {
        double[] v = [.. Numbers(OwnProcess.Run(Argument, model, file, Text([.. shape]), Text([batch]), Text([runs]), Text([threads])))];
        return new FreshModel(v[0], v[1], v[2], v[3], v[4], v[5]);

        static string Text(int[] values) => string.Join(' ', values.Select(v => v.ToString(CultureInfo.InvariantCulture)));
    }

    /// <summary>What the new process does: prints the figures.</summary>
    public static void Measure(string model, string file, string[] numbers)
    {
        Shape shape = [.. Numbers(numbers[0]).Select(d => (int)d)];
        (int batch, int runs, int threads) = ((int)Numbers(numbers[1]).Single(), (int)Numbers(numbers[2]).Single(), (int)Numbers(numbers[3]).Single());
        var input = new float[batch * shape.Length];
        input.AsSpan().Fill(0.5f);
        TimeSpan jit = JitInfo.GetCompilationTime(), processor = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        double open = 0, compile;
        Action run;
        if (file.EndsWith(".onnx", StringComparison.Ordinal))
        {
            var session = new OnnxRuntimeModel(file, threads);
            compile = Lap();
            run = () => session.RunInPlace(batch, shape, input);
        }
        else
        {
            ParameterStore parameters = ParameterStore.Open(file);
            Graph graph = ModelCatalog.Find(model).Build(BuildOptions.Default).Graph;
            open = Lap();
            IPlan plan = new ManagedEngine().Compile(graph, parameters, new EngineOptions { Threads = threads });
            compile = Lap();
            Memory<float>[] outputs = [.. graph.Outputs.Select(o => new Memory<float>(new float[batch * o.Shape.Length]))];
            run = () => plan.Run(batch, [input], outputs);
        }
        run();
        double first = Lap();
        jit = JitInfo.GetCompilationTime() - jit;
        processor = Environment.CpuUsage.TotalTime - processor;
        for (int i = 1; i < runs; i++)
            run();
        using var process = Process.GetCurrentProcess();
        double[] figures = [open, compile, first, jit.TotalMilliseconds, processor.TotalMilliseconds, process.PeakWorkingSet64 / 1e6];
        Console.WriteLine(string.Join(' ', figures.Select(f => f.ToString("0.0", CultureInfo.InvariantCulture))));

        double Lap()
        {
            double milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            start = Stopwatch.GetTimestamp();
            return milliseconds;
        }
    }

    private static IEnumerable<double> Numbers(string text) => text.Split(' ').Select(v => double.Parse(v, CultureInfo.InvariantCulture));
}
