using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>The pooling of timm's models that know none but the mean (<c>global_pool</c> 'avg' or '').</summary>
internal static class MeanPool
{
    /// <summary>The mean over <paramref name="axes"/>, or x itself where <paramref name="pool"/> is ''.</summary>
    /// <exception cref="GraphException">Another pool type.</exception>
    public static Node Build(GraphBuilder b, Node x, string pool, ReadOnlySpan<int> axes)
    {
        GlobalPool.Require(pool, "avg", "");
        return pool.Length == 0 ? x : b.Reduce(x, ReduceKind.Mean, axes);
    }
}
