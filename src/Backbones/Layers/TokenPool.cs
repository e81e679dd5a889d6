using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>timm's <c>global_pool_nlc</c>: pooling of tokens <c>[P + L, C]</c> to <c>[C]</c>.</summary>
internal static class TokenPool
{
    /// <summary>The valid names; '' passes the tokens through.</summary>
    public static readonly string[] Names = ["", "token", "avg", "max", "avgmax"];

    /// <summary>Pools over the patches, or takes the first token.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="x">Tokens.</param>
    /// <param name="pool">One of <see cref="Names"/>.</param>
    /// <param name="prefixTokens">Class and register tokens before the patches, left out.</param>
    /// <exception cref="GraphException">Unknown pool type.</exception>
    public static Node Pool(GraphBuilder b, Node x, string pool, int prefixTokens)
    {
        if (pool.Length == 0)
            return x;
        if (pool == "token")
            return b.Reshape(b.Slice(x, 0, 0, 1), [x.Shape[1]]);
        x = WithoutPrefix(b, x, prefixTokens);
        return pool switch
        {
            "avg" => b.Reduce(x, ReduceKind.Mean, [0]),
            "max" => b.Reduce(x, ReduceKind.Max, [0]),
            "avgmax" => b.Affine(b.Add(b.Reduce(x, ReduceKind.Max, [0]), b.Reduce(x, ReduceKind.Mean, [0])), 0.5f),
            _ => throw new GraphException($"Unknown pool type '{pool}'. Valid types for tokens are {string.Join(", ", Names.Select(n => $"'{n}'"))}.{NearestName.Suggest(pool, Names)}"),
        };
    }

    /// <summary>Refuses a pool type that timm's model does not know.</summary>
    internal static void Require(string pool, params ReadOnlySpan<string> valid)
    {
        if (!valid.Contains(pool))
            throw new GraphException($"Unknown pool type '{pool}'. Valid types of this model are {string.Join(", ", valid.ToArray().Select(n => $"'{n}'"))}.{NearestName.Suggest(pool, valid.ToArray())}");
    }

    /// <summary>The patches alone.</summary>
    internal static Node WithoutPrefix(GraphBuilder b, Node x, int prefixTokens) => b.Slice(x, 0, prefixTokens, x.Shape[0] - prefixTokens);
}
