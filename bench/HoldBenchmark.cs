using System.Diagnostics;
using System.Text.Json;
using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Graphs;
using Backbones.Models;
using Backbones.Weights;

namespace Bench;

/// <summary>
/// What holds beside the speed: a second thread's gain, two threads beside a busy process, two callers of one plan, peak memory and the time to the first output beside ONNX Runtime's, each with its
/// target. What is compared alternates, and figures are medians, but for the callers means.
/// </summary>
internal sealed class HoldBenchmark(BenchOptions options)
{
    public static readonly string[] Parts = ["threads", "busy", "callers", "memory", "first"];

    /// <summary>Runs in a row of what alternates with a process that has to be started.</summary>
    private const int Turn = 5;

    public void Run(string model)
    {
        Graph graph = ModelCatalog.Find(model).Build(BuildOptions.Default).Graph;
        using ParameterStore parameters = ParameterStore.FromRecipe(graph.Parameters, options.Gain);
        if (options.Parts.Any(p => p is "threads" or "busy" or "callers"))
        {
            using IPlan one = new ManagedEngine().Compile(graph, parameters, new EngineOptions { Threads = 1 }), all = new ManagedEngine().Compile(graph, parameters, new EngineOptions { Threads = options.Threads });
            if (options.Parts.Contains("threads"))
                Threads(model, Work(one, 8), Work(all, 8));
            if (options.Parts.Contains("busy"))
            {
                Busy(model, 8, Work(all, 8));
                Busy(model, 1, Work(all, 1));
            }
            if (options.Parts.Contains("callers"))
                Callers(model, Work(all, 8), Work(all, 8));
        }
        if (options.Parts.Any(p => p is "memory" or "first"))
        {
            string onnx = ModelBenchmark.Export(model, graph, parameters) ?? throw new ArgumentException($"{model} has no ONNX file to be compared with.");
            string safetensors = Path.ChangeExtension(onnx, ".safetensors");
            SafetensorsWriter.Write(safetensors, parameters.Tensors);
            Shape shape = graph.Inputs[0].Shape;
            if (options.Parts.Contains("memory"))
                Memory(model, safetensors, onnx, shape);
            if (options.Parts.Contains("first"))
                First(model, safetensors, onnx, shape);
        }
    }

    private void Threads(string model, Action one, Action all)
    {
        List<double> single = [], shared = [];
        for (int i = 0; i < options.Runs; i++)
        {
            single.Add(Milliseconds(one));
            shared.Add(Milliseconds(all));
        }
        Report(model, "threads", 8, Timing.Median(single) / Timing.Median(shared), "at least 1.85", ("ms of 1 thread", Timing.Median(single)), ($"ms of {options.Threads}", Timing.Median(shared)), ("by smallest", single.Min() / shared.Min()));
    }

    private void Busy(string model, int batch, Action all)
    {
        List<double> quiet = [], busy = [];
        TimeSpan processor = default;
        for (int i = 0; i < options.Runs; i += Turn)
        {
            for (int k = 0; k < Turn; k++)
                quiet.Add(Milliseconds(all));
            using var other = new BusyCore();
            TimeSpan before = Environment.CpuUsage.TotalTime;
            for (int k = 0; k < Turn; k++)
                busy.Add(Milliseconds(all));
            processor += Environment.CpuUsage.TotalTime - before;
        }
        Report(model, "busy", batch, Timing.Median(busy) / Timing.Median(quiet), "at most 1.6", ("ms quiet", Timing.Median(quiet)), ("ms busy", Timing.Median(busy)), ("longest busy", busy.Max()), ("processors had", processor.TotalMilliseconds / busy.Sum()));
    }

