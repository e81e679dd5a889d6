using Backbones.Imaging.Codecs.Jpeg;
using Backbones.Imaging.Resampling;

namespace Backbones.Imaging;

public sealed partial class ImageTransform
{
    /// <summary>
    /// Decodes a JPEG, PNG, BMP, GIF or WebP file and writes the model's input for it: what <see cref="Apply(ImageBuffer, Span{float}, ImageOrientation)"/>
    /// makes of <see cref="ImagePixels.Decode(ReadOnlyMemory{byte}, bool)"/>, but a JPEG never exists as a whole, and of its pixels only those are made that the result shows.
    /// </summary>
    /// <param name="file">The whole file.</param>
    /// <param name="output">Receives <see cref="OutputLength"/> values as planes, [C, H, W], colours in the order red, green, blue.</param>
    /// <param name="applyExifOrientation">Turn the picture as its EXIF data say; timm does not.</param>
    /// <exception cref="InvalidDataException">The file is empty, cut off, damaged, of another format, or has too many pixels.</exception>
    /// <exception cref="ArgumentException">The output has another length, or the picture's shape leaves no pixel after scaling or takes unreasonable work.</exception>
    public void ApplyEncoded(ReadOnlyMemory<byte> file, Span<float> output, bool applyExifOrientation = false)
    {
        CheckLength(output.Length);
        var header = EncodedPicture.Check(file.Span, fileName: null);
        var orientation = applyExifOrientation ? ExifOrientation.Read(file.Span) : ImageOrientation.Normal;

        // A shape that cannot be scaled is refused before it is decoded.
        var (width, height) = orientation >= ImageOrientation.Transpose ? (header.Height, header.Width) : (header.Width, header.Height);
        var window = Window.Of(width, height, Options);
        Resampler.Check(width, height, window.HorizontalTable(width), window.VerticalTable(height));

        if (header.Format == ImageFileFormat.Jpeg && orientation == ImageOrientation.Normal)
        {
            ApplyJpeg(header, file, output);
            return;
        }

        using var memory = new RentedBytes();
        var image = EncodedPicture.Decode(header, file, fileName: null, memory.Allocate);
        Apply(new ImageBuffer(image.Pixels, image.Width, image.Height, PixelFormat.Bgra32), output, orientation);
    }

    /// <summary>The same for a file on a disk, whose bytes are in rented memory meanwhile.</summary>
    /// <param name="path">A regular file; its contents decide the format, not its name.</param>
    /// <param name="output">Receives <see cref="OutputLength"/> values as planes, [C, H, W], colours in the order red, green, blue.</param>
    /// <param name="applyExifOrientation">Turn the picture as its EXIF data say; timm does not.</param>
    /// <exception cref="InvalidDataException">The file is empty, a pipe or a device, cut off, damaged, of another format, or has too many pixels.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    /// <exception cref="ArgumentException">The output has another length, or the picture's shape leaves no pixel after scaling or takes unreasonable work.</exception>
    public void ApplyFile(string path, Span<float> output, bool applyExifOrientation = false)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        using var file = FileBytes.Read(path, fileName: null);
        ApplyEncoded(file.Memory, output, applyExifOrientation);
    }

    private void ApplyJpeg(ImageHeader header, ReadOnlyMemory<byte> file, Span<float> output)
    {
        try
        {
            using var decoder = JpegDecoder.Open(file);
            var window = Window.Of(decoder.Width, decoder.Height, Options);
            var sink = Planes(output, window, PixelFormat.Bgra32);
            var horizontal = window.HorizontalTable(decoder.Width);
            var source = new JpegRowSource(decoder, horizontal, luminance: Options.Channels == 1);
            Resampler.Run(source, horizontal, window.VerticalTable(decoder.Height), ref sink, Resampler.Best);
            decoder.Finish();
        }
        catch (InvalidDataException e)
        {
            throw EncodedPicture.Undecodable(header, fileName: null, e);
        }
    }
}
