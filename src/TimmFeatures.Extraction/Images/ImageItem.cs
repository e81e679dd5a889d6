using Backbones.Imaging;

namespace TimmFeatures.Extraction.Images;

/// <summary>One image that was asked for: its name in the output, and how its file is got. May be read from any thread.</summary>
/// <param name="name">The path as it was given or found, with slashes on every system.</param>
internal abstract class ImageItem(string name)
{
    public string Name => name;

    /// <summary>Where its bytes are.</summary>
    public abstract ImageSource Source { get; }

    /// <summary>Decodes and transforms the image.</summary>
    /// <param name="transform">timm's eval transform.</param>
    /// <param name="target">Gets the normalised input.</param>
    /// <param name="exif">Turn it as its EXIF data say.</param>
    /// <exception cref="InvalidDataException">It is no image, damaged, or too large.</exception>
    /// <exception cref="IOException">It is missing or cannot be read.</exception>
    public abstract void Apply(ImageTransform transform, Span<float> target, bool exif);
}

/// <summary>A file of its own.</summary>
internal sealed class ImageFile(string name, string path) : ImageItem(name)
{
    public override ImageSource Source => new(path);

    public override void Apply(ImageTransform transform, Span<float> target, bool exif)
    {
        if (string.IsNullOrWhiteSpace(path))
            throw new InvalidDataException("The path is empty.");
        transform.ApplyFile(path, target, exif);
    }

    /// <summary>The input <c>[C, H, W]</c> that one image becomes.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The image cannot be read; the message names it.</exception>
    public static float[] Read(string path, ImageTransform transform, bool exif)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException(Directory.Exists(path) ? $"'{path}' is a folder; expected one image." : $"There is no image '{path}'.", path);
        var input = new float[transform.OutputLength];
        try
        {
            new ImageFile(path, path).Apply(transform, input, exif);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new InvalidDataException(e.Message.Contains(path, StringComparison.Ordinal) ? e.Message : $"'{path}' cannot be read: {e.Message}", e);
        }
        return input;
    }
}
