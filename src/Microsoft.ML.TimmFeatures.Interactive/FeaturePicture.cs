using Backbones.Imaging;
using Backbones.Weights;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Interactive.Notebooks;

namespace Microsoft.ML.TimmFeatures.Interactive;

/// <summary>A picture of features, or of an image: notebooks show it, apps save it as PNG.</summary>
[TypeFormatterSource(typeof(FormatterSource), PreferredMimeTypes = ["text/html"])]
public sealed class FeaturePicture : INotebookOutput
{
    private readonly byte[] _pixels;

    internal FeaturePicture(int width, int height, byte[] pixels)
    {
        Width = width;
        Height = height;
        _pixels = pixels;
    }

    /// <summary>Pixels in a row.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>Rows from the top, without gaps; red, green, blue.</summary>
    public ReadOnlySpan<byte> Pixels => _pixels;

    /// <summary>An image as it is.</summary>
    /// <param name="image">The image; its pixels are copied, alpha is dropped.</param>
    /// <param name="height">Rows of the picture, in proportion; null for the image's own.</param>
    /// <exception cref="ArgumentOutOfRangeException">The height is below 1.</exception>
    public static FeaturePicture Of(MLImage image, int? height = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        int rows = height ?? image.Height;
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1, nameof(height));
        int columns = Math.Max(1, (int)Math.Round((double)image.Width * rows / image.Height));
        var format = image.PixelFormat == MLPixelFormat.Bgra32 ? PixelFormat.Bgra32 : PixelFormat.Rgba32;
        var pixels = new byte[checked(3 * columns * rows)];
        ImageResizer.Resize(new ImageBuffer(image.Pixels, image.Width, image.Height, format), pixels, columns, rows);
        return new FeaturePicture(columns, rows, pixels);
    }

    /// <summary>The picture as an ML.NET image.</summary>
    public MLImage ToMLImage()
    {
        var rgba = new byte[4 * Width * Height];
        for (int from = 0, to = 0; from < _pixels.Length; from += 3, to += 4)
        {
            _pixels.AsSpan(from, 3).CopyTo(rgba.AsSpan(to));
            rgba[to + 3] = byte.MaxValue;
        }
        return MLImage.CreateFromPixels(Width, Height, MLPixelFormat.Rgba32, rgba);
    }

    /// <summary>The picture as the bytes of a PNG file.</summary>
    public byte[] ToPng() => PngEncoder.Encode(Width, _pixels);

    /// <summary>Writes a PNG file, and its folder where that is missing.</summary>
    public void Save(string path)
    {
        AtomicFile.MakeFolderOf(path);
        AtomicFile.Write(path, file => file.Write(ToPng()));
    }

    /// <summary>An <c>img</c> element that carries the PNG.</summary>
    public string ToHtml() => $"""<img src="data:image/png;base64,{Convert.ToBase64String(ToPng())}" width="{Width}" height="{Height}" />""";

    /// <summary>The size.</summary>
    public override string ToString() => $"picture of {Width}×{Height} pixels";
}
