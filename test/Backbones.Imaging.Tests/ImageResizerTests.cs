using Backbones.Imaging;
using Backbones.Imaging.Resampling;

namespace Backbones.Tests.Imaging;

[TestClass]
public sealed class ImageResizerTests
{
    [TestMethod]
    public void EveryKernelGivesTheSameBytesForEveryFormat()
    {
        var random = new Random(7);
        for (int i = 0; i < 120; i++)
        {
            var picture = Picture.Random(random.Next(1, 70), random.Next(1, 70), i);
            int width = random.Next(1, 80), height = random.Next(1, 80);
            var filter = (Interpolation)(i % 6);
            byte[] expected = new byte[3 * width * height];
            ImageResizer.Resize(picture.Buffer, expected, width, height, filter, ResampleKernel.Plain);
            foreach (var format in new[] { PixelFormat.Rgb24, PixelFormat.Rgba32, PixelFormat.Bgra32 })
            {
                var (pixels, stride) = picture.As(format, gap: i % 3);
                for (var kernel = ResampleKernel.Plain; kernel <= Resampler.Best; kernel++)
                {
                    byte[] actual = new byte[expected.Length];
                    ImageResizer.Resize(new ImageBuffer(pixels, picture.Width, picture.Height, format, stride), actual, width, height, filter, kernel);
                    CollectionAssert.AreEqual(expected, actual, $"{picture.Width}×{picture.Height} to {width}×{height}, {filter}, {format}, {kernel}");
                }
            }
        }
    }

    [TestMethod]
    public void GreyBecomesThreeEqualColours()
    {
        byte[] grey = [10, 200, 30, 77, 5, 250];
        byte[] coloured = [.. grey.SelectMany(v => new[] { v, v, v })];
        byte[] expected = new byte[3 * 5 * 4], actual = new byte[expected.Length];
        ImageResizer.Resize(new ImageBuffer(coloured, 3, 2, PixelFormat.Rgb24), expected, 5, 4);
        ImageResizer.Resize(new ImageBuffer(grey, 3, 2, PixelFormat.Gray8), actual, 5, 4);
        CollectionAssert.AreEqual(expected, actual);
    }

    [TestMethod]
    public void UnchangedSizeKeepsEveryPixel()
    {
        var picture = Picture.Random(37, 23);
        foreach (var filter in Enum.GetValues<Interpolation>())
        {
            byte[] actual = new byte[picture.Rgb.Length];
            ImageResizer.Resize(picture.Buffer, actual, picture.Width, picture.Height, filter);
            CollectionAssert.AreEqual(picture.Rgb, actual, filter.ToString());
        }
    }

    [TestMethod]
    public void TablesReadTheSourceInOrderAndOnlyInside()
    {
        foreach (var filter in Enum.GetValues<Interpolation>())
        {
            for (int source = 1; source <= 33; source++)
            {
                for (int target = 1; target <= 33; target++)
                {
                    var table = ResampleTable.Get(source, target, 0, target, filter, tapMultiple: 1);
                    for (int i = 0; i < target; i++)
                    {
                        string what = $"{filter} {source} to {target}, pixel {i}";
                        Assert.IsTrue(table.Starts[i] >= 0 && table.Starts[i] + table.Taps <= source, what);
                        Assert.IsTrue(i == 0 || table.Starts[i] >= table.Starts[i - 1], what);
                        // Weights are rounded one by one, so their sum is one only nearly.
                        Assert.AreEqual(1 << ResampleTable.WeightBits, table.Weights.AsSpan(i * table.Taps, table.Taps).ToArray().Sum(), table.Taps, what);
                    }
                }
            }
        }
    }

    [TestMethod]
    public void PartOfATableEqualsThatPartOfTheWhole()
    {
        var picture = Picture.Random(61, 47);
        foreach (var filter in Enum.GetValues<Interpolation>())
        {
            byte[] whole = new byte[3 * 40 * 40];
            ImageResizer.Resize(picture.Buffer, whole, 40, 40, filter);
            var transform = new ImageTransform(new() { Width = 20, Height = 20, CropPct = 0.5, CropMode = CropMode.Squash, Interpolation = filter });
            byte[] part = new byte[3 * 20 * 20];
            transform.ApplyToPixels(picture.Buffer, part);
            for (int y = 0; y < 20; y++)
            {
                CollectionAssert.AreEqual(
                    whole.AsSpan(3 * ((10 + y) * 40 + 10), 60).ToArray(), part.AsSpan(3 * 20 * y, 60).ToArray(), $"{filter}, row {y}");
            }
        }
    }

    [TestMethod]
    public void RefusesWhatCannotBe()
    {
        byte[] pixels = new byte[12], output = new byte[3];
        StringAssert.Contains(Message(() => ImageResizer.Resize(new ImageBuffer(pixels, 2, 2, PixelFormat.Rgb24), output, 0, 1)), "0×1");
        StringAssert.Contains(Message(() => ImageResizer.Resize(new ImageBuffer(pixels, 2, 2, PixelFormat.Rgb24), output, 2, 1)), "6 bytes; the output has 3");
        StringAssert.Contains(Message(() => ImageResizer.Resize(new ImageBuffer(pixels, 2, 2, PixelFormat.Rgb24), output, 1, 1, (Interpolation)9)), "Lanczos");
        StringAssert.Contains(Message(() => new ImageBuffer(pixels, 2, 2, PixelFormat.Rgba32)), "take 16 bytes; received 12");
        StringAssert.Contains(Message(() => new ImageBuffer(pixels, 0, 2, PixelFormat.Rgb24)), "0×2");
        StringAssert.Contains(Message(() => new ImageBuffer(pixels, 2, 2, PixelFormat.Rgb24, stride: 5)), "stride of 5");
        StringAssert.Contains(Message(() => new ImageBuffer(pixels, int.MaxValue, 2, PixelFormat.Rgba32)), "received 12");
        StringAssert.Contains(Message(() => new ImageBuffer(pixels, 2, 2, (PixelFormat)17)), "Bgra32");

        static string Message(Action action) => Assert.Throws<ArgumentException>(action).Message;
    }
}
