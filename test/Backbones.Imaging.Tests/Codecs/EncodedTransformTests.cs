using Backbones.Imaging;

namespace Backbones.Tests.Imaging.Codecs;

/// <summary>Transforming a file gives what decoding it first and transforming then gives, whatever of it is decoded.</summary>
[TestClass]
public sealed class EncodedTransformTests
{
    private static readonly ImageTransform[] Transforms =
    [
        new(new ImageTransformOptions()),
        new(new ImageTransformOptions { Width = 20, Height = 9, CropPct = 0.3, Interpolation = Interpolation.Bilinear }),
        new(new ImageTransformOptions { Width = 7, Height = 7, CropPct = 0.05, Interpolation = Interpolation.Lanczos, CropMode = CropMode.Squash }),
        new(new ImageTransformOptions { Width = 96, Height = 64, CropPct = 1, CropMode = CropMode.Border, Mean = [0.5, 0.4, 0.3] }),
        new(new ImageTransformOptions { Width = 50, Height = 50, CropPct = 1.5, Interpolation = Interpolation.Nearest }),
        new(new ImageTransformOptions { Width = 40, Height = 40, Channels = 1, Mean = [0.5], Std = [0.25] }),
    ];

    [TestMethod]
    [DynamicData(nameof(Pictures.Files), typeof(Pictures))]
    public void AFileBecomesWhatItsPixelsBecome(string file)
    {
        byte[] encoded = Pictures.Read(file);
        var pixels = ImagePixels.Decode(encoded, applyExifOrientation: true);
        foreach (var transform in Transforms)
        {
            foreach (bool turn in new[] { false, true })
            {
                CollectionAssert.AreEqual(Outcome(output => transform.Apply(pixels.Buffer, output, turn ? pixels.Orientation : ImageOrientation.Normal), transform),
                    Outcome(output => transform.ApplyEncoded(encoded, output, turn), transform), transform.Options.ToString());
            }
        }
    }

    [TestMethod]
    public void ManyFilesOfOneSizeTakeHardlyMoreMemoryThanOne()
    {
        byte[] encoded = Pictures.Read("images/landscape_420.jpg");
        float[] output = new float[Transforms[0].OutputLength];
        Transforms[0].ApplyEncoded(encoded, output);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 20; i++)
        {
            Transforms[0].ApplyEncoded(encoded, output);
        }

        // What is left are the file's Huffman tables; the pixels would be half a megabyte.
        Assert.IsLessThan(100_000, (GC.GetAllocatedBytesForCurrentThread() - before) / 20);
    }

    /// <summary>Changes JPEGs at random: each gives an error, or the same by both ways.</summary>
    [TestMethod]
    public void DamagedFilesAreRefusedOrBecomeTheSameByBothWays()
    {
        byte[][] files = [.. Pictures.Jpegs.Select(file => Pictures.Read((string)file[0])).Where(file => file.Length < 30_000)];
        var random = new Random(5);
        int same = 0, errors = 0;
        for (int i = 0; i < 600; i++)
        {
            byte[] damaged = [.. files[random.Next(files.Length)]];
            for (int changes = random.Next(1, 4); changes > 0; changes--)
            {
                damaged[random.Next(random.Next(2) == 0 ? Math.Min(700, damaged.Length) : damaged.Length)] ^= (byte)(1 << random.Next(8));
            }

            var transform = Transforms[random.Next(Transforms.Length)];
            float[]? streamed = Outcome(output => transform.ApplyEncoded(damaged, output), transform);
            float[]? whole = Outcome(output => transform.Apply(ImagePixels.Decode(damaged).Buffer, output), transform);
            CollectionAssert.AreEqual(whole, streamed);
            _ = streamed is null ? errors++ : same++;
        }

        Assert.IsGreaterThan(20, same);
        Assert.IsGreaterThan(20, errors);
    }

    /// <summary>What the action writes, or null where it refuses the file or its shape.</summary>
    private static float[]? Outcome(Action<float[]> action, ImageTransform transform)
    {
        float[] output = new float[transform.OutputLength];
        try
        {
            action(output);
            return output;
        }
        catch (Exception e) when (e is InvalidDataException or ArgumentException)
        {
            return null;
        }
    }
}
