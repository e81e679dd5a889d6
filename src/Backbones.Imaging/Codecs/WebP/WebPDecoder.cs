using SkiaSharp;

namespace Backbones.Imaging.Codecs.WebP;

/// <summary>
/// WebP, decoded by libwebp within SkiaSharp: the one format that needs a native library, which is loaded when the first such file is
/// decoded. Colours come as they are stored, not multiplied by alpha and not converted by a profile, and so are those that Pillow gives.
/// </summary>
internal static class WebPDecoder
{
    /// <summary>Decodes a whole file, of an animation the first frame.</summary>
    /// <param name="encoded">The file.</param>
    /// <param name="allocate">Gives memory of at least so many bytes.</param>
    /// <exception cref="InvalidDataException">The file is cut off, corrupt or too large, or this machine has no SkiaSharp.</exception>
    public static DecodedImage Decode(ReadOnlyMemory<byte> encoded, Func<int, byte[]> allocate)
    {
        try
        {
            return DecodeWithSkia(encoded, allocate);
        }
        catch (Exception e) when (e is TypeInitializationException or DllNotFoundException or EntryPointNotFoundException or FileNotFoundException or BadImageFormatException)
        {
            throw new InvalidDataException(
                "WebP is decoded by SkiaSharp, whose native library is missing or of another version here. Add the package SkiaSharp.NativeAssets.* of this system, or convert the file to PNG.", e);
        }
    }

    private static unsafe DecodedImage DecodeWithSkia(ReadOnlyMemory<byte> encoded, Func<int, byte[]> allocate)
    {
        using var pin = encoded.Pin();
        using var data = SKData.Create((IntPtr)pin.Pointer, encoded.Length);
        using SKCodec codec = SKCodec.Create(data) ?? throw new InvalidDataException("The WebP data is corrupt.");
        if (codec.EncodedFormat != SKEncodedImageFormat.Webp)
        {
            throw new InvalidDataException("The WebP data is corrupt.");
        }

        var (width, height) = (codec.Info.Width, codec.Info.Height);
        ImageLimits.CheckSize("WebP", width, height);
        ImageLimits.CheckPlausible("WebP", width, height, encoded.Length);
        var image = DecodedImage.Allocate(width, height, allocate);
        fixed (byte* pixels = image.Bgra)
        {
            SKCodecResult result = codec.GetPixels(new SKImageInfo(width, height, SKColorType.Bgra8888, SKAlphaType.Unpremul), (IntPtr)pixels);
            if (result != SKCodecResult.Success)
            {
                throw new InvalidDataException($"The WebP data is cut off or corrupt ({result}).");
            }
        }

        return image;
    }
}
