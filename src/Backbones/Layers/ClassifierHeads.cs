using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>The heads of <c>timm.layers.classifier</c> over a map <c>[C, H, W]</c>. Each gives the classifier's input (<c>pre_logits</c>) and its result.</summary>
internal static class ClassifierHeads
{
    /// <summary>timm.layers.ClassifierHead: pool, classifier.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="x">Map <c>[C, H, W]</c>.</param>
    /// <param name="numClasses">0 for no classifier.</param>
    /// <param name="pool">Pool type; '' for none.</param>
    /// <param name="name">Module name.</param>
    /// <param name="channelsLast">The map is <c>[H, W, C]</c>, which a classifier can take unpooled.</param>
    /// <exception cref="GraphException">A classifier over an unpooled map.</exception>
    public static (Node PreLogits, Node Logits) Pool(GraphBuilder b, Node x, int numClasses, string pool, string name = "head", bool channelsLast = false)
    {
        if (!channelsLast)
            Classifier.RequirePool(x, numClasses, pool);
        using (b.Scope(name))
        {
            x = b.Identity("drop", GlobalPool.Pool(b, "global_pool", x, pool, flatten: pool.Length > 0, channelsLast));
            return (x, b.Identity("flatten", Classifier.Fc(b, "fc", x, numClasses)));
        }
    }

    /// <summary>
    /// The same with a 1×1 convolution as classifier (<c>use_conv</c>), flattened at the end, so that it also takes a map that is not pooled. It has no scope of its own:
    /// some models have these modules in <c>head</c>, some at the root.
    /// </summary>
    /// <param name="b">The builder.</param>
    /// <param name="x">Map <c>[C, H, W]</c>.</param>
    /// <param name="numClasses">0 for no classifier.</param>
    /// <param name="pool">Pool type; '' for none: the result is a map.</param>
    /// <param name="fcName">The classifier's name.</param>
    /// <param name="dropName">The dropout's name; null where there is none.</param>
    public static (Node PreLogits, Node Logits) PoolConv(GraphBuilder b, Node x, int numClasses, string pool, string fcName = "fc", string? dropName = "drop")
    {
        x = GlobalPool.Pool(b, "global_pool", x, pool, flatten: false);
        if (dropName is not null)
            x = b.Identity(dropName, x);
        Node logits = Classifier.Fc(b, fcName, x, numClasses, useConv: true);
        return pool.Length == 0
            ? (x, b.Identity("flatten", logits))
            : (b.Module("#pre_logits", new ReshapeOp([x.Shape[0]]), x), b.Module("flatten", new ReshapeOp([logits.Shape[0]]), logits));
    }

    /// <summary>timm.layers.NormMlpClassifierHead: pool, norm, hidden layer (optional), classifier. Without pooling the layers are 1×1 convolutions.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="x">Map <c>[C, H, W]</c>.</param>
    /// <param name="numClasses">0 for no classifier.</param>
    /// <param name="pool">Pool type; '' for none.</param>
    /// <param name="norm">Normalisation of a map.</param>
    /// <param name="hidden">Width of the hidden layer; null for none.</param>
    /// <param name="act">Activation of the hidden layer.</param>
    /// <param name="name">Module name.</param>
    /// <exception cref="GraphException">A pool type that changes the number of channels, which the norm does not fit.</exception>
    public static (Node PreLogits, Node Logits) PoolNormMlp(GraphBuilder b, Node x, int numClasses, string pool, NormLayer norm, int? hidden, ActLayer act, string name = "head")
    {
        GlobalPool.RequireChannels(pool, x.Shape[0]);
        bool useConv = pool.Length == 0;
        using (b.Scope(name))
        {
            x = norm(b, "norm", GlobalPool.Pool(b, "global_pool", x, pool, flatten: false));
            x = useConv ? b.Identity("flatten", x) : b.Module("flatten", new ReshapeOp([x.Shape[0]]), x);
            if (hidden is { } width)
            {
                using (b.Scope("pre_logits"))
                    x = act(b, "act", useConv ? b.Conv2d("fc", x, width, 1, bias: true) : b.Linear("fc", x, width));
            }
            else
            {
                x = b.Identity("pre_logits", x);
            }
            x = b.Identity("drop", x);
            return (x, Classifier.Fc(b, "fc", x, numClasses, useConv));
        }
    }

