using System.Diagnostics;
using System.Text.Json;
using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Engines.Torch;
using Backbones.Graphs;
using Backbones.Models;
using Backbones.Weights;

namespace Bench.Torch;

/// <summary>
/// Times the TorchSharp engine beside the same graph as an eager module, operator by operator as PyTorch runs timm's, and beside the managed
/// engine. Rounds of all alternate, so that a busy machine hits all; an input begins and a result ends in a .NET array.
/// </summary>
internal sealed class TorchSharpBenchmark(BenchOptions options)
{
    /// <summary>Time for the threads of the engine that ran before to go to sleep.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(30);

    public void Run(string model)
    {
        Graph graph = ModelCatalog.Find(model).Build(BuildOptions.Default).Graph;
        using ParameterStore parameters = ParameterStore.FromRecipe(graph.Parameters, 1.0);
        var contenders = new List<Contender>();
        try
        {
            foreach (Precision precision in options.Precisions)
            {
                contenders.Add(new Contender("eager", precision, new EagerModule(model, graph, parameters, precision, options)));
                if (!options.Layouts)
                    contenders.Add(new Contender("engine", precision, Plan(null, precision)));
                foreach (bool channelsLast in options.Layouts ? (bool[])[false, true] : [])
                    contenders.Add(new Contender(channelsLast ? "engine-nhwc" : "engine-nchw", precision, Plan(channelsLast, precision)));
            }
            if (!options.Layouts)
                contenders.Add(new Contender("managed", Precision.Float32, new ManagedEngine().Compile(graph, parameters, new EngineOptions { Threads = options.Threads })));
            foreach (int batch in options.Batches)
                Measure(model, graph, contenders, batch);
        }
        finally
        {
            contenders.ForEach(c => c.Plan.Dispose());
        }

        IPlan Plan(bool? channelsLast, Precision precision)
            => new TorchSharpEngine(new TorchSharpOptions { Device = options.Device, ChannelsLast = channelsLast }).Compile(graph, parameters, new EngineOptions { Threads = options.Threads, Precision = precision });
    }

    private void Measure(string model, Graph graph, List<Contender> contenders, int batch)
    {
        var input = new float[batch * graph.Inputs[0].Shape.Length];
        RecipeWeights.FillInput(input);
        var output = new float[batch * graph.Outputs[0].Shape.Length];
        float[]? first = null;
        foreach (Contender contender in contenders)
        {
            contender.Milliseconds.Clear();
            contender.Plan.Run(batch, [input], [output]);
            first ??= [.. output];
            CheckSame(model, contender, first, output);
        }
        for (int round = 0; round < options.Runs; round++)
        {
            foreach (Contender contender in contenders)
            {
                Thread.Sleep(Pause);
                long start = Stopwatch.GetTimestamp();
                contender.Plan.Run(batch, [input], [output]);
                contender.Milliseconds.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds / batch);
            }
        }
        foreach (Contender contender in contenders)
            Report(model, contender, contenders[0], batch);
    }

    /// <summary>Times compare only where the same is computed.</summary>
    private static void CheckSame(string model, Contender contender, float[] expected, float[] actual)
    {
        double difference = 0, norm = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            difference += Math.Pow((double)expected[i] - actual[i], 2);
            norm += Math.Pow(expected[i], 2);
        }
        double error = Math.Sqrt(difference / norm);
        if (!(error < (contender.Precision == Precision.Float32 ? 1e-3 : 0.1)))
            throw new InvalidOperationException($"{model}: {contender.Name} in {contender.Precision} differs by {error:e2} (relative).");
    }

    /// <summary>The ratio is the median of the rounds' ratios: what slows the machine for a while slows a whole round.</summary>
    private void Report(string model, Contender contender, Contender baseline, int batch)
    {
        double ratio = Timing.Median([.. contender.Milliseconds.Zip(baseline.Milliseconds, (t, b) => t / b)]);
        double min = contender.Milliseconds.Min(), median = Timing.Median(contender.Milliseconds);
        Console.WriteLine(options.Json
            ? JsonSerializer.Serialize(new { model, engine = contender.Name, precision = $"{contender.Precision}", batch, threads = options.Threads, device = options.Device, min_ms = Math.Round(min, 4), median_ms = Math.Round(median, 4), ratio = Math.Round(ratio, 3) })
            : $"{model} batch {batch} {contender.Name,-11} {contender.Precision,-8}: min {min,7:f2} ms, median {median,7:f2} ms per image; {ratio:f2} of {baseline.Name} {baseline.Precision}");
    }

    private sealed record Contender(string Name, Precision Precision, IPlan Plan)
    {
        public List<double> Milliseconds { get; } = [];
    }
}
