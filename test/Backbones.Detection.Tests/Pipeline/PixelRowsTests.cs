using Backbones.Imaging;

namespace Backbones.Detection.Tests;

[TestClass]
public sealed class PixelRowsTests
{
    private const int Width = 5, Height = 3;

    private static readonly float[][] s_values = [.. Enumerable.Range(0, 3).Select(c => Enumerable.Range(0, 256).Select(v => v + 1000f * c).ToArray())];

    /// <summary>Where upright pixel (x, y) is stored.</summary>
    private static (int X, int Y) Stored(ImageOrientation orientation, int x, int y) => orientation switch
    {
        ImageOrientation.FlipHorizontal => (Width - 1 - x, y),
        ImageOrientation.Rotate180 => (Width - 1 - x, Height - 1 - y),
        ImageOrientation.FlipVertical => (x, Height - 1 - y),
        ImageOrientation.Transpose => (y, x),
        ImageOrientation.Rotate90 => (y, Height - 1 - x),
        ImageOrientation.Transverse => (Width - 1 - y, Height - 1 - x),
        ImageOrientation.Rotate270 => (Width - 1 - y, x),
        _ => (x, y),
    };

    [TestMethod]
    public void Pictures_are_read_upright()
    {
        byte[] pixels = [.. Enumerable.Range(0, Width * Height * 3).Select(i => (byte)i)];
        foreach (ImageOrientation orientation in Enum.GetValues<ImageOrientation>())
        {
            var rows = new ByteRows(new ImagePixels(pixels, Width, Height, PixelFormat.Rgb24) { Orientation = orientation }, s_values);
            Assert.AreEqual(orientation >= ImageOrientation.Transpose ? (Height, Width) : (Width, Height), (rows.Width, rows.Height));
            var row = new float[3 * rows.Width];
            for (int y = 0; y < rows.Height; y++)
            {
                rows.Read(y, row);
                for (int x = 0; x < rows.Width; x++)
                {
                    (int storedX, int storedY) = Stored(orientation, x, y);
                    for (int c = 0; c < 3; c++)
                        Assert.AreEqual(pixels[(storedY * Width + storedX) * 3 + c] + 1000f * c, row[c * rows.Width + x], $"{orientation} ({x}, {y})");
                }
            }
        }
    }

    [TestMethod]
    public void Every_pixel_format_gives_red_green_and_blue()
    {
        (PixelFormat, byte[])[] formats = [(PixelFormat.Rgb24, [1, 2, 3]), (PixelFormat.Rgba32, [1, 2, 3, 9]), (PixelFormat.Bgra32, [3, 2, 1, 9])];
        foreach ((PixelFormat format, byte[] pixel) in formats)
            CollectionAssert.AreEqual(new[] { 1f, 1002, 2003 }, Read(format, pixel));
        CollectionAssert.AreEqual(new[] { 7f, 1007, 2007 }, Read(PixelFormat.Gray8, [7]));
    }

    private static float[] Read(PixelFormat format, byte[] pixel)
    {
        var row = new float[3];
        new ByteRows(new ImagePixels(pixel, 1, 1, format), s_values).Read(0, row);
        return row;
    }
}
