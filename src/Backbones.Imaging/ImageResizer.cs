using Backbones.Imaging.Resampling;

namespace Backbones.Imaging;

/// <summary>Pillow's <c>Image.resize</c> for 8-bit RGB pictures, bit for bit.</summary>
public static class ImageResizer
{
    /// <summary>Scales a whole picture.</summary>
    /// <param name="image">The picture; it is converted to RGB as Pillow's <c>convert('RGB')</c> does.</param>
    /// <param name="output">Receives <paramref name="width"/> × <paramref name="height"/> × 3 bytes, [H, W, C], red first.</param>
    /// <param name="width">Columns of the result.</param>
    /// <param name="height">Rows of the result.</param>
    /// <param name="interpolation">The filter.</param>
    /// <remarks>The horizontal pass always comes first, as in Pillow up to 12.1; later ones turn the order round for pictures over 100 times as high as wide.</remarks>
    /// <exception cref="ArgumentException">The output has another length, the size is not positive, or the resize takes unreasonable work.</exception>
    public static void Resize(ImageBuffer image, Span<byte> output, int width, int height, Interpolation interpolation = Interpolation.Bicubic) =>
        Resize(image, output, width, height, interpolation, Resampler.Best);

    internal static unsafe void Resize(ImageBuffer image, Span<byte> output, int width, int height, Interpolation interpolation, ResampleKernel kernel)
    {
        if (width < 1 || height < 1)
        {
            throw new ArgumentException($"A picture can be scaled to at least 1×1; asked for was {width}×{height}.");
        }

        if (!Enum.IsDefined(interpolation))
        {
            throw new ArgumentException($"Unknown interpolation {interpolation}; valid: {string.Join(", ", Enum.GetNames<Interpolation>())}.", nameof(interpolation));
        }

        if (output.Length != 3L * width * height)
        {
            throw new ArgumentException($"{width}×{height} RGB pixels take {3L * width * height} bytes; the output has {output.Length}.", nameof(output));
        }

        fixed (byte* pixels = image.Pixels)
        {
            var source = new RowSource(image, pixels, ImageOrientation.Normal, luminance: false);
            var horizontal = ResampleTable.Get(source.Width, width, 0, width, interpolation, Resampler.HorizontalTapMultiple);
            var vertical = ResampleTable.Get(source.Height, height, 0, height, interpolation, tapMultiple: 1);
            var sink = new InterleavedSink(output, width, 0, width, 3, image.Format);
            Resampler.Run(source, horizontal, vertical, ref sink, kernel);
        }
    }
}
