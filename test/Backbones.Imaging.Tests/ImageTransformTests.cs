using Backbones.Imaging;

namespace Backbones.Tests.Imaging;

[TestClass]
public sealed class ImageTransformTests
{
    private static readonly ImageTransformOptions Small = new() { Width = 12, Height = 12, CropPct = 1.0 };

    [TestMethod]
    public void ValuesAreScaledThenCentredThenDividedInFloat32()
    {
        var picture = Picture.Random(12, 12);
        float[] actual = Apply(Small, picture.Buffer);
        for (int c = 0; c < 3; c++)
        {
            float mean = (float)Small.Mean[c], std = (float)Small.Std[c];
            for (int i = 0; i < 144; i++)
            {
                Assert.AreEqual((picture.Rgb[3 * i + c] / 255f - mean) / std, actual[144 * c + i]);
            }
        }
    }

    [TestMethod]
    public void FormatStrideAndAlphaMakeNoDifference()
    {
        var picture = Picture.Random(41, 29);
        foreach (int channels in new[] { 1, 3 })
        {
            var options = ImageTransformOptions.Resolve(null, new DataConfig { InChans = channels, ImageSize = 20 });
            float[] expected = Apply(options, picture.Buffer);
            foreach (var format in new[] { PixelFormat.Rgb24, PixelFormat.Rgba32, PixelFormat.Bgra32 })
            {
                var (pixels, stride) = picture.As(format, gap: 5);
                CollectionAssert.AreEqual(expected, Apply(options, new ImageBuffer(pixels, 41, 29, format, stride)), $"{format}, {channels} channels");
            }
        }
    }

    [TestMethod]
    public void OneChannelIsPillowsModeL()
    {
        var picture = Picture.Random(12, 12);
        var options = Small with { Channels = 1, Mean = [0.5], Std = [0.25] };
        float[] actual = Apply(options, picture.Buffer);
        for (int i = 0; i < 144; i++)
        {
            int luminance = (picture.Rgb[3 * i] * 19595 + picture.Rgb[3 * i + 1] * 38470 + picture.Rgb[3 * i + 2] * 7471 + 0x8000) >> 16;
            Assert.AreEqual((luminance / 255f - 0.5f) / 0.25f, actual[i]);
        }

        byte[] grey = picture.As(PixelFormat.Gray8).Pixels;
        byte[] pixels = new byte[144];
        new ImageTransform(options).ApplyToPixels(new ImageBuffer(grey, 12, 12, PixelFormat.Gray8), pixels);
        CollectionAssert.AreEqual(grey, pixels);
    }

    [TestMethod]
    public void OrientationTurnsThePictureFirst()
    {
        const int Width = 31, Height = 19;
        var picture = Picture.Random(Width, Height);
        var options = new ImageTransformOptions { Width = 16, Height = 16 };
        // Where the upright picture's pixel (x, y) is stored.
        var stored = new Func<int, int, (int X, int Y)>[]
        {
            (x, y) => (x, y), (x, y) => (Width - 1 - x, y), (x, y) => (Width - 1 - x, Height - 1 - y), (x, y) => (x, Height - 1 - y),
            (x, y) => (y, x), (x, y) => (y, Height - 1 - x), (x, y) => (Width - 1 - y, Height - 1 - x), (x, y) => (Width - 1 - y, x),
        };
        for (int o = 1; o <= 8; o++)
        {
            var (width, height) = o >= 5 ? (Height, Width) : (Width, Height);
            var upright = new Picture(width, height, new byte[picture.Rgb.Length]);
            for (int y = 0; y < height; y++)
            {
                for (int x = 0; x < width; x++)
                {
                    var from = stored[o - 1](x, y);
                    picture.Rgb.AsSpan(3 * (from.Y * Width + from.X), 3).CopyTo(upright.Rgb.AsSpan(3 * (y * width + x)));
                }
            }

            foreach (var format in new[] { PixelFormat.Rgb24, PixelFormat.Bgra32 })
            {
                var (pixels, stride) = picture.As(format);
                float[] actual = Apply(options, new ImageBuffer(pixels, Width, Height, format, stride), (ImageOrientation)o);
                CollectionAssert.AreEqual(Apply(options, upright.Buffer), actual, $"orientation {o}, {format}");
            }
        }
    }

    [TestMethod]
    public void BorderIsTheMeanColourAndPaddingOfACropIsBlack()
    {
        byte[] white = new byte[3 * 40 * 20];
        white.AsSpan().Fill(255);
        var options = new ImageTransformOptions { Width = 20, Height = 20, CropPct = 1.0, CropMode = CropMode.Border };
        byte[] pixels = new byte[3 * 20 * 20];

        new ImageTransform(options).ApplyToPixels(new ImageBuffer(white, 40, 20, PixelFormat.Rgb24), pixels);
        CollectionAssert.AreEqual(new byte[] { 124, 116, 104 }, pixels[..3]);
        CollectionAssert.AreEqual(new byte[] { 255, 255, 255 }, pixels.AsSpan(3 * 20 * 10, 3).ToArray());
        float[] values = Apply(options, new ImageBuffer(white, 40, 20, PixelFormat.Rgb24));
        Assert.AreEqual((116 / 255f - 0.456f) / 0.224f, values[400]);

        new ImageTransform(options with { CropPct = 1.25, CropMode = CropMode.Squash }).ApplyToPixels(new ImageBuffer(white, 40, 20, PixelFormat.Rgb24), pixels);
        CollectionAssert.AreEqual(new byte[] { 0, 0, 0 }, pixels[..3]);
        CollectionAssert.AreEqual(new byte[] { 255, 255, 255 }, pixels.AsSpan(3 * (20 * 2 + 2), 3).ToArray());
    }

