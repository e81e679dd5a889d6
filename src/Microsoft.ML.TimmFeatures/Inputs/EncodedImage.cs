using Backbones.Imaging;
using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Inputs;

/// <summary>Decodes an image file's bytes and transforms them. The header is read first, so that an image bomb is refused before it is decoded.</summary>
internal static class EncodedImage
{
    public static void Prepare(byte[] bytes, int length, string? name, ImageTransform transform, FeaturizerOptions options, Span<float> target)
    {
        ReadOnlySpan<byte> encoded = bytes.AsSpan(0, length);
        if (encoded.IsEmpty)
            throw new InvalidDataException("The image is empty (zero bytes).");
        ImageHeader.Read(encoded, fileName: name);
        ImageOrientation orientation = options.ApplyExifOrientation ? ExifOrientation.Read(encoded) : ImageOrientation.Normal;
        using var stream = new MemoryStream(bytes, 0, length, writable: false);
        using MLImage image = MLImage.CreateFromStream(stream);
        transform.Apply(new ImageBuffer(image.Pixels, image.Width, image.Height, MLImagePixels.FormatOf(image)), target, orientation);
    }
}
