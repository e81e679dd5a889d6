using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>timm.layers.ConvMlp: a perceptron of 1×1 convolutions over a map, with a norm (optional) before the activation.</summary>
internal static class ConvMlp
{
    /// <summary>x <c>[C, H, W]</c> → the same shape.</summary>
    public static Node Build(GraphBuilder b, string name, Node x, int hidden, ActLayer act, NormLayer? norm = null, bool bias = true)
    {
        using (b.Scope(name))
        {
            Node y = Norms.OrIdentity(norm)(b, "norm", b.Conv2d("fc1", x, hidden, 1, bias: bias));
            return b.Conv2d("fc2", b.Identity("drop", act(b, "act", y)), x.Shape[0], 1, bias: bias);
        }
    }
}
