using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Layers;

/// <summary>How timm adapts checkpoint entries to a changed model.</summary>
public static class ParameterAdapters
{
    /// <summary>timm's <c>adapt_input_conv</c>: one channel takes the sum over RGB; other numbers repeat RGB, scaled by 3 / channels.</summary>
    public static ParameterAdapter InputConv { get; } = (b, source, target) =>
    {
        int channels = target[1];
        if (channels == 1)
            return b.Reduce(source, ReduceKind.Sum, [1], keepDims: true);
        Node repeated = b.Concat(1, [.. Enumerable.Repeat(source, (channels + 2) / 3)]);
        return b.Affine(b.Slice(repeated, 1, 0, channels), 3f / channels);
    };

    /// <summary>timm's <c>resample_abs_pos_embed</c>: the patch part of <c>[1, P + L, C]</c> is resized bicubically with antialiasing, prefix tokens are kept.</summary>
    /// <param name="prefixTokens">Entries for class and register tokens, first.</param>
    /// <param name="sourceGrid">Patch grid of the checkpoint.</param>
    /// <param name="targetGrid">Patch grid wanted.</param>
    /// <param name="bilinear">Resize bilinearly without antialiasing instead (FlexiViT).</param>
    public static ParameterAdapter PositionEmbedding(int prefixTokens, Size2 sourceGrid, Size2 targetGrid, bool bilinear = false) => (b, source, target) =>
    {
        int channels = source.Shape[^1], length = sourceGrid.H * sourceGrid.W;
        Node patches = b.Slice(source, 1, prefixTokens, length);
        Node map = b.Permute(b.Reshape(patches, [sourceGrid.H, sourceGrid.W, channels]), [2, 0, 1]);
        Node resized = b.Resize(map, targetGrid.H, targetGrid.W, bilinear ? ResizeMode.Bilinear : ResizeMode.Bicubic, antialias: !bilinear);
        Node tokens = b.Reshape(b.Permute(resized, [1, 2, 0]), [1, targetGrid.H * targetGrid.W, channels]);
        return prefixTokens == 0 ? tokens : b.Concat(1, [b.Slice(source, 1, 0, prefixTokens), tokens]);
    };
}
