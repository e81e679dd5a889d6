using System.IO.Hashing;
using Backbones.Imaging;

namespace Backbones.Tests.Imaging.Codecs;

[TestClass]
public sealed class ImagePixelsTests
{
    [TestMethod]
    [DynamicData(nameof(Pictures.Files), typeof(Pictures))]
    public void PixelsAreThoseOfPillow(string file)
    {
        var expected = Pictures.Rows.Single(row => row.File == file);
        var pixels = ImagePixels.Load(Pictures.PathOf(file));
        Assert.AreEqual((expected.Width, expected.Height), (pixels.Width, pixels.Height));
        // Scaling to the same size only brings the pixels to RGB.
        byte[] rgb = new byte[3 * pixels.Width * pixels.Height];
        ImageResizer.Resize(pixels.Buffer, rgb, pixels.Width, pixels.Height, Interpolation.Nearest);
        Assert.AreEqual(expected.Crc32, $"0x{Crc32.HashToUInt32(rgb):x8}");
    }

    [TestMethod]
    public void OrientationIsThatOfTheFileWhereItIsAskedFor()
    {
        string path = Pictures.PathOf("images/exif_rotated6.jpg");
        Assert.AreEqual(ImageOrientation.Normal, ImagePixels.Load(path).Orientation);
        Assert.AreEqual(ImageOrientation.Rotate90, ImagePixels.Load(path, applyExifOrientation: true).Orientation);
    }

    [TestMethod]
    public void FilesThatAreNoneAreNamedWithTheReason()
    {
        byte[] picture = Pictures.Read("images/gray.jpg");
        AssertRefused([], "empty (0 bytes)");
        AssertRefused("certainly no picture"u8.ToArray(), "is no PNG, JPEG, BMP");
        AssertRefused([.. "GIF89a"u8, 1, 0, 1, 0, 0, 0], "is a Gif file; JPEG, PNG and BMP files are decoded");
        AssertRefused(picture[..2000], "cut off");
        int frame = picture.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]);
        byte[] bomb = [.. picture];
        ((byte[])[0xC3, 0x50, 0xC3, 0x50]).CopyTo(bomb, frame + 5);
        AssertRefused(bomb, "50000×50000");
        byte[] lossless = [.. picture];
        lossless[frame + 1] = 0xC3;
        AssertRefused(lossless, "cannot be decoded: The JPEG is lossless");

        string path = Path.GetTempFileName();
        try
        {
            StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => ImagePixels.Load(path)).Message, path);
        }
        finally
        {
            File.Delete(path);
        }

        Assert.ThrowsExactly<FileNotFoundException>(() => ImagePixels.Load(path));
        Assert.ThrowsExactly<ArgumentException>(() => ImagePixels.Load(" "));
    }

    private static void AssertRefused(byte[] file, string reason)
    {
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => ImagePixels.Decode(file)).Message, reason);
        var transform = new ImageTransform(new ImageTransformOptions());
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => transform.ApplyEncoded(file, new float[transform.OutputLength])).Message, reason);
    }
}
