using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>Parameter arithmetic that turns a checkpoint's entry into the one a model needs.</summary>
/// <param name="b">Builder at the root scope.</param>
/// <param name="source">The entry as the checkpoint has it.</param>
/// <param name="target">The shape wanted.</param>
/// <returns>The entry as the model needs it; <paramref name="source"/> where that is the same.</returns>
/// <exception cref="GraphException">There is no way from this entry to that shape.</exception>
internal delegate Node ParameterAdapter(GraphBuilder b, Node source, Shape target);

/// <summary>How timm adapts checkpoint entries to a changed model. What an entry is, its own shape says, not the variant.</summary>
internal static class ParameterAdapters
{
    /// <summary>timm's <c>adapt_input_conv</c>: from RGB, one channel takes the sum and other numbers repeat it, scaled by 3 / channels.</summary>
    /// <param name="channels">Channels of the image.</param>
    public static ParameterAdapter InputConv(int channels) => (b, source, target) =>
    {
        if (source.Shape == target)
            return source;
        int from = source.Shape[1];
        // A stem that begins with space-to-depth has RGB several times over.
        if (channels == 1 && from == 3 * target[1])
            return b.Reduce(b.Reshape(source, [source.Shape[0], target[1], 3, .. source.Shape.Dimensions[2..]]), ReduceKind.Sum, [2]);
        if (from != 3 || channels == 3)
            throw new GraphException($"'{source.Name}' {source.Shape} cannot be adapted to {target}: only a first convolution over RGB can, and to other numbers of channels alone.");
        Node repeated = b.Concat(1, [.. Enumerable.Repeat(source, (channels + 2) / 3)]);
        return b.Affine(b.Slice(repeated, 1, 0, channels), 3f / channels);
    };

    /// <summary>The same for a linear layer over the pixels of a patch, <c>[O, P · P · C]</c> or <c>[O, C · P · P]</c>.</summary>
    /// <param name="channels">Channels of the image.</param>
    /// <param name="patch">P: pixels of a patch's side.</param>
    /// <param name="channelsLast">Whether a pixel's channels are next to each other.</param>
    public static ParameterAdapter InputPatches(int channels, int patch, bool channelsLast) => (b, source, target) =>
    {
        if (source.Shape == target)
            return source;
        int features = source.Shape[0], from = source.Shape[1] / (patch * patch);
        if (source.Shape[1] != from * patch * patch)
            throw new GraphException($"'{source.Name}' {source.Shape} cannot be adapted to {target}: its {source.Shape[1]} inputs are no whole number of channels of patches of {patch}×{patch}.");
        Node kernel = channelsLast ? b.Permute(b.Reshape(source, [features, patch, patch, from]), [0, 3, 1, 2]) : b.Reshape(source, [features, from, patch, patch]);
        Node adapted = InputConv(channels)(b, kernel, [features, channels, patch, patch]);
        return b.Reshape(channelsLast ? b.Permute(adapted, [0, 2, 3, 1]) : adapted, target);
    };

    /// <summary>A mean image for another image size: resized bilinearly, with antialiasing where it becomes smaller.</summary>
    public static Node MeanImage(GraphBuilder b, Node source, Shape target) => source.Shape == target ? source
        : source.Shape[0] == target[0] ? b.Resize(source, target[1], target[2], ResizeMode.Bilinear, antialias: true)
        : throw new GraphException($"'{source.Name}' {source.Shape} is of {source.Shape[0]} channels, the input of {target[0]}; weights with a mean image are for their own channels alone.");

    /// <summary>timm's <c>resample_abs_pos_embed</c>: the patch part of <c>[1, P + L, C]</c> is resized bicubically with antialiasing, prefix tokens are kept.</summary>
    /// <param name="prefixTokens">P: entries for class and register tokens, first.</param>
    /// <param name="pretrainedGrid">The grid that the checkpoint was trained for; it counts where it has L patches, otherwise the entry's grid is taken for square.</param>
    /// <param name="targetGrid">The grid wanted.</param>
    /// <param name="bilinear">Resize bilinearly without antialiasing instead (FlexiViT).</param>
    /// <param name="alignCorners">Resize bicubically without antialiasing instead, the corners staying where they are (torchvision's <c>interpolate_embeddings</c>).</param>
    public static ParameterAdapter PositionEmbedding(int prefixTokens, Size2 pretrainedGrid, Size2 targetGrid, bool bilinear = false, bool alignCorners = false) => (b, source, target) =>
    {
        int length = source.Shape[1] - prefixTokens;
        Size2 grid = pretrainedGrid.H * pretrainedGrid.W == length ? pretrainedGrid : (int)Math.Sqrt(Math.Max(length, 0));
        if (length <= 0 || grid.H * grid.W != length)
        {
            if (length == targetGrid.H * targetGrid.W)
                return source; // No square, and as many as wanted: that grid then.
            throw new GraphException($"The {source.Shape[1]} tokens of '{source.Name}', {prefixTokens} of them without a place in the image, are no square grid and none of {pretrainedGrid.H}×{pretrainedGrid.W} "
                + "patches, which the weights' config says; what grid they are for is not known.");
        }
        return grid == targetGrid ? source : ResizePositions(b, source, prefixTokens, grid, targetGrid, bilinear, alignCorners);
    };

    /// <summary>Position embeddings <c>[1, P + L, C]</c> of another grid.</summary>
    /// <param name="b">What makes the nodes.</param>
    /// <param name="source">The embeddings.</param>
    /// <param name="prefixTokens">P: those that have no place in the image, first.</param>
    /// <param name="grid">The grid that they are for.</param>
    /// <param name="targetGrid">The grid wanted.</param>
    /// <param name="bilinear">Resize bilinearly without antialiasing instead of bicubically with it.</param>
    /// <param name="alignCorners">The corners stay where they are, without antialiasing.</param>
    public static Node ResizePositions(GraphBuilder b, Node source, int prefixTokens, Size2 grid, Size2 targetGrid, bool bilinear, bool alignCorners = false)
    {
        int length = source.Shape[1] - prefixTokens, channels = source.Shape[2];
        Node patches = b.Slice(source, 1, prefixTokens, length);
        Node map = b.Permute(b.Reshape(patches, [grid.H, grid.W, channels]), [2, 0, 1]);
        Node resized = b.Resize(map, targetGrid.H, targetGrid.W, bilinear ? ResizeMode.Bilinear : ResizeMode.Bicubic, alignCorners, antialias: !bilinear && !alignCorners);
        Node tokens = b.Reshape(b.Permute(resized, [1, 2, 0]), [1, targetGrid.H * targetGrid.W, channels]);
        return prefixTokens == 0 ? tokens : b.Concat(1, [b.Slice(source, 1, 0, prefixTokens), tokens]);
    }

    /// <summary>A patch embedding's kernel of another size, see <see cref="PatchKernel.Resize"/>.</summary>
    public static ParameterAdapter PatchEmbedding(bool bilinear = false) => (b, source, target) => PatchKernel.Resize(b, source, (target[2], target[3]), bilinear);

    /// <summary>The first adapter for the kernel's size, then <see cref="InputConv"/> for the channels. That of a linear layer (<see cref="InputPatches"/>) is for both.</summary>
    public static ParameterAdapter ThenInputConv(this ParameterAdapter first, int channels)
        => (b, source, target) => target.Rank == 2 ? first(b, source, target) : InputConv(channels)(b, first(b, source, target.Rank > 1 && source.Shape.Rank > 1 ? target.With(1, source.Shape[1]) : target), target);
}
