using Backbones.Imaging;

namespace Backbones.Tests.Imaging;

[TestClass]
public sealed class ExifOrientationTests
{
    [TestMethod]
    public void CamerasJpegSaysHowItIsTurned()
    {
        byte[] file = File.ReadAllBytes(PreprocessingReference.DataPath("exif_rotated6.head.jpg"));
        Assert.AreEqual(ImageOrientation.Rotate90, ExifOrientation.Read(file));
        Assert.AreEqual(new ImageHeader(ImageFileFormat.Jpeg, 300, 200), ImageHeader.Read(file));
    }

    [TestMethod]
    public void AllOrientationsInBothByteOrdersAndAllFormats()
    {
        for (ushort value = 0; value <= 9; value++)
        {
            var expected = value is >= 1 and <= 8 ? (ImageOrientation)value : ImageOrientation.Normal;
            foreach (bool little in new[] { true, false })
            {
                byte[] tiff = EncodedHeaders.Tiff(value, little);
                byte[] exif = [.. "Exif\0\0"u8, .. tiff];
                byte[] png = [.. EncodedHeaders.Png(8, 8), .. EncodedHeaders.PngChunk("IDAT"u8, [1, 2, 3]), .. EncodedHeaders.PngChunk("eXIf"u8, tiff)];
                byte[] webp = [.. EncodedHeaders.WebPExtended(8, 8), .. "EXIF"u8, .. EncodedHeaders.Little((uint)tiff.Length), .. tiff];
                Assert.AreEqual(expected, ExifOrientation.Read(EncodedHeaders.Jpeg(8, 8, exif: exif)), $"JPEG {value}");
                Assert.AreEqual(expected, ExifOrientation.Read(png), $"PNG {value}");
                Assert.AreEqual(expected, ExifOrientation.Read(webp), $"WebP {value}");
            }
        }
    }

    [TestMethod]
    public void TheTagMayHaveAnyIntegerTypeAndStandElsewhere()
    {
        foreach (bool little in new[] { true, false })
        {
            Assert.AreEqual(ImageOrientation.Rotate90, OfTiff(Entry(little, type: 3, count: 1, value: 6)), "short");
            Assert.AreEqual(ImageOrientation.Rotate90, OfTiff(Entry(little, type: 4, count: 1, value: 6)), "long");
            Assert.AreEqual(ImageOrientation.Rotate90, OfTiff(Entry(little, type: 9, count: 1, value: 6)), "signed long");
            Assert.AreEqual(ImageOrientation.Rotate90, OfTiff([.. Entry(little, type: 4, count: 2, value: 26), .. Number(6, little), .. Number(3, little)]), "two longs elsewhere");
            Assert.AreEqual(ImageOrientation.Normal, OfTiff(Entry(little, type: 4, count: 2, value: 26)), "elsewhere is beyond the end");
            Assert.AreEqual(ImageOrientation.Normal, OfTiff(Entry(little, type: 4, count: uint.MaxValue, value: uint.MaxValue)), "too many");
            Assert.AreEqual(ImageOrientation.Normal, OfTiff(Entry(little, type: 2, count: 1, value: 6)), "text");
            Assert.AreEqual(ImageOrientation.Normal, OfTiff(Entry(little, type: 4, count: 1, value: 0x10006)), "not cut to 16 bits");
        }

        static ImageOrientation OfTiff(byte[] tiff) => ExifOrientation.Read([.. EncodedHeaders.Png(8, 8), .. EncodedHeaders.PngChunk("eXIf"u8, tiff)]);
    }

    [TestMethod]
    public void PrefixesAreSkipped()
    {
        byte[] tiff = EncodedHeaders.Tiff(6, little: true), prefixed = [.. "Exif\0\0"u8, .. "Exif\0\0"u8, .. tiff];
        Assert.AreEqual(ImageOrientation.Rotate90, ExifOrientation.Read([.. EncodedHeaders.Png(8, 8), .. EncodedHeaders.PngChunk("eXIf"u8, prefixed)]));
        Assert.AreEqual(ImageOrientation.Rotate90, ExifOrientation.Read([.. EncodedHeaders.WebPExtended(8, 8), .. "EXIF"u8, .. EncodedHeaders.Little((uint)prefixed.Length), .. prefixed]));
    }

    [TestMethod]
    public void DataOfTwoSegmentsBelongTogether()
    {
        byte[] tiff = EncodedHeaders.Tiff(6, little: true);
        byte[] first = [.. "Exif\0\0"u8, .. tiff[..30]], second = [.. "Exif\0\0"u8, .. tiff[30..]];
        byte[] file = EncodedHeaders.Jpeg(8, 8, exif: second);
        Assert.AreEqual(ImageOrientation.Rotate90, ExifOrientation.Read([.. file[..2], 0xFF, 0xE1, 0, (byte)(first.Length + 2), .. first, .. file[2..]]));
    }

