using Backbones.Imaging;
using Backbones.Tests.Imaging.Codecs;

namespace Backbones.Tests.Imaging;

/// <summary>Pictures within the limit of pixels whose shape would take gigabytes or half a minute to scale are refused before they are decoded.</summary>
[TestClass]
public sealed class ExtremeShapeTests
{
    public static IEnumerable<object[]> Shapes =>
        from shape in new[] { (40_000_000, 1), (1, 40_000_000), (178_000_000, 1), (1, 178_000_000), (59_000_000, 3), (9_000_000, 1), (1, 9_000_000) }
        from mode in Enum.GetValues<CropMode>()
        from turn in new[] { false, true }
        select new object[] { shape.Item1, shape.Item2, mode, turn };

    [TestMethod]
    [DynamicData(nameof(Shapes))]
    public void AreRefusedFromTheHeader(int width, int height, CropMode mode, bool turn)
    {
        // As many bytes as one bit a pixel takes at best, so that the shape alone is to blame; of its pixels nothing is there.
        byte[] data = new byte[100_000 + 2 * height / 1032];
        byte[] exif = EncodedHeaders.Tiff(6, little: true);
        byte[] file = [.. PngBuilder.Assemble(PngBuilder.Header(width, height, 1, 0), [], [], data)[..^12], .. turn ? PngBuilder.Chunk("eXIf"u8, exif) : []];
        foreach (var interpolation in new[] { Interpolation.Bicubic, Interpolation.Lanczos })
        {
            var transform = new ImageTransform(new ImageTransformOptions { CropMode = mode, Interpolation = interpolation });
            float[] output = new float[transform.OutputLength];
            long before = GC.GetAllocatedBytesForCurrentThread();
            Assert.ThrowsExactly<ArgumentException>(() => transform.ApplyEncoded(file, output, applyExifOrientation: true));
            Assert.IsLessThan(1_000_000, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    [TestMethod]
    public void ASideThatDoesNotFitAnIntegerIsNotCutToOne()
    {
        var options = new ImageTransformOptions();
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => TransformGeometry.Of(1, 9_000_000, options)).Message, "256×2304000000");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => TransformGeometry.Of(9_000_000, 1, options)).Message, "2304000000×256");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => TransformGeometry.Of(8, 8, options with { CropPct = 1e-8 })).Message, "2147483647×2147483647");
        Assert.AreEqual(256 * 30_000, TransformGeometry.Of(1, 30_000, options).ResizedHeight);
    }

    [TestMethod]
    [DataRow(60_000, 1)]
    [DataRow(1, 60_000)]
    [DataRow(3, 20_000)]
    public void LessExtremeOnesAreScaled(int width, int height)
    {
        byte[] pixels = new byte[width * height];
        pixels.AsSpan().Fill(77);
        var transform = new ImageTransform(new ImageTransformOptions { CropMode = CropMode.Squash, Channels = 1, Mean = [0], Std = [1] });
        float[] output = new float[transform.OutputLength];
        transform.Apply(new ImageBuffer(pixels, width, height, PixelFormat.Gray8), output);
        Assert.IsTrue(output.All(v => v == 77 / 255f));
    }

    [TestMethod]
    public void APictureOfFewerRowsThanAreMadeAtOnceIsReadOnce()
    {
        // Three rows that have to be converted: beyond the last one there is that row again.
        byte[] pixels = [.. Enumerable.Range(0, 3 * 50 * 3).Select(i => (byte)(i * 7))];
        byte[] expected = new byte[3 * 40 * 9], actual = new byte[expected.Length];
        byte[] bgra = [.. Enumerable.Range(0, 150).SelectMany(i => new[] { pixels[3 * i + 2], pixels[3 * i + 1], pixels[3 * i], (byte)255 })];
        ImageResizer.Resize(new ImageBuffer(bgra, 50, 3, PixelFormat.Bgra32), expected, 40, 9);
        ImageResizer.Resize(new ImageBuffer(pixels, 50, 3, PixelFormat.Rgb24), actual, 40, 9);
        CollectionAssert.AreEqual(expected, actual);
    }
}
