using Backbones.Imaging;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Inputs;
using Microsoft.ML.TimmFeatures.Tests.Support;

namespace Microsoft.ML.TimmFeatures.Tests.Inputs;

/// <summary>Which way an image goes depends on the machine's cores; where it arrives does not.</summary>
[TestClass]
public sealed class ImageColumnReaderTests
{
    [TestMethod]
    public void Transformed_at_once_or_copied_first_an_image_may_be_disposed_after_its_row()
    {
        var transform = new ImageTransform(new ImageTransformOptions { Channels = 3, Height = 32, Width = 32, Mean = [0.5, 0.5, 0.5], Std = [0.5, 0.5, 0.5] });
        float[][] inputs = [.. new[] { true, false }.Select(atOnce =>
        {
            string[] paths = [.. Directory.EnumerateFiles(Path.Combine(Samples.Root, "samples", "textures", "cells"), "*.jpg").Order(StringComparer.Ordinal).Take(2)];
            int row = 0;
            MLImage? current = null;
            var reader = new ImageColumnReader((ref MLImage value) =>
            {
                current?.Dispose();
                value = current = MLImage.CreateFromFile(paths[row++]);
            }, slots: 2, transform, atOnce);
            float[] target = new float[2 * transform.OutputLength];
            for (int slot = 0; slot < 2; slot++)
                reader.Capture(slot, target.AsSpan(slot * transform.OutputLength, transform.OutputLength));
            current!.Dispose();
            for (int slot = 0; slot < 2; slot++)
                reader.Prepare(slot, target.AsSpan(slot * transform.OutputLength, transform.OutputLength));
            return target;
        })];
        Assert.IsTrue(inputs[0].AsSpan().SequenceEqual(inputs[1]));
        Assert.IsFalse(inputs[0].AsSpan(0, transform.OutputLength).SequenceEqual(inputs[0].AsSpan(transform.OutputLength)));
    }
}