    [TestMethod]
    public void EveryValueIsWrittenWhateverWasThereBefore()
    {
        foreach (var (width, height) in new[] { (50, 20), (20, 50), (7, 7), (1, 1), (1, 300) })
        {
            foreach (double cropPct in new[] { 0.8, 1.0, 1.3 })
            {
                var transform = new ImageTransform(new ImageTransformOptions { Width = 21, Height = 21, CropPct = cropPct });
                float[] values = new float[transform.OutputLength];
                values.AsSpan().Fill(float.NaN);
                transform.Apply(Picture.Random(width, height).Buffer, values);
                Assert.IsFalse(values.Any(float.IsNaN), $"{width}×{height}, crop_pct {cropPct}");
            }
        }
    }

    [TestMethod]
    public void AllocatesNothingForSizesSeenBefore()
    {
        var transform = new ImageTransform(new ImageTransformOptions());
        float[] output = new float[transform.OutputLength];
        Picture[] pictures = [Picture.Random(320, 240), Picture.Random(240, 320), Picture.Random(224, 224)];
        for (int i = 0; i < 3; i++)
        {
            ApplyAll();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 10; i++)
        {
            ApplyAll();
        }

        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void ApplyAll()
        {
            foreach (var picture in pictures)
            {
                transform.Apply(picture.Buffer, output);
            }
        }
    }

    [TestMethod]
    public void ManyThreadsShareATransform()
    {
        var transform = new ImageTransform(new ImageTransformOptions { Width = 32, Height = 32 });
        Picture[] pictures = [.. Enumerable.Range(0, 40).Select(i => Picture.Random(40 + 3 * i, 90 - i, i))];
        float[][] expected = [.. pictures.Select(p => Apply(transform.Options, p.Buffer))];
        Parallel.For(0, 400, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i =>
        {
            float[] actual = new float[transform.OutputLength];
            transform.Apply(pictures[i % 40].Buffer, actual);
            CollectionAssert.AreEqual(expected[i % 40], actual);
        });
    }

    [TestMethod]
    public void RefusesOptionsThatMakeNoSense()
    {
        StringAssert.Contains(Message(Small with { Channels = 4 }), "asked for were 4");
        StringAssert.Contains(Message(Small with { Height = 0 }), "0×12");
        StringAssert.Contains(Message(Small with { CropPct = 0 }), "received 0");
        StringAssert.Contains(Message(Small with { CropPct = double.NaN }), "NaN");
        StringAssert.Contains(Message(Small with { CropPct = 20 }), "a side of 12 pixels to 0");
        StringAssert.Contains(Message(Small with { Interpolation = (Interpolation)6 }), "Bicubic");
        StringAssert.Contains(Message(Small with { CropMode = (CropMode)3 }), "Squash");
        StringAssert.Contains(Message(Small with { Mean = [0.5] }), "received 1 and 3");
        StringAssert.Contains(Message(Small with { Std = [0.5, 0, 0.5] }), "[0.5, 0, 0.5]");

        // 32 bits of the product are 175436.
        StringAssert.Contains(Message(new() { Height = 37838, Width = 37838 }), "3×37838×37838");

        static string Message(ImageTransformOptions options) => Assert.Throws<ArgumentException>(() => new ImageTransform(options)).Message;
    }

    [TestMethod]
    public void RefusesAnOutputOfAnotherLengthAndAnUnknownOrientation()
    {
        var transform = new ImageTransform(Small);
        var picture = Picture.Random(5, 5);
        StringAssert.Contains(Assert.Throws<ArgumentException>(() => transform.Apply(picture.Buffer, new float[431])).Message, "432 values (3×12×12); the output has room for 431");
        StringAssert.Contains(Assert.Throws<ArgumentException>(() => transform.ApplyToPixels(picture.Buffer, new byte[433])).Message, "433");
        Assert.Throws<ArgumentOutOfRangeException>(() => transform.Apply(picture.Buffer, new float[432], (ImageOrientation)9));
        Assert.Throws<ArgumentOutOfRangeException>(() => transform.Apply(picture.Buffer, new float[432], 0));
    }

    private static float[] Apply(ImageTransformOptions options, ImageBuffer image, ImageOrientation orientation = ImageOrientation.Normal)
    {
        var transform = new ImageTransform(options);
        float[] output = new float[transform.OutputLength];
        transform.Apply(image, output, orientation);
        return output;
    }
}
