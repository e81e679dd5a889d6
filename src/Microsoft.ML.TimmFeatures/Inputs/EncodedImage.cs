using Backbones.Imaging;
using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Inputs;

/// <summary>Decodes an image file's bytes and transforms them. The header is read first, so that an image bomb is refused before it is decoded.</summary>
internal static class EncodedImage
{
    /// <exception cref="InvalidDataException">The bytes are empty, cut off, no image, or an image that is too large.</exception>
    public static void Prepare(byte[] bytes, int length, ImageTransform transform, FeaturizerOptions options, Span<float> target)
    {
        ReadOnlySpan<byte> encoded = bytes.AsSpan(0, length);
        ImageHeader header = ImageHeader.Read(encoded);
        header.RequireComplete(encoded);
        ImageOrientation orientation = options.ApplyExifOrientation ? ExifOrientation.Read(encoded) : ImageOrientation.Normal;
        using var stream = new MemoryStream(bytes, 0, length, writable: false, publiclyVisible: true);
        using MLImage image = Decode(stream, header);
        byte[]? copy = null;
        ReadOnlySpan<byte> pixels = DecoderAlpha.Straighten(image, header.Format, ref copy);
        transform.Apply(new ImageBuffer(pixels, image.Width, image.Height, MLImagePixels.FormatOf(image)), target, orientation);
    }

    private static MLImage Decode(MemoryStream stream, ImageHeader header)
    {
        try
        {
            return MLImage.CreateFromStream(stream);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"The {header.Format} image of {header.Width}×{header.Height} pixels cannot be decoded: {e.Message}", e);
        }
    }
}
