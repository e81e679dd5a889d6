using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>timm.layers.SelectAdaptivePool2d: global pooling of a map <c>[C, H, W]</c>, chosen by name.</summary>
internal static class GlobalPool
{
    /// <summary>The valid names.</summary>
    public static readonly string[] Names = ["", "avg", "max", "avgmax", "catavgmax", "fast", "fastavg", "fastmax", "fastavgmax", "fastcatavgmax"];

    /// <summary>Channels of the pooled features for one channel of the map.</summary>
    public static int Multiplier(string pool) => pool.EndsWith("catavgmax", StringComparison.Ordinal) ? 2 : 1;

    /// <summary>Pools to <c>[C]</c> (flatten) or <c>[C, 1, 1]</c>; '' passes the map through.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="name">Module name, usually <c>global_pool</c>.</param>
    /// <param name="x">Map <c>[C, H, W]</c>, or <c>[H, W, C]</c> with <paramref name="channelsLast"/>.</param>
    /// <param name="pool">Pool type.</param>
    /// <param name="flatten">Drop the two map dimensions.</param>
    /// <param name="channelsLast">Layout of x; channels-last maps are always pooled the 'fast' way.</param>
    /// <exception cref="GraphException">Unknown pool type.</exception>
    public static Node Pool(GraphBuilder b, string name, Node x, string pool, bool flatten, bool channelsLast = false)
    {
        if (!Names.Contains(pool))
            throw new GraphException($"Unknown pool type '{pool}'. Valid types are {string.Join(", ", Names.Select(n => $"'{n}'"))}.{NearestName.Suggest(pool, Names)}");
        using (b.Scope(name))
        {
            if (pool.Length == 0)
                return b.Identity("flatten", b.Identity("pool", x));
            bool fast = pool.StartsWith("fast", StringComparison.Ordinal) || channelsLast;
            string kind = pool.StartsWith("fast", StringComparison.Ordinal) ? pool[4..] : pool;
            bool keep = !fast || !flatten;
            Node Pooled() => Combine(b, x, kind, keep, channelsLast ? [0, 1] : [1, 2], channelsLast && keep ? 2 : 0);
            // timm's own modules are looked into by FX, PyTorch's are not.
            Node pooled = fast ? Inside("pool", Pooled) : b.Leaf("pool", Pooled);
            return fast || !flatten ? b.Identity("flatten", pooled) : b.Module("flatten", new ReshapeOp([pooled.Shape[0]]), pooled);
        }

        Node Inside(string module, Func<Node> body)
        {
            using (b.Scope(module))
                return body();
        }
    }

    /// <summary>Refuses a pool type that a model's own way of pooling has not.</summary>
    internal static void Require(string pool, params ReadOnlySpan<string> valid)
    {
        if (!valid.Contains(pool))
            throw new GraphException($"Pool type '{pool}' is not supported; valid types of this model are '{string.Join("', '", valid.ToArray())}'.{NearestName.Suggest(pool, valid.ToArray())}");
    }

    /// <summary>Refuses a pool type that does not give the channels of the map, for heads with layers behind the pooling.</summary>
    internal static void RequireChannels(string pool, int channels, bool unpooled = true)
    {
        string[] valid = [.. Names.Where(n => Multiplier(n) == 1 && (unpooled || n.Length > 0))];
        if (!valid.Contains(pool))
            throw new GraphException($"Pool type '{pool}' does not fit this model, whose head has layers behind the pooling for {channels} channels; valid types are '{string.Join("', '", valid)}'.{NearestName.Suggest(pool, valid)}");
    }

    /// <summary>The <c>flatten</c> that timm's models have behind a pooling that keeps the map's dimensions: <c>[C, 1, 1]</c> → <c>[C]</c>, a map that is not pooled passes through.</summary>
    public static Node Flatten(GraphBuilder b, Node x, string pool) => pool.Length > 0 ? b.Module("flatten", new ReshapeOp([x.Shape[0]]), x) : b.Identity("flatten", x);

    private static Node Combine(GraphBuilder b, Node x, string kind, bool keep, int[] axes, int channelAxis)
    {
        Node Average() => b.Reduce(x, ReduceKind.Mean, axes, keep);
        Node Maximum() => b.Reduce(x, ReduceKind.Max, axes, keep);
        return kind switch
        {
            "" or "avg" => Average(),
            "max" => Maximum(),
            "avgmax" => b.Affine(b.Add(Average(), Maximum()), 0.5f),
            _ => b.Concat(channelAxis, [Average(), Maximum()]),
        };
    }
}
