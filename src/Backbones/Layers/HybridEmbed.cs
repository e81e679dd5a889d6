using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>timm.layers.HybridEmbed: the pixels of a convolutional network's map as tokens <c>[H · W, C]</c>, row by row.</summary>
internal static class HybridEmbed
{
    /// <summary>Adds the network, as <c>backbone</c>, and the embedding.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="name">Module name.</param>
    /// <param name="x">Image.</param>
    /// <param name="backbone">The network: image → map <c>[C, H, W]</c>.</param>
    /// <param name="projection">Width that the map is projected to; null for the map's own.</param>
    /// <returns>The tokens, and the grid of pixels.</returns>
    public static (Node Tokens, Size2 Grid) Build(GraphBuilder b, string name, Node x, Func<GraphBuilder, Node, Node> backbone, int? projection = null)
    {
        using (b.Scope(name))
        {
            using (b.Scope("backbone"))
                x = backbone(b, x);
            x = projection is { } width ? b.Conv2d("proj", x, width, 1, bias: true) : b.Identity("proj", x);
            return (b.Transpose(b.Flatten(x, 1), 0, 1), (x.Shape[1], x.Shape[2]));
        }
    }
}
