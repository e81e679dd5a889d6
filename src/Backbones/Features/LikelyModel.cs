using System.Globalization;
using Backbones.Graphs;
using Backbones.Models;
using Backbones.Weights;

namespace Backbones;

/// <summary>Guesses which model weights are of, for error messages.</summary>
internal static class LikelyModel
{
    /// <summary>So many models of nearly the same size are looked at: to build all takes a minute.</summary>
    private const int MaxCandidates = 32;

    /// <summary>The table of sizes in the assembly: <c>name entries elements</c> a line, made by <c>test/Conformance -- sizes</c>.</summary>
    private static readonly Lazy<IReadOnlyDictionary<string, ModelSize>> s_sizes = new(() =>
    {
        using StreamReader reader = new(typeof(LikelyModel).Assembly.GetManifestResourceStream("Models/sizes.txt")!);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' '))
            .ToDictionary(p => p[0], p => new ModelSize(int.Parse(p[1], CultureInfo.InvariantCulture), long.Parse(p[2], CultureInfo.InvariantCulture)));
    });

    /// <summary>Size of every architecture.</summary>
    public static IReadOnlyDictionary<string, ModelSize> Sizes => s_sizes.Value;

    /// <summary>The model most of whose keys and shapes the weights have; null if none has nearly all. Classifiers may differ, and the layout may be another that its family knows.</summary>
    public static string? Find(ParameterStore weights) => FindAll(weights).FirstOrDefault();

    /// <summary>All models that are as near as that one: what the weights compute may differ between them in what no key tells, such as padding, activations, or the input that they were trained for.</summary>
    public static IReadOnlyList<string> FindAll(ParameterStore weights)
    {
        ModelSize size = ModelSize.Of(weights.Tensors.Select(t => (t.Name, t.Shape)));
        ModelEntry[] candidates = [.. Sizes.Where(s => s.Value.Distance(size) < 1).OrderBy(s => s.Value.Distance(size)).ThenBy(s => s.Key, StringComparer.Ordinal)
            .Take(MaxCandidates).Select(s => ModelCatalog.Find(s.Key))];
        return Best(candidates, _ => weights) is { Count: > 0 } own ? own : Best(candidates, model => RemappedWeights.Apply(weights, model, BuildOptions.Default));
    }

    private static IReadOnlyList<string> Best(IEnumerable<ModelEntry> candidates, Func<ModelEntry, ParameterStore> weightsFor)
    {
        (List<string> best, double most) = ([], 0.9);
        foreach (ModelEntry model in candidates)
        {
            double share = Share(model.Build(BuildOptions.Default).Graph, weightsFor(model));
            if (share > most)
                (best, most) = ([], share);
            if (share == most)
                best.Add(model.Name);
        }
        return best;
    }

    /// <summary>Entries that both have, among all that one of them has.</summary>
    private static double Share(Graph model, ParameterStore weights)
    {
        ParameterSpec[] specs = [.. model.Parameters.Where(p => !ParameterStore.IsBatchCounter(p.Name))];
        int stored = weights.Tensors.Count(t => !ParameterStore.IsBatchCounter(t.Name));
        int both = specs.Count(p => weights.TryGet(p.Name, out ParameterTensor? tensor) && tensor.Shape == p.Shape);
        return (double)both / (specs.Length + stored - both);
    }
}

/// <summary>How large a state dict is, but for batch counters.</summary>
/// <param name="Entries">Number of entries.</param>
/// <param name="Elements">Elements of all of them.</param>
internal readonly record struct ModelSize(int Entries, long Elements)
{
    public static ModelSize Of(IEnumerable<(string Name, Shape Shape)> entries)
        => entries.Where(e => !ParameterStore.IsBatchCounter(e.Name)).Aggregate(default(ModelSize), (sum, e) => new(sum.Entries + 1, sum.Elements + e.Shape.Length));

    /// <summary>How much two differ; 1 where one has more than twice what the other has.</summary>
    public double Distance(ModelSize other) => Math.Max(Ratio(Entries, other.Entries), Ratio(Elements, other.Elements));

    private static double Ratio(long a, long b) => a > 0 && b > 0 ? Math.Abs(Math.Log2((double)a / b)) : double.PositiveInfinity;
}
