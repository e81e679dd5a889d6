namespace Backbones.Imaging.Codecs;

/// <summary>Checks that run on a header alone, before memory for pixels is asked for.</summary>
internal static class ImageLimits
{
    /// <summary>Twice Pillow's MAX_IMAGE_PIXELS, the count from which Pillow refuses to open an image as a decompression bomb.</summary>
    public const long MaxPixels = 178_956_970;

    /// <summary>Longer encoded rows are refused: no camera or scanner writes 33 million pixels side by side.</summary>
    public const long MaxRowBytes = 256 << 20;

    /// <summary>Throws <see cref="InvalidDataException"/> for an empty image and for one of more than <see cref="MaxPixels"/> pixels.</summary>
    public static void CheckSize(string format, long width, long height)
    {
        if (width <= 0 || height <= 0)
        {
            throw new InvalidDataException($"The {format} header gives a size of {width} x {height} pixels; both sides must be at least 1.");
        }

        if (width > MaxPixels / height)
        {
            throw new InvalidDataException($"The {format} header gives a size of {width} x {height} pixels; at most {MaxPixels} pixels are decoded.");
        }
    }

    /// <summary>
    /// Throws <see cref="InvalidDataException"/> where a file is too short for the picture that its header announces even at the format's
    /// highest possible compression, so that a few bytes can't ask for hundreds of megabytes.
    /// </summary>
    public static void CheckPlausible(string format, int width, int height, long bytesNeeded, long bytesAvailable)
    {
        if (bytesAvailable < bytesNeeded)
        {
            throw new InvalidDataException(
                $"The {format} data is cut off: {width} x {height} pixels take at least {bytesNeeded} bytes, {bytesAvailable} are there.");
        }
    }

    /// <summary>
    /// The same for formats in which a few bytes can stand for any number of pixels (one colour, a frame smaller than its screen): sixteen
    /// megapixels are let pass, above them a byte for every 4096 pixels has to be there. Real pictures have a hundred times as many.
    /// </summary>
    public static void CheckPlausible(string format, int width, int height, long bytesAvailable)
    {
        const long letPass = 1 << 24;
        long pixels = (long)width * height;
        CheckPlausible(format, width, height, pixels > letPass ? pixels / 4096 : 0, bytesAvailable);
    }
}
