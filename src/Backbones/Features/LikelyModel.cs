using Backbones.Graphs;
using Backbones.Models;
using Backbones.Weights;

namespace Backbones;

/// <summary>Guesses which model weights are of, for error messages.</summary>
internal static class LikelyModel
{
    /// <summary>The model most of whose keys and shapes the weights have; null if none has nearly all. Classifiers may differ.</summary>
    public static string? Find(ParameterStore weights)
    {
        int stored = weights.Tensors.Count(t => !ParameterStore.IsBatchCounter(t.Name));
        (string? best, double most) = (null, 0.9);
        foreach (string name in ModelCatalog.Names)
        {
            double share = Share(ModelCatalog.Find(name).Build(BuildOptions.Default).Graph, weights, stored, most);
            if (share > most)
                (best, most) = (name, share);
        }
        return best;
    }

    /// <summary>Entries that both have, among all that one of them has.</summary>
    private static double Share(Graph model, ParameterStore weights, int stored, double atLeast)
    {
        ParameterSpec[] specs = [.. model.Parameters.Where(p => !ParameterStore.IsBatchCounter(p.Name))];
        if (Math.Min(specs.Length, stored) < atLeast * Math.Max(specs.Length, stored))
            return 0;
        int both = specs.Count(p => weights.TryGet(p.Name, out ParameterTensor? tensor) && tensor.Shape == p.Shape);
        return (double)both / (specs.Length + stored - both);
    }
}
