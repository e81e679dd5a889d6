using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Graphs;
using Backbones.Models;
using Backbones.Onnx;
using Backbones.Weights;

namespace Bench;

/// <summary>Times whole models on the managed engine and ONNX Runtime side by side: rounds of both alternate, so that a busy machine hits both.</summary>
internal sealed class ModelBenchmark(BenchOptions options)
{
    /// <summary>Time for the threads of the engine that ran before to go to sleep: ONNX Runtime's spin for 40 ms.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    public void Run(string model)
    {
        Graph graph = ModelCatalog.Find(model).Build(options.ImageSize is int size ? BuildOptions.Default with { ImageSize = new Size2(size, size) } : BuildOptions.Default).Graph;
        using ParameterStore parameters = ParameterStore.FromRecipe(graph.Parameters, options.Gain);
        using IPlan plan = new ManagedEngine().Compile(graph, parameters, new EngineOptions { Threads = options.Threads });
        using IPlan? half = options.HalfWeights ? new ManagedEngine().Compile(graph, parameters, new EngineOptions { Threads = options.Threads, Precision = Precision.Float16Weights }) : null;
        string? file = options.WithOnnxRuntime ? Export(model, graph, parameters) : null;
        using OnnxRuntimeModel? runtime = file is null ? null : new OnnxRuntimeModel(file, options.Threads);
        foreach (int batch in options.Batches)
            Measure(model, plan, half, runtime, batch);
    }

    /// <summary>The network as an ONNX file; null, and a line on the error output, where it cannot be one.</summary>
    public static string? Export(string model, Graph graph, ParameterStore parameters)
    {
        string path = Path.Combine(Repository.Artifacts, "bench", model + ".onnx");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        try
        {
            OnnxExporter.Export(graph, parameters, path, new OnnxExportOptions { Name = model });
            return path;
        }
        catch (NotSupportedException e)
        {
            Console.Error.WriteLine($"{e.Message} Measuring without ONNX Runtime.");
            return null;
        }
    }

    private void Measure(string model, IPlan plan, IPlan? half, OnnxRuntimeModel? runtime, int batch)
    {
        Shape shape = plan.Graph.Inputs[0].Shape;
        var input = new float[batch * shape.Length];
        for (int i = 0; i < input.Length; i++)
            input[i] = (float)Math.Sin(i * 0.37);
        Memory<float>[] outputs = [.. plan.Graph.Outputs.Select(o => new Memory<float>(new float[batch * o.Shape.Length]))];

        var managed = new List<double>();
        var onnx = new List<double>();
        var halves = new List<double>();
        if (half is not null)
            Timing.WarmUp(() => half.Run(batch, [input], outputs));
        Timing.WarmUp(() => plan.Run(batch, [input], outputs));
        if (runtime is not null)
            CheckSame(model, outputs[0].Span, runtime.Run(batch, shape, input)[0].Values);
        for (int done = 0; done < options.Runs;)
        {
            int runs = Math.Min(5, options.Runs - done);
            Time(managed, runs, batch, () => plan.Run(batch, [input], outputs));
            if (half is not null)
                Time(halves, runs, batch, () => half.Run(batch, [input], outputs));
            if (runtime is not null)
                Time(onnx, runs, batch, () => runtime.Run(batch, shape, input));
            done += runs;
        }
        Report(model, "managed", batch, managed);
        if (half is not null)
        {
            Report(model, "float16-weights", batch, halves);
            if (!options.Json)
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{model} batch {batch}: float16-weights / managed = {halves.Min() / managed.Min():f3} (min), {Timing.Median(halves) / Timing.Median(managed):f3} (median)"));
        }
        if (runtime is null)
            return;
        Report(model, "onnxruntime", batch, onnx);
        if (!options.Json)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{model} batch {batch}: managed / onnxruntime = {managed.Min() / onnx.Min():f3} (min), {Timing.Median(managed) / Timing.Median(onnx):f3} (median)"));
    }

    /// <summary>One engine's turn, after a run that wakes its threads.</summary>
    private static void Time(List<double> times, int runs, int batch, Action run)
    {
        Thread.Sleep(Pause);
        run();
        for (int i = 0; i < runs; i++)
        {
            long start = Stopwatch.GetTimestamp();
            run();
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds / batch);
        }
    }

    /// <summary>Times of two engines compare only where they compute the same.</summary>
    private static void CheckSame(string model, ReadOnlySpan<float> managed, ReadOnlySpan<float> onnx)
    {
        double difference = 0, norm = 0;
        for (int i = 0; i < managed.Length; i++)
        {
            difference += Math.Pow((double)managed[i] - onnx[i], 2);
            norm += Math.Pow(managed[i], 2);
        }
        double error = Math.Sqrt(difference / norm);
        if (!(error < 1e-3))
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"{model}: the engines disagree by {error:e2} (relative)."));
    }

    private void Report(string model, string engine, int batch, List<double> times)
    {
        if (options.Json)
            Console.WriteLine(JsonSerializer.Serialize(new { model, engine, batch, threads = options.Threads, min_ms = Math.Round(times.Min(), 4), median_ms = Math.Round(Timing.Median(times), 4) }));
        else
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{model} batch {batch} {engine}: min {times.Min():f2} ms, median {Timing.Median(times):f2} ms per image"));
    }
}
