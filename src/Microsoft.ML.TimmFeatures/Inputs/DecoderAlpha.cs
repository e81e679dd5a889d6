using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Inputs;

/// <summary>
/// Undoes what ML.NET's decoder does to transparent pixels: it multiplies colours by alpha, where Pillow's <c>convert('RGB')</c>, and so timm,
/// drops alpha and keeps them. The colours come back as exactly as 8 bits allow (within 255 / (2 · alpha)); those of wholly transparent pixels
/// are lost and black. An MLImage does not say whether its colours were multiplied, so this is for files that are decoded here: WebP and GIF, which Backbones does not decode.
/// </summary>
internal static class DecoderAlpha
{
    /// <summary>Whether the decoder does it: seen from one white pixel with alpha 128.</summary>
    private static readonly Lazy<bool> s_isPremultiplied = new(() =>
    {
        using MLImage probe = MLImage.CreateFromStream(new MemoryStream(Convert.FromBase64String(
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4//9/AwAJfAN+TrsbXQAAAABJRU5ErkJggg==")));
        return probe.Pixels[0] < 255;
    });

    /// <summary>The pixels of a decoded image with their colours as in the file.</summary>
    /// <param name="image">Just decoded.</param>
    /// <param name="copy">Holds the pixels where they had to be changed.</param>
    public static ReadOnlySpan<byte> Straighten(MLImage image, ref byte[]? copy)
    {
        ReadOnlySpan<byte> pixels = image.Pixels;
        if (!s_isPremultiplied.Value || IsOpaque(pixels))
            return pixels;
        copy = pixels.ToArray();
        for (int i = 0; i < copy.Length; i += 4)
        {
            int alpha = copy[i + 3];
            if (alpha is 0 or 255)
                continue;
            for (int c = i; c < i + 3; c++)
                copy[c] = (byte)Math.Min(255, (copy[c] * 255 + alpha / 2) / alpha);
        }
        return copy;
    }

    private static bool IsOpaque(ReadOnlySpan<byte> pixels)
    {
        for (int i = 3; i < pixels.Length; i += 4)
        {
            if (pixels[i] != 255)
                return false;
        }
        return true;
    }
}
