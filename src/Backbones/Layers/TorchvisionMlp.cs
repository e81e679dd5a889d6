using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>torchvision.ops.MLP with one hidden layer and GELU: linear layers <c>0</c> and <c>3</c> over the last axis, dropouts behind both. One module, which FX does not look into.</summary>
internal static class TorchvisionMlp
{
    /// <summary>x <c>[…, C]</c> → <c>[…, C]</c>.</summary>
    public static Node Build(GraphBuilder b, string name, Node x, int hidden) => b.Leaf(name, () => b.Linear("3", b.Act("1", b.Linear("0", x, hidden), UnaryKind.Gelu), x.Shape[^1]));
}
