using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text.Json;
using Backbones.Imaging;
using Backbones.Imaging.Resampling;

namespace Backbones.Tests.Imaging;

[TestClass]
public sealed class PreprocessingReferenceTests
{
    [TestMethod]
    [DynamicData(nameof(Kernels.Supported), typeof(Kernels))]
    public void ResizeEqualsPillowBitForBit(string kernel)
    {
        var reference = PreprocessingReference.Instance;
        foreach (JsonElement row in reference.Resizes)
        {
            int width = row.GetProperty("to")[0].GetInt32(), height = row.GetProperty("to")[1].GetInt32();
            byte[] pixels = new byte[3 * width * height];
            var filter = ImageTransformOptions.ParseInterpolation(row.GetProperty("filter").GetString()!);

            ImageResizer.Resize(reference.PictureOf(row).Buffer, pixels, width, height, filter, Enum.Parse<ResampleKernel>(kernel));

            Assert.AreEqual(PreprocessingReference.Checksum(row, "crc32"), Crc32.HashToUInt32(pixels), row.ToString());
        }
    }

    [TestMethod]
    [DynamicData(nameof(Kernels.Supported), typeof(Kernels))]
    public void TransformEqualsTimmBitForBit(string kernel)
    {
        var reference = PreprocessingReference.Instance;
        foreach (JsonElement row in reference.Transforms)
        {
            var transform = PreprocessingReference.Transform(row);
            float[] values = new float[transform.OutputLength];

            transform.Apply(reference.PictureOf(row).Buffer, values, ImageOrientation.Normal, Enum.Parse<ResampleKernel>(kernel));

            Assert.AreEqual(PreprocessingReference.Checksum(row, "crc32_float"), Crc32.HashToUInt32(MemoryMarshal.AsBytes<float>(values)), row.ToString());
        }
    }

    [TestMethod]
    public void PixelsBeforeNormalisationEqualTimmBitForBit()
    {
        var reference = PreprocessingReference.Instance;
        foreach (JsonElement row in reference.Transforms)
        {
            var transform = PreprocessingReference.Transform(row);
            byte[] pixels = new byte[transform.OutputLength];

            transform.ApplyToPixels(reference.PictureOf(row).Buffer, pixels);

            Assert.AreEqual(PreprocessingReference.Checksum(row, "crc32_uint8"), Crc32.HashToUInt32(pixels), row.ToString());
        }
    }
}

/// <summary>The inner loops that this machine can run.</summary>
internal static class Kernels
{
    public static IEnumerable<object[]> Supported =>
        Enum.GetValues<ResampleKernel>().Where(k => k <= Resampler.Best).Select(k => new object[] { k.ToString() });
}
