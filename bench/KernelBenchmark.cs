using System.Diagnostics;
using System.Text.Json;
using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Graphs;
using Backbones.Models;
using Backbones.Weights;

namespace Bench;

/// <summary>Times each step of a model inside its plan, so with the caches as they are in use: the shortest time of all runs, and GFLOP/s of products.</summary>
internal sealed class KernelBenchmark(BenchOptions options)
{
    public void Run(string model)
    {
        Graph graph = ModelCatalog.Find(model).Build(BuildOptions.Default).Graph;
        using ParameterStore parameters = ParameterStore.FromRecipe(graph.Parameters, 1.0);
        using var plan = (ManagedPlan)new ManagedEngine().Compile(graph, parameters, new EngineOptions { Threads = options.Threads });
        foreach (int batch in options.Batches)
            Measure(model, plan, batch);
    }

    private void Measure(string model, ManagedPlan plan, int batch)
    {
        var input = new float[batch * plan.Graph.Inputs[0].Shape.Length];
        RecipeWeights.FillInput(input);
        Memory<float>[] outputs = [.. plan.Graph.Outputs.Select(o => new Memory<float>(new float[batch * o.Shape.Length]))];
        Timing.WarmUp(() => plan.Run(batch, [input], outputs));
        long[] best = new long[plan.Steps.Length];
        Array.Fill(best, long.MaxValue);
        for (int run = 0; run < options.Runs; run++)
        {
            long[] times = new long[best.Length];
            plan.StepTimes = times;
            plan.Run(batch, [input], outputs);
            for (int i = 0; i < best.Length; i++)
                best[i] = Math.Min(best[i], times[i]);
        }
        plan.StepTimes = null;
        for (int i = 0; i < best.Length; i++)
            Report(model, plan.Steps[i], batch, best[i] * 1e3 / Stopwatch.Frequency / batch);
        Report(model, "all", "", batch, best.Sum() * 1e3 / Stopwatch.Frequency / batch, plan.Steps.ToArray().Sum(s => s.Step.MultiplyAdds));
    }

    private void Report(string model, PlannedStep step, int batch, double milliseconds)
        => Report(model, step.Node, step.Step.GetType().Name.Split('`')[0], batch, milliseconds, step.Step.MultiplyAdds);

    private void Report(string model, string node, string kernel, int batch, double milliseconds, long multiplyAdds)
    {
        double gflops = 2 * multiplyAdds / milliseconds / 1e6;
        if (options.Json)
            Console.WriteLine(JsonSerializer.Serialize(new { model, node, kernel, batch, threads = options.Threads, min_ms = Math.Round(milliseconds, 5), gflops = Math.Round(gflops, 1) }));
        else
            Console.WriteLine($"{node,-32} {kernel,-18} {milliseconds,9:f4} ms {(multiplyAdds > 0 ? $"{gflops,8:f1} GFLOP/s" : "")}");
    }
}
