using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Imaging;

[TestClass]
public sealed class MLImageTests
{
    private static readonly byte[] _pixels = [1, 2, 3, 255, 4, 5, 6, 255, 7, 8, 9, 255, 10, 11, 12, 255, 13, 14, 15, 255, 16, 17, 18, 255];

    [TestMethod]
    [DataRow(MLPixelFormat.Bgra32, 0)]
    [DataRow(MLPixelFormat.Rgba32, 2)]
    public void PixelsAreTakenOver(MLPixelFormat format, int blue)
    {
        using MLImage image = MLImage.CreateFromPixels(3, 2, format, _pixels);
        Assert.AreEqual((3, 2, 32, format), (image.Width, image.Height, image.BitsPerPixel, image.PixelFormat));
        CollectionAssert.AreEqual(_pixels, image.Pixels.ToArray());
        CollectionAssert.AreEqual(new[] { _pixels[blue], _pixels[1], _pixels[2 - blue] }, image.GetBGRPixels[..3]);
        Assert.HasCount(18, image.GetBGRPixels);
    }

    [TestMethod]
    public void PixelsAreCopied()
    {
        byte[] pixels = [.. _pixels];
        using MLImage image = MLImage.CreateFromPixels(3, 2, MLPixelFormat.Bgra32, pixels);
        pixels[0] = 99;
        Assert.AreEqual(1, image.Pixels[0]);
    }

    [TestMethod]
    public void ArgumentsAreChecked()
    {
        Assert.ThrowsExactly<ArgumentException>(() => MLImage.CreateFromPixels(3, 2, MLPixelFormat.Unknown, _pixels));
        Assert.ThrowsExactly<ArgumentException>(() => MLImage.CreateFromPixels(0, 2, MLPixelFormat.Bgra32, _pixels));
        Assert.ThrowsExactly<ArgumentException>(() => MLImage.CreateFromPixels(3, -2, MLPixelFormat.Bgra32, _pixels));
        Assert.ThrowsExactly<ArgumentException>(() => MLImage.CreateFromPixels(3, 3, MLPixelFormat.Bgra32, _pixels));
    }

    [TestMethod]
    public void TagIsAnyText()
    {
        using MLImage image = MLImage.CreateFromPixels(3, 2, MLPixelFormat.Bgra32, _pixels);
        Assert.IsNull(image.Tag);
        image.Tag = "here";
        Assert.AreEqual("here", image.Tag);
    }

    [TestMethod]
    public void DisposedImagesThrow()
    {
        MLImage image = MLImage.CreateFromPixels(3, 2, MLPixelFormat.Bgra32, _pixels);
        image.Dispose();
        image.Dispose();
        Assert.ThrowsExactly<InvalidOperationException>(() => image.Width);
        Assert.ThrowsExactly<InvalidOperationException>(() => image.Height);
        Assert.ThrowsExactly<InvalidOperationException>(() => image.PixelFormat);
        Assert.ThrowsExactly<InvalidOperationException>(() => image.BitsPerPixel);
        Assert.ThrowsExactly<InvalidOperationException>(() => image.Pixels.Length);
        Assert.ThrowsExactly<InvalidOperationException>(() => image.GetBGRPixels);
        Assert.ThrowsExactly<InvalidOperationException>(() => image.Tag);
        Assert.ThrowsExactly<InvalidOperationException>(() => image.Tag = "x");
        Assert.ThrowsExactly<InvalidOperationException>(() => image.Save("x.png"));
    }

    [TestMethod]
    [DataRow("images/exact_224.png")]
    [DataRow("images/portrait_444.jpg")]
    [DataRow("images/one_pixel.png")]
    public void SavedPngHasTheSamePixels(string file)
    {
        using MLImage image = MLImage.CreateFromFile(ImageData.PathOf(file));
        using MLImage saved = SaveAndLoad(image);
        Assert.AreEqual((image.Width, image.Height), (saved.Width, saved.Height));
        CollectionAssert.AreEqual(ImageData.Rgb(image), ImageData.Rgb(saved));
    }

    [TestMethod]
    [DataRow(MLPixelFormat.Bgra32)]
    [DataRow(MLPixelFormat.Rgba32)]
    public void SavedPngKeepsAlpha(MLPixelFormat format)
    {
        PackageStack.RequireEmbedded("Skia premultiplies colours by alpha.");
        byte[] pixels = [.. _pixels];
        (pixels[3], pixels[7]) = (0, 128);
        using MLImage image = MLImage.CreateFromPixels(3, 2, format, pixels);
        using MLImage saved = SaveAndLoad(image);
        CollectionAssert.AreEqual(ImageData.Rgb(image), ImageData.Rgb(saved));
        CollectionAssert.AreEqual(new byte[] { 0, 128, 255 }, new[] { saved.Pixels[3], saved.Pixels[7], saved.Pixels[11] });
    }

    [TestMethod]
    public void UnknownExtensionsAreRefused()
    {
        using MLImage image = MLImage.CreateFromPixels(3, 2, MLPixelFormat.Bgra32, _pixels);
        ArgumentException e = Assert.ThrowsExactly<ArgumentException>(() => image.Save("picture.xyz"));
        Assert.AreEqual("imagePath", e.ParamName);
    }

    [TestMethod]
    public void StreamsAreReadFromWhereTheyStand()
    {
        PackageStack.RequireEmbedded("whether its decoder goes back to a stream's beginning isn't documented.");
        byte[] file = ImageData.Read("images/one_pixel.png");
        using var stream = new MemoryStream([1, 2, 3, .. file]) { Position = 3 };
        using MLImage image = MLImage.CreateFromStream(stream);
        Assert.AreEqual((1, 1), (image.Width, image.Height));
    }

    private static MLImage SaveAndLoad(MLImage image)
    {
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.PNG");
        try
        {
            image.Save(path);
            return MLImage.CreateFromFile(path);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
