namespace Backbones.Imaging.Resampling;

/// <summary>Pillow's mode L of colours (L24): ITU-R 601 weights in 16 fractional bits.</summary>
internal static class Luminance
{
    /// <summary>Brings the luminance of each pixel into its first byte.</summary>
    /// <param name="pixels">Four bytes a pixel.</param>
    /// <param name="format">Their order; red comes first unless it says otherwise.</param>
    public static void Of(Span<uint> pixels, PixelFormat format)
    {
        int red = format == PixelFormat.Bgra32 ? 16 : 0, blue = 16 - red;
        foreach (ref uint pixel in pixels)
        {
            pixel = ((pixel >> red & 255) * 19595 + (pixel >> 8 & 255) * 38470 + (pixel >> blue & 255) * 7471 + 0x8000) >> 16;
        }
    }
}
