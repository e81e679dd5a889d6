using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>timm.layers.HybridEmbed: the pixels or patches of a convolutional network's map as tokens <c>[H · W, C]</c>, row by row.</summary>
internal static class HybridEmbed
{
    /// <summary>Adds the network, as <c>backbone</c>, and the embedding.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="name">Module name.</param>
    /// <param name="x">Image.</param>
    /// <param name="backbone">The network: image → map <c>[C, H, W]</c>.</param>
    /// <param name="projection">Width that the map is projected to; null for the map's own.</param>
    /// <param name="patchSize">Pixels of the map per token, in each direction, where it is projected.</param>
    /// <returns>The tokens, and their grid.</returns>
    /// <exception cref="GraphException">The map does not divide into patches.</exception>
    public static (Node Tokens, Size2 Grid) Build(GraphBuilder b, string name, Node x, Func<GraphBuilder, Node, Node> backbone, int? projection = null, int patchSize = 1)
    {
        using (b.Scope(name))
        {
            using (b.Scope("backbone"))
                x = backbone(b, x);
            if (x.Shape[1] % patchSize != 0 || x.Shape[2] % patchSize != 0)
                throw new GraphException($"The map {x.Shape} of an image {b.Input.Shape} does not divide into patches of {patchSize}; take an image whose map has sides that are multiples of {patchSize}.");
            x = projection is { } width ? b.Conv2d("proj", x, width, patchSize, patchSize, bias: true) : b.Identity("proj", x);
            return (b.Transpose(b.Flatten(x, 1), 0, 1), (x.Shape[1], x.Shape[2]));
        }
    }
}
