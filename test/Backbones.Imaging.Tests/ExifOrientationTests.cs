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
