using System.Buffers;
using Backbones.Imaging;
using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Inputs;

/// <summary>
/// Decodes an image file's bytes and transforms them. JPEG, PNG and BMP are decoded by Backbones, to Pillow's pixels; for other formats
/// there is ML.NET's decoder. The header is read first, so that an image bomb is refused before it is decoded.
/// </summary>
internal static class EncodedImage
{
    // Larger files are looked at before they are read.
    private const long SmallFile = 1 << 20;

    /// <exception cref="InvalidDataException">The bytes are empty, cut off, no image, or an image that is too large.</exception>
    public static void Prepare(byte[] bytes, int length, ImageTransform transform, FeaturizerOptions options, Span<float> target)
    {
        ReadOnlySpan<byte> encoded = bytes.AsSpan(0, length);
        ImageHeader header = ImageHeader.Read(encoded);
        if (header.Format is ImageFileFormat.Jpeg or ImageFileFormat.Png or ImageFileFormat.Bmp)
        {
            transform.ApplyEncoded(bytes.AsMemory(0, length), target, options.ApplyExifOrientation);
            return;
        }
        header.RequireComplete(encoded);
        ImageOrientation orientation = options.ApplyExifOrientation ? ExifOrientation.Read(encoded) : ImageOrientation.Normal;
        using var stream = new MemoryStream(bytes, 0, length, writable: false, publiclyVisible: true);
        using MLImage image = Decode(stream, header);
        byte[]? copy = null;
        ReadOnlySpan<byte> pixels = DecoderAlpha.Straighten(image, ref copy);
        transform.Apply(new ImageBuffer(pixels, image.Width, image.Height, MLImagePixels.FormatOf(image)), target, orientation);
    }

    /// <summary>The same for a file.</summary>
    /// <param name="path">Its path, from <see cref="FeaturizerOptions.ImageFolder"/> on if it is relative.</param>
    /// <param name="transform">timm's eval transform.</param>
    /// <param name="options">Folder, orientation.</param>
    /// <param name="target">Receives the normalised input.</param>
    /// <exception cref="InvalidDataException">The file is empty, cut off, no image, or an image that is too large.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    public static void PrepareFile(string path, ImageTransform transform, FeaturizerOptions options, Span<float> target)
    {
        if (string.IsNullOrWhiteSpace(path))
            throw new InvalidDataException("The path is empty.");
        if (options.ImageFolder is { } folder)
            path = Path.Combine(folder, path);
        if (Directory.Exists(path))
            throw new InvalidDataException("It is a folder, not an image file.");
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
        // What is no image is not read to its end: it may be huge, or a device without one, whose length is said to be 0.
        if (file.Length is 0 or > SmallFile)
            ImageHeader.Read(file);
        if (file.Length > Array.MaxLength)
            throw new InvalidDataException($"The file has {file.Length} bytes; at most {Array.MaxLength} can be read.");
        int length = (int)file.Length;
        byte[] bytes = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            file.ReadExactly(bytes, 0, length);
            Prepare(bytes, length, transform, options, target);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
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
