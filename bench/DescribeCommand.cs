using System.Collections.Concurrent;
using System.Diagnostics;
using Backbones;
using Backbones.Graphs;
using Backbones.Models;
using Backbones.Registry;

namespace Bench;

/// <summary>Builds every architecture at its own size and says what its pooled features, its pyramid and its hidden states are: what a list or a choice of models costs. No weights are made.</summary>
internal static class DescribeCommand
{
    public const string Usage = "       Bench describe [FILTER]";

    /// <returns>The exit code.</returns>
    public static int Run(string[] arguments)
    {
        if (arguments.Length > 1)
            throw new ArgumentException($"'{arguments[1]}': one filter of names is taken.");
        IReadOnlyList<string> names = ModelNames.List(arguments.Length == 0 ? null : arguments);
        var times = new ConcurrentBag<(string Name, double Milliseconds)>();
        long nodes = 0, start = Stopwatch.GetTimestamp();
        Parallel.ForEach(names, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, name =>
        {
            long begin = Stopwatch.GetTimestamp();
            BackboneGraph backbone = ModelCatalog.Find(name).Build(BuildOptions.Default);
            SelectedFeatures.Choose(backbone, FeatureSelection.Pooled());
            if (backbone.HasPyramid)
                SelectedFeatures.Choose(backbone, FeatureSelection.Pyramid());
            if (backbone.Intermediates is not null)
                SelectedFeatures.Choose(backbone, FeatureSelection.Intermediates());
            Interlocked.Add(ref nodes, backbone.Graph.Nodes.Length);
            times.Add((name, Stopwatch.GetElapsedTime(begin).TotalMilliseconds));
        });
        Console.WriteLine(FormattableString.Invariant(
            $"{names.Count} architectures, {nodes} nodes built and described in {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s on {Environment.ProcessorCount} cores; {Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MB at most"));
        foreach ((string name, double milliseconds) in times.OrderByDescending(t => t.Milliseconds).Take(5))
            Console.WriteLine(FormattableString.Invariant($"  {name,-50} {milliseconds,8:0} ms"));
        return 0;
    }
}
