using Backbones.Imaging.Codecs;
using Microsoft.ML.Imaging;

namespace Microsoft.ML.Data;

/// <summary>
/// An image in memory, four bytes a pixel. Files are decoded by the decoders of Backbones, whose sources are compiled into this assembly: PNG, JPEG (the pixels of libjpeg-turbo's
/// default) and BMP. Alpha isn't premultiplied; the real package's decoder premultiplies.
/// </summary>
public sealed class MLImage : IDisposable
{
    private readonly int _width;
    private readonly int _height;
    private readonly MLPixelFormat _pixelFormat;
    private byte[] _pixels;
    private string _tag;

    internal MLImage(int width, int height, MLPixelFormat pixelFormat, byte[] pixels)
    {
        (_width, _height, _pixelFormat, _pixels) = (width, height, pixelFormat, pixels);
    }

    /// <summary>Decodes an image from a stream, read from its position to its end.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="imageStream"/> is null.</exception>
    /// <exception cref="ArgumentException">The contents aren't an image that can be decoded; the message says why.</exception>
    public static MLImage CreateFromStream(Stream imageStream)
    {
        ArgumentNullException.ThrowIfNull(imageStream);
        try
        {
            return Decode(ReadToEnd(imageStream));
        }
        catch (InvalidDataException e)
        {
            throw new ArgumentException($"Invalid input stream contents: {e.Message}", nameof(imageStream), e);
        }
    }

    /// <summary>Decodes an image file. The contents decide the format, not the name.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="imagePath"/> is null.</exception>
    /// <exception cref="ArgumentException">The file can't be read or isn't an image that can be decoded; the message says why.</exception>
    public static MLImage CreateFromFile(string imagePath)
    {
        ArgumentNullException.ThrowIfNull(imagePath);
        try
        {
            return Decode(File.ReadAllBytes(imagePath));
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new ArgumentException($"Invalid path: '{imagePath}' can't be read as an image. {e.Message}", nameof(imagePath), e);
        }
    }

    /// <summary>Makes an image from pixels, which are copied.</summary>
    /// <param name="width">Pixels in a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="pixelFormat"><see cref="MLPixelFormat.Bgra32"/> or <see cref="MLPixelFormat.Rgba32"/>.</param>
    /// <param name="imagePixelData">Rows from top to bottom without padding.</param>
    /// <exception cref="ArgumentException">Another format, a size below 1, or data of another length.</exception>
    public static MLImage CreateFromPixels(int width, int height, MLPixelFormat pixelFormat, ReadOnlySpan<byte> imagePixelData)
    {
        if (pixelFormat is not (MLPixelFormat.Bgra32 or MLPixelFormat.Rgba32))
        {
            throw new ArgumentException($"Unsupported pixel format {pixelFormat}; Bgra32 and Rgba32 are supported.", nameof(pixelFormat));
        }

        if (width <= 0)
        {
            throw new ArgumentException($"Invalid width {width}; at least 1 is valid.", nameof(width));
        }

        if (height <= 0)
        {
            throw new ArgumentException($"Invalid height {height}; at least 1 is valid.", nameof(height));
        }

        if (imagePixelData.Length != (long)width * height * 4)
        {
            throw new ArgumentException(
                $"Invalid {nameof(imagePixelData)} length {imagePixelData.Length}; {width} x {height} pixels take {(long)width * height * 4} bytes.");
        }

        return new MLImage(width, height, pixelFormat, imagePixelData.ToArray());
    }

    /// <summary>How the bytes of a pixel follow each other; decoded images are <see cref="MLPixelFormat.Bgra32"/>.</summary>
    public MLPixelFormat PixelFormat
    {
        get
        {
            CheckNotDisposed();
            return _pixelFormat;
        }
    }

    /// <summary>The pixels, rows from top to bottom without padding.</summary>
    public ReadOnlySpan<byte> Pixels
    {
        get
        {
            CheckNotDisposed();
            return _pixels;
        }
    }

    /// <summary>A copy of the pixels without alpha: blue, green, red.</summary>
    public byte[] GetBGRPixels
    {
        get
        {
            CheckNotDisposed();
            int blue = _pixelFormat == MLPixelFormat.Bgra32 ? 0 : 2;
            var result = new byte[_pixels.Length / 4 * 3];
            for (int from = 0, to = 0; to < result.Length; from += 4, to += 3)
            {
                result[to] = _pixels[from + blue];
                result[to + 1] = _pixels[from + 1];
                result[to + 2] = _pixels[from + 2 - blue];
            }

            return result;
        }
    }

    /// <summary>Any text that belongs to the image; a loader puts the path here.</summary>
    public string Tag
    {
        get
        {
            CheckNotDisposed();
            return _tag;
        }

        set
        {
            CheckNotDisposed();
            _tag = value;
        }
    }

    /// <summary>Pixels in a row.</summary>
    public int Width
    {
        get
        {
            CheckNotDisposed();
            return _width;
        }
    }

    /// <summary>Rows.</summary>
    public int Height
    {
        get
        {
            CheckNotDisposed();
            return _height;
        }
    }

    /// <summary>32.</summary>
    public int BitsPerPixel
    {
        get
        {
            CheckNotDisposed();
            return 32;
        }
    }

    /// <summary>Writes the image to a PNG file.</summary>
    /// <param name="imagePath">A path that ends in ".png".</param>
    /// <exception cref="ArgumentException">Another extension: only PNG is written here. The real package writes JPEG and WebP too.</exception>
    public void Save(string imagePath)
    {
        CheckNotDisposed();
        string extension = Path.GetExtension(imagePath);
        if (!".png".Equals(extension, StringComparison.OrdinalIgnoreCase))
        {
            throw new ArgumentException($"Saving an image as '{extension}' is not supported; '.png' is.", nameof(imagePath));
        }

        using var file = new FileStream(imagePath, FileMode.Create, FileAccess.Write);
        PngEncoder.Encode(_width, _height, _pixels, _pixelFormat == MLPixelFormat.Bgra32, file);
    }

    /// <summary>Frees the pixels. Members other than this one then throw <see cref="InvalidOperationException"/>.</summary>
    public void Dispose() => _pixels = null;

    /// <summary>Decodes a whole file.</summary>
    /// <exception cref="InvalidDataException">It isn't an image that can be decoded.</exception>
    internal static MLImage Decode(ReadOnlyMemory<byte> encoded)
    {
        DecodedImage image = ImageDecoder.Decode(encoded);
        return new MLImage(image.Width, image.Height, MLPixelFormat.Bgra32, image.Bgra);
    }

    private static ReadOnlyMemory<byte> ReadToEnd(Stream stream)
    {
        if (stream is MemoryStream memory && memory.TryGetBuffer(out ArraySegment<byte> buffer))
        {
            ReadOnlyMemory<byte> rest = buffer.AsMemory((int)Math.Min(memory.Position, buffer.Count));
            memory.Position = Math.Max(memory.Position, memory.Length);
            return rest;
        }

        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.GetBuffer().AsMemory(0, (int)copy.Length);
    }

    private void CheckNotDisposed()
    {
        if (_pixels is null)
        {
            throw new InvalidOperationException("Object is disposed.");
        }
    }
}
