using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>timm.layers.create_classifier: global pooling and a fully connected layer.</summary>
internal static class Classifier
{
    /// <summary>Adds <c>global_pool</c> and the classifier; without classes the classifier is an identity.</summary>
    /// <returns>The classifier's input and its result.</returns>
    /// <exception cref="GraphException">A classifier over an unpooled map.</exception>
    public static (Node PreLogits, Node Logits) Build(GraphBuilder b, Node x, int numClasses, string pool, string name = "fc", bool useConv = false, string poolName = "global_pool")
    {
        if (!useConv)
            RequirePool(x, numClasses, pool);
        Node pooled = GlobalPool.Pool(b, poolName, x, pool, flatten: !useConv && pool.Length > 0);
        return (pooled, Fc(b, name, pooled, numClasses, useConv));
    }

    /// <summary>The same with a dropout before the classifier, <c>head_drop</c>.</summary>
    public static (Node PreLogits, Node Logits) WithDrop(GraphBuilder b, Node x, int numClasses, string pool, string name = "fc")
    {
        RequirePool(x, numClasses, pool);
        x = b.Identity("head_drop", GlobalPool.Pool(b, "global_pool", x, pool, flatten: pool.Length > 0));
        return (x, Fc(b, name, x, numClasses));
    }

    /// <summary>The classifier alone: nn.Linear over pooled features, or over the last axis, which an unpooled map has to fit.</summary>
    public static Node Fc(GraphBuilder b, string name, Node x, int numClasses, bool useConv = false)
    {
        if (numClasses <= 0)
            return b.Identity(name, x);
        if (useConv)
            return b.Conv2d(name, x, numClasses, 1, bias: true);
        // timm's pruning puts a linear layer of its own there.
        return b.ConvWidths is null ? b.Linear(name, x, numClasses) : TimmLinear(b, name, x, numClasses);
    }

    /// <summary>timm.layers.Linear: nn.Linear as a module that FX looks into.</summary>
    public static Node TimmLinear(GraphBuilder b, string name, Node x, int outFeatures)
    {
        using (b.Scope(name))
            return b.Function("linear", new LinearOp(true), x, b.Parameter("weight", [outFeatures, x.Shape[^1]]), b.Parameter("bias", [outFeatures]));
    }

    /// <summary>Refuses a linear classifier over a map that is not pooled.</summary>
    internal static void RequirePool(Node x, int numClasses, string pool)
    {
        if (pool.Length == 0 && numClasses > 0)
            throw new GraphException($"Pool type '' leaves a map {x.Shape}, which this head's classifier cannot take; ask for no classes, or for one of {string.Join(", ", GlobalPool.Names.Skip(1).Select(n => $"'{n}'"))}.");
    }
}