    [TestMethod]
    [DataRow("<rdf tiff:Orientation=\"6\"/>", ImageOrientation.Rotate90)]
    [DataRow("<tiff:Orientation>8</tiff:Orientation>", ImageOrientation.Rotate270)]
    [DataRow("tiff:Orientation tiff:Orientation='3' tiff:Orientation=\"5\"", ImageOrientation.Transpose)]
    [DataRow("<tiff:Orientation>9</tiff:Orientation>", ImageOrientation.Normal)]
    [DataRow("tiff:Orientation=\"", ImageOrientation.Normal)]
    public void XmpSaysItWhereExifDoesNot(string xmp, ImageOrientation expected)
    {
        byte[] text = System.Text.Encoding.UTF8.GetBytes(xmp), key = [.. "XML:com.adobe.xmp\0"u8];
        byte[] segment = [.. "http://ns.adobe.com/xap/1.0/\0"u8, .. text];
        byte[] jpeg = EncodedHeaders.Jpeg(8, 8, exif: segment);
        Assert.AreEqual(expected, ExifOrientation.Read(jpeg), "JPEG");
        Assert.AreEqual(expected, ExifOrientation.Read([.. EncodedHeaders.WebPExtended(8, 8), .. "XMP "u8, .. EncodedHeaders.Little((uint)text.Length), .. text]), "WebP");
        Assert.AreEqual(expected, Png("iTXt"u8, [.. key, 0, 0, .. "en\0\0"u8, .. text]), "PNG");
        Assert.AreEqual(expected, Png("iTXt"u8, [.. key, 1, 0, .. "\0\0"u8, .. Codecs.PngBuilder.Compress(text)]), "PNG, compressed");
        Assert.AreEqual(expected, Png("tEXt"u8, [.. key, .. text]), "PNG, plain text");
        Assert.AreEqual(ImageOrientation.Normal, Png("iTXt"u8, [.. key, 1, 0, .. "\0\0"u8, 1, 2, 3]), "PNG, compressed data that are none");

        // EXIF goes before it, upright or invalid though it be.
        byte[] exif = [.. "Exif\0\0"u8, .. EncodedHeaders.Tiff(1, little: true)];
        Assert.AreEqual(ImageOrientation.Normal, ExifOrientation.Read([.. jpeg[..2], 0xFF, 0xE1, 0, (byte)(exif.Length + 2), .. exif, .. jpeg[2..]]), "both");
    }

    [TestMethod]
    public void PngHasExifAsText()
    {
        byte[] exif = [.. "Exif\0\0"u8, .. EncodedHeaders.Tiff(6, little: false)];
        string hex = Convert.ToHexString(exif).ToLowerInvariant();
        byte[] text = [.. System.Text.Encoding.ASCII.GetBytes($"\nexif\n{exif.Length,8}\n{hex[..40]}\n{hex[40..]}\n")], key = [.. "Raw profile type exif\0"u8];
        Assert.AreEqual(ImageOrientation.Rotate90, Png("tEXt"u8, [.. key, .. text]));
        Assert.AreEqual(ImageOrientation.Rotate90, Png("zTXt"u8, [.. key, 0, .. Codecs.PngBuilder.Compress(text)]));
        Assert.AreEqual(ImageOrientation.Normal, Png("tEXt"u8, [.. key, .. text[..20]]));
        Assert.AreEqual(ImageOrientation.Normal, Png("tEXt"u8, [.. key, .. text, (byte)'x']));
    }

    [TestMethod]
    public void ManyCompressedTextsTakeTheTimeOfOne()
    {
        // Each would become a megabyte.
        byte[] bomb = EncodedHeaders.PngChunk("zTXt"u8, [.. "Raw profile type exif\0\0"u8, .. Codecs.PngBuilder.Compress(new byte[1 << 22])]);
        byte[] file = [.. EncodedHeaders.Png(8, 8), .. Enumerable.Repeat(bomb, 100).SelectMany(chunk => chunk)];
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.AreEqual(ImageOrientation.Normal, ExifOrientation.Read(file));
        Assert.IsLessThan(4_000_000, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static ImageOrientation Png(ReadOnlySpan<byte> chunk, byte[] data) =>
        ExifOrientation.Read([.. EncodedHeaders.Png(8, 8), .. EncodedHeaders.PngChunk("IDAT"u8, [1, 2, 3]), .. EncodedHeaders.PngChunk(chunk, data)]);

    /// <summary>TIFF data of 26 bytes with an orientation alone.</summary>
    private static byte[] Entry(bool little, ushort type, uint count, uint value)
    {
        byte[] Short(ushort v) => little ? [(byte)v, (byte)(v >> 8)] : [(byte)(v >> 8), (byte)v];
        // A short stands in the first two of the four value bytes.
        byte[] values = type == 3 ? [.. Short((ushort)value), 0, 0] : Number(value, little);
        return [.. little ? "II*\0"u8 : "MM\0*"u8, .. Number(8, little), .. Short(1), .. Short(274), .. Short(type), .. Number(count, little), .. values, .. new byte[4]];
    }

    private static byte[] Number(uint value, bool little) => little ? EncodedHeaders.Little(value) : EncodedHeaders.Big(value);

    [TestMethod]
    public void FilesWithoutIntactExifDataAreUpright()
    {
        Assert.AreEqual(ImageOrientation.Normal, ExifOrientation.Read([]));
        Assert.AreEqual(ImageOrientation.Normal, ExifOrientation.Read(EncodedHeaders.Jpeg(8, 8)));
        Assert.AreEqual(ImageOrientation.Normal, ExifOrientation.Read(EncodedHeaders.Png(8, 8)));
        Assert.AreEqual(ImageOrientation.Normal, ExifOrientation.Read(EncodedHeaders.Bmp(8, 8)));

        byte[] file = EncodedHeaders.Jpeg(8, 8, exif: [.. "Exif\0\0"u8, .. EncodedHeaders.Tiff(6, little: true)]);
        int seen = 0;
        for (int length = 0; length <= file.Length; length++)
        {
            var orientation = ExifOrientation.Read(file.AsSpan(0, length));
            Assert.IsTrue(orientation is ImageOrientation.Normal or ImageOrientation.Rotate90);
            seen += orientation == ImageOrientation.Rotate90 ? 1 : 0;
        }

        Assert.IsGreaterThan(0, seen);
    }
}