    /// <summary>timm.layers.ClNormMlpClassifierHead: pool, norm, hidden layer (optional), classifier over tokens <c>[L, C]</c> or a map with channels last <c>[H, W, C]</c>.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="x">Tokens or map.</param>
    /// <param name="numClasses">0 for no classifier.</param>
    /// <param name="pool">'avg', 'max', 'avgmax', '' for none.</param>
    /// <param name="norm">Normalisation of the last axis.</param>
    /// <param name="hidden">Width of the hidden layer, with GELU behind it; null for none.</param>
    /// <exception cref="GraphException">Another pool type.</exception>
    public static (Node PreLogits, Node Logits) ChannelsLast(GraphBuilder b, Node x, int numClasses, string pool, NormLayer norm, int? hidden = null)
    {
        GlobalPool.Require(pool, "avg", "max", "avgmax", "");
        int[] axes = [.. Enumerable.Range(0, x.Shape.Rank - 1)];
        using (b.Scope("head"))
        {
            x = pool switch
            {
                "avg" => b.Reduce(x, ReduceKind.Mean, axes),
                "max" => b.Reduce(x, ReduceKind.Max, axes),
                "avgmax" => b.Affine(b.Add(b.Reduce(x, ReduceKind.Max, axes), b.Reduce(x, ReduceKind.Mean, axes)), 0.5f),
                _ => x,
            };
            x = norm(b, "norm", x);
            if (hidden is { } width)
            {
                using (b.Scope("pre_logits"))
                    x = ActLayers.Timm(UnaryKind.Gelu)(b, "act", b.Linear("fc", x, width));
            }
            else
            {
                x = b.Identity("pre_logits", x);
            }
            x = b.Identity("drop", x);
            return (x, Classifier.Fc(b, "fc", x, numClasses));
        }
    }

    /// <summary>Pool, <c>flatten</c> and a classifier (timm.layers.Linear), all in the scope that is open.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="x">Map <c>[C, H, W]</c>.</param>
    /// <param name="numClasses">0 for no classifier.</param>
    /// <param name="pool">Pool type; '' for none.</param>
    /// <param name="name">Name of the classifier.</param>
    /// <exception cref="GraphException">A classifier over an unpooled map.</exception>
    public static (Node PreLogits, Node Logits) PoolLinear(GraphBuilder b, Node x, int numClasses, string pool, string name)
    {
        Classifier.RequirePool(x, numClasses, pool);
        x = GlobalPool.Flatten(b, GlobalPool.Pool(b, "global_pool", x, pool, flatten: false), pool);
        return (x, numClasses > 0 ? Classifier.TimmLinear(b, name, x, numClasses) : b.Identity(name, x));
    }

    /// <summary>timm's 'efficient head': pool, 1×1 convolution <c>conv_head</c>, activation, classifier, all in the scope that is open. Without pooling the convolution is over the map.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="x">Map <c>[C, H, W]</c>.</param>
    /// <param name="numClasses">0 for no classifier.</param>
    /// <param name="pool">Pool type; '' for none.</param>
    /// <param name="width">Channels of the convolution.</param>
    /// <param name="act">Its activation.</param>
    /// <param name="actName">The activation's name.</param>
    /// <param name="bias">Whether the convolution has a bias.</param>
    /// <param name="dropout">Whether the classifier's input is dropped out in training by a function, which FX has as a node.</param>
    /// <exception cref="GraphException">A classifier over an unpooled map.</exception>
    public static (Node PreLogits, Node Logits) PoolConvAct(
        GraphBuilder b, Node x, int numClasses, string pool, int width, ActLayer act, string actName = "act2", bool bias = true, bool dropout = false)
    {
        Classifier.RequirePool(x, numClasses, pool);
        x = GlobalPool.Pool(b, "global_pool", x, pool, flatten: false);
        x = act(b, actName, b.Conv2d("conv_head", x, width, 1, bias: bias));
        x = GlobalPool.Flatten(b, x, pool);
        x = dropout ? b.Identity("dropout", x) : x;
        return (x, numClasses > 0 ? Classifier.TimmLinear(b, "classifier", x, numClasses) : b.Identity("classifier", x));
    }
}
