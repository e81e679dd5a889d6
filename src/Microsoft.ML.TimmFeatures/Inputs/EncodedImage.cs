using Backbones.Imaging;

namespace Microsoft.ML.TimmFeatures.Inputs;

/// <summary>Decodes an image file's bytes and transforms them.</summary>
internal static class EncodedImage
{
    /// <exception cref="InvalidDataException">The bytes are empty, cut off, no image, or an image that is too large.</exception>
    /// <exception cref="ArgumentException">The image's shape leaves no pixel after scaling or takes unreasonable work.</exception>
    public static void Prepare(byte[] bytes, int length, ImageTransform transform, FeaturizerOptions options, Span<float> target) =>
        transform.ApplyEncoded(bytes.AsMemory(0, length), target, options.ApplyExifOrientation);

    /// <summary>The same for a file.</summary>
    /// <param name="path">Its path, from <see cref="FeaturizerOptions.ImageFolder"/> on if it is relative.</param>
    /// <param name="transform">timm's eval transform.</param>
    /// <param name="options">Folder, orientation.</param>
    /// <param name="target">Receives the normalised input.</param>
    /// <exception cref="InvalidDataException">The file is empty, cut off, no image, no regular file, or an image that is too large.</exception>
    /// <exception cref="ArgumentException">The image's shape leaves no pixel after scaling or takes unreasonable work.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    public static void PrepareFile(string path, ImageTransform transform, FeaturizerOptions options, Span<float> target)
    {
        if (string.IsNullOrWhiteSpace(path))
            throw new InvalidDataException("The path is empty.");
        if (options.ImageFolder is { } folder)
            path = Path.Combine(folder, path);
        transform.ApplyFile(path, target, options.ApplyExifOrientation);
    }
}
