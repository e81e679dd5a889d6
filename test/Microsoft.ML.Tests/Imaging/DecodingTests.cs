using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Imaging;

/// <summary>Every picture of the test data: dimensions on any stack, and on the embedded one Pillow's pixels bit for bit.</summary>
[TestClass]
public sealed class DecodingTests
{
    public static IEnumerable<object[]> Files => ImageData.Rows.Select(row => new object[] { row.File });

    [TestMethod]
    [DynamicData(nameof(Files))]
    public void PixelsAreThoseOfPillow(string file)
    {
        PackageStack.RequireEmbedded("it decodes with Skia, which premultiplies alpha and rounds otherwise.");
        using MLImage image = MLImage.CreateFromFile(ImageData.PathOf(file));
        Assert.AreEqual(RowOf(file).Crc32, $"0x{ImageData.Crc32(ImageData.Rgb(image)):x8}");
    }

    [TestMethod]
    [DynamicData(nameof(Files))]
    public void DimensionsAreThoseOfTheFile(string file)
    {
        if (!PackageStack.IsEmbedded && !file.StartsWith("images/", StringComparison.Ordinal))
        {
            Assert.Inconclusive("Not on the real package: which unusual or damaged JPEGs Skia accepts is its own affair.");
        }

        using MLImage image = ImageData.Decode(ImageData.Read(file));
        Assert.AreEqual((RowOf(file).Width, RowOf(file).Height), (image.Width, image.Height));
        Assert.AreEqual(32, image.BitsPerPixel);
        Assert.AreEqual(image.Width * image.Height * 4, image.Pixels.Length);
        Assert.IsTrue(image.PixelFormat is MLPixelFormat.Bgra32 or MLPixelFormat.Rgba32);
    }

    [TestMethod]
    public void AlphaIsKeptAndColoursAreNotPremultiplied()
    {
        PackageStack.RequireEmbedded("Skia premultiplies colours by alpha.");
        using MLImage image = MLImage.CreateFromFile(ImageData.PathOf("images/rgba.png"));
        HashSet<byte> alphas = [];
        bool brighterThanAlpha = false;
        ReadOnlySpan<byte> pixels = image.Pixels;
        for (int i = 0; i < pixels.Length; i += 4)
        {
            alphas.Add(pixels[i + 3]);
            brighterThanAlpha |= pixels[i] > pixels[i + 3];
        }

        Assert.IsGreaterThan(16, alphas.Count);
        Assert.IsTrue(brighterThanAlpha);
    }

    private static ImageData.Row RowOf(string file) => ImageData.Rows.Single(row => row.File == file);
}
