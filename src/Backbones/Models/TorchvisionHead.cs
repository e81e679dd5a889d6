using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>What the ends of torchvision's models have in common: the mean over the map as the only pooling, and a linear layer.</summary>
internal static class TorchvisionHead
{
    /// <summary>The mean over a map: <c>[C, H, W]</c> → <c>[C]</c>.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="x">The map.</param>
    /// <param name="options">The pool type is 'avg', or '' for the map itself, which a classifier cannot take.</param>
    /// <param name="name">The pooling's name: of a module or a function that keeps both axes, with <c>flatten</c> behind it; <c>mean</c> for the function that drops them.</param>
    /// <exception cref="GraphException">Another pool type, or a classifier over the map.</exception>
    public static Node Pool(GraphBuilder b, Node x, ModelOptions options, string name = "avgpool")
    {
        RequirePool(x, options);
        bool keep = name != "mean";
        if (options.GlobalPool.Length == 0)
            return x;
        x = Mean(b, name, x, keep);
        return keep ? b.Flatten(x) : x;
    }

    /// <summary>The mean over a map, as a module or function of that name: <c>[C, H, W]</c> → <c>[C, 1, 1]</c>, or <c>[C]</c>.</summary>
    public static Node Mean(GraphBuilder b, string name, Node x, bool keep = true) => b.Module(name, new ReduceOp(ReduceKind.Mean, [1, 2], keep), x);

    /// <summary>Refuses what is no pooling of torchvision's models, and a classifier over a map that is not pooled.</summary>
    public static void RequirePool(Node x, ModelOptions options)
    {
        if (options.GlobalPool is not ("avg" or ""))
            throw new GraphException($"Pool type '{options.GlobalPool}' is not one of torchvision's models; valid types are 'avg' and ''.");
        Classifier.RequirePool(x, options.NumClasses, options.GlobalPool);
    }

    /// <summary>The classifier of most models: dropout <c>classifier.0</c> and linear layer <c>classifier.1</c>.</summary>
    public static Node DropoutLinear(GraphBuilder b, Node pooled, ModelOptions options) => Classifier.Fc(b, "classifier.1", b.Identity("classifier.0", pooled), options.NumClasses);

    /// <summary>Adds a level to a pyramid that has the last map of each size.</summary>
    public static void SetLast(this List<FeatureLevel> levels, int reduction, string module, Node map)
    {
        if (levels is [.., { Reduction: var last }] && last == reduction)
            levels.RemoveAt(levels.Count - 1);
        levels.Add(new FeatureLevel(map.Shape[0], reduction, module, map));
    }
}
