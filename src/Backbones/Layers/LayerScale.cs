using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>timm.layers.LayerScale and LayerScale2d: a learned factor for each channel. Paper: Going deeper with Image Transformers, https://arxiv.org/abs/2103.17239</summary>
internal static class LayerScale
{
    /// <summary>x <c>[…, C]</c> times <c>gamma</c>, or x itself where the model has no layer scale.</summary>
    public static Node Build(GraphBuilder b, string name, Node x, bool enabled)
    {
        if (!enabled)
            return b.Identity(name, x);
        using (b.Scope(name))
            return b.Multiply(x, b.Parameter("gamma", [x.Shape[^1]]));
    }

    /// <summary>The same for a map <c>[C, H, W]</c>.</summary>
    public static Node Build2d(GraphBuilder b, string name, Node x, bool enabled)
    {
        if (!enabled)
            return b.Identity(name, x);
        using (b.Scope(name))
            return b.Multiply(x, b.Reshape(b.Parameter("gamma", [x.Shape[0]]), [x.Shape[0], 1, 1], "view"));
    }
}
