using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>timm.layers.create_classifier: global pooling and a fully connected layer.</summary>
public static class Classifier
{
    /// <summary>Adds <c>global_pool</c> and the classifier; without classes the classifier is an identity.</summary>
    /// <returns>The classifier's input and its result.</returns>
    public static (Node PreLogits, Node Logits) Build(GraphBuilder b, Node x, int numClasses, string pool, string name = "fc", bool useConv = false, string poolName = "global_pool")
    {
        Node pooled = GlobalPool.Pool(b, poolName, x, pool, flatten: !useConv && pool.Length > 0);
        return (pooled, Fc(b, name, pooled, numClasses, useConv));
    }

    /// <summary>The classifier alone: nn.Linear over pooled features, or over the last axis, which an unpooled map has to fit.</summary>
    public static Node Fc(GraphBuilder b, string name, Node x, int numClasses, bool useConv = false)
    {
        if (numClasses <= 0)
            return b.Identity(name, x);
        if (useConv)
            return b.Conv2d(name, x, numClasses, 1, bias: true);
        if (b.ConvWidths is null)
            return b.Linear(name, x, numClasses);
        // timm's pruning puts a linear layer of its own there, which FX looks into.
        using (b.Scope(name))
            return b.Function("linear", new LinearOp(true), x, b.Parameter("weight", [numClasses, x.Shape[^1]]), b.Parameter("bias", [numClasses]));
    }
}
