using Backbones.Imaging;

namespace Backbones.Tests.Imaging.Codecs;

/// <summary>
/// Files changed at random, the same way in every run: each is decoded or refused with <see cref="InvalidDataException"/>, and its header and
/// EXIF data are read or refused. Counts are fixed, so that a reader that refuses everything is noticed as well.
/// </summary>
[TestClass]
public sealed class DamagedFilesTests
{
    [TestMethod]
    [DataRow(".png", 2500)]
    [DataRow(".bmp", 2000)]
    [DataRow(".gif", 4000)]
    [DataRow(".webp", 1500)]
    public void AreDecodedOrRefused(string extension, int count)
    {
        byte[][] files = [.. Seeds().Where(s => s.Extension == extension).Select(s => s.File)];
        var random = new Random(7);
        int pictures = 0, errors = 0;
        for (int i = 0; i < count; i++)
        {
            byte[] damaged = Damage.Of(files[random.Next(files.Length)], random, repairPng: extension == ".png");
            try
            {
                var image = ImagePixels.Decode(damaged, applyExifOrientation: true);
                Assert.AreEqual(4 * image.Width * image.Height, image.Pixels.Length);
                pictures++;
            }
            catch (InvalidDataException)
            {
                errors++;
            }

            ExifOrientation.Read(damaged);
        }

        Assert.IsGreaterThan(count / 20, pictures, $"{pictures} pictures, {errors} errors");
        Assert.IsGreaterThan(count / 20, errors, $"{pictures} pictures, {errors} errors");
    }

    [TestMethod]
    public void ExifDataAreReadOrIgnored()
    {
        byte[] tiff = EncodedHeaders.Tiff(6, little: true);
        byte[] text = [.. "Raw profile type exif\0\0"u8, .. PngBuilder.Compress([.. "\nexif\n  54\n"u8, .. System.Text.Encoding.ASCII.GetBytes(Convert.ToHexString(tiff))])];
        byte[] xmp = [.. "XML:com.adobe.xmp\0\0\0\0\0<tiff:Orientation>6<"u8];
        byte[][] files =
        [
            EncodedHeaders.Jpeg(8, 8, exif: [.. "Exif\0\0"u8, .. tiff]),
            EncodedHeaders.Jpeg(8, 8, exif: [.. "http://ns.adobe.com/xap/1.0/\0tiff:Orientation=\"6\""u8]),
            [.. EncodedHeaders.Png(8, 8), .. EncodedHeaders.PngChunk("eXIf"u8, tiff)],
            [.. EncodedHeaders.Png(8, 8), .. EncodedHeaders.PngChunk("zTXt"u8, text)],
            [.. EncodedHeaders.Png(8, 8), .. EncodedHeaders.PngChunk("iTXt"u8, xmp)],
            [.. EncodedHeaders.WebPExtended(8, 8), .. "EXIF"u8, .. EncodedHeaders.Little((uint)tiff.Length), .. tiff],
        ];
        var random = new Random(8);
        int turned = 0;
        const int count = 30_000;
        for (int i = 0; i < count; i++)
        {
            turned += ExifOrientation.Read(Damage.Of(files[i % files.Length], random, repairPng: false)) != ImageOrientation.Normal ? 1 : 0;
        }

        Assert.IsTrue(turned is > count / 10 and < count * 9 / 10, $"{turned} of {count} are turned");
    }

    /// <summary>Small pictures of every kind, those of the test data and some that it lacks.</summary>
    private static IEnumerable<(string Extension, byte[] File)> Seeds()
    {
        foreach (var row in Pictures.Rows)
        {
            byte[] file = Pictures.Read(row.File);
            if (file.Length < 6000)
            {
                yield return (Path.GetExtension(row.File), file);
            }
        }

        foreach (int color in new[] { 0, 2, 3, 4, 6 })
        {
            byte[] palette = color == 3 ? [.. Enumerable.Range(0, 100 * 3).Select(i => (byte)i)] : [];
            yield return (".png", new PngBuilder(12, 9, color, 8, interlaced: color is 2 or 3, seed: color) { Palette = palette }.Build());
        }

        yield return (".bmp", BmpDecodingTests.Bmp(5, 2, 8, 1, [2, 1, 0, 3, 3, 2, 1, 0, 0, 0, 0, 2, 1, 0, 1, 2, 0, 0, 0, 1], new byte[16]));
        yield return (".bmp", BmpDecodingTests.Bmp(5, 2, 4, 2, [9, 0x12, 0, 0, 0, 3, 0x32, 0x10, 2, 0x33], new byte[16]));
        yield return (".bmp", BmpDecodingTests.Bmp(2, 1, 16, 3, [0, 0xF8, 0xE0, 7], [0, 0xF8, 0, 0, 0xE0, 7, 0, 0, 0x1F, 0, 0, 0]));
        yield return (".bmp", BmpDecodingTests.Bmp(3, 2, 8, 0, [1, 2, 3, 0, 3, 2, 1, 0], new byte[16])[14..]);
    }
}