    private void Callers(string model, params Action[] callers)
    {
        var alone = new List<double>();
        List<double>[] together = [[], []];
        for (int i = 0; i < options.Runs; i += Turn)
        {
            for (int k = 0; k < Turn; k++)
                alone.Add(Milliseconds(callers[0]));
            using var start = new Barrier(callers.Length);
            int ended = 0;
            // Runs count while the other caller runs too: who is done first ends both.
            Parallel.Invoke([.. callers.Select<Action, Action>((run, c) => () =>
            {
                start.SignalAndWait();
                for (int k = 0; k < Turn && Volatile.Read(ref ended) == 0; k++)
                    together[c].Add(Milliseconds(run));
                Volatile.Write(ref ended, 1);
            })]);
        }
        double[] times = [.. together.Select(t => t.Average() / alone.Average())];
        Report(model, "callers", 8, times.Max() / times.Min(), "near 1, each near 2", ("first ÷ alone", times[0]), ("second ÷ alone", times[1]), ("images/s of both ÷ of one", times.Sum(t => 1 / t)), ("ms alone", alone.Average()));
    }

    private void Memory(string model, string safetensors, string onnx, Shape shape)
    {
        (FreshModel[] ours, FreshModel[] theirs) = Fresh(model, safetensors, onnx, shape, 8, 2, 3);
        double here = Timing.Median(ours.Select(f => f.PeakMegabytes)), there = Timing.Median(theirs.Select(f => f.PeakMegabytes));
        Report(model, "memory", 8, here / there, "at most 1", ("MB", here), ("MB of ONNX Runtime", there));
    }

    private void First(string model, string safetensors, string onnx, Shape shape)
    {
        (FreshModel[] ours, FreshModel[] theirs) = Fresh(model, safetensors, onnx, shape, 1, 1, options.Runs);
        double here = Timing.Median(ours.Select(f => f.First)), there = Timing.Median(theirs.Select(f => f.First));
        Report(model, "first", 1, here / there, "at most 1", ("ms", here), ("ms of ONNX Runtime", there), ("open and build", Timing.Median(ours.Select(f => f.Open))), ("compile", Timing.Median(ours.Select(f => f.Compile))),
            ("run", Timing.Median(ours.Select(f => f.FirstRun))), ("just-in-time compilation on all threads", Timing.Median(ours.Select(f => f.Jit))), ("processor time", Timing.Median(ours.Select(f => f.Processor))),
            ("ONNX Runtime's processor time", Timing.Median(theirs.Select(f => f.Processor))));
    }

    private (FreshModel[] Ours, FreshModel[] Theirs) Fresh(string model, string safetensors, string onnx, Shape shape, int batch, int runs, int processes)
    {
        (FreshModel Ours, FreshModel Theirs)[] pairs = [.. Enumerable.Range(0, processes).Select(_ => (One(safetensors), One(onnx)))];
        return ([.. pairs.Select(p => p.Ours)], [.. pairs.Select(p => p.Theirs)]);

        FreshModel One(string file) => FreshModel.InNewProcess(model, file, shape, batch, runs, options.Threads);
    }

    /// <summary>Runs of a plan with buffers of their own, warm.</summary>
    private static Action Work(IPlan plan, int batch)
    {
        var input = new float[batch * plan.Graph.Inputs[0].Shape.Length];
        for (int i = 0; i < input.Length; i++)
            input[i] = MathF.Sin(i * 0.37f);
        Memory<float>[] outputs = [.. plan.Graph.Outputs.Select(o => new Memory<float>(new float[batch * o.Shape.Length]))];
        Timing.WarmUp(Run);
        return Run;

        void Run() => plan.Run(batch, [input], outputs);
    }

    private static double Milliseconds(Action run)
    {
        long start = Stopwatch.GetTimestamp();
        run();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private void Report(string model, string part, int batch, double ratio, string target, params (string Name, double Value)[] figures)
        => Console.WriteLine(options.Json
            ? JsonSerializer.Serialize(new { model, part, batch, threads = options.Threads, ratio = Math.Round(ratio, 4), target, figures = figures.ToDictionary(f => f.Name, f => Math.Round(f.Value, 4)) })
            : $"{model} {part}, batch {batch}: {ratio:f2} (target: {target}); {string.Join(", ", figures.Select(f => $"{f.Name} {f.Value:f2}"))}");
}
