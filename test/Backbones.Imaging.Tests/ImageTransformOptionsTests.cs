using Backbones.Imaging;

namespace Backbones.Tests.Imaging;

/// <summary>timm's resolve_data_config.</summary>
[TestClass]
public sealed class ImageTransformOptionsTests
{
    private static readonly DataConfig Model = new()
    {
        InputSize = (3, 256, 240),
        TestInputSize = (3, 320, 320),
        CropPct = 0.9,
        TestCropPct = 1.0,
        Interpolation = "bilinear",
        CropMode = "squash",
        Mean = [0.5, 0.4, 0.3],
        Std = [0.1, 0.2, 0.3],
    };

    [TestMethod]
    public void NothingSaidGivesTimmsDefaults()
    {
        var options = ImageTransformOptions.Resolve(null);
        Assert.AreEqual((3, 224, 224, 0.875), (options.Channels, options.Height, options.Width, options.CropPct));
        Assert.AreEqual((Interpolation.Bicubic, CropMode.Center), (options.Interpolation, options.CropMode));
        CollectionAssert.AreEqual(new[] { 0.485, 0.456, 0.406 }, options.Mean.ToArray());
        CollectionAssert.AreEqual(new[] { 0.229, 0.224, 0.225 }, options.Std.ToArray());
    }

    [TestMethod]
    public void ModelsConfigGoesBeforeDefaultsAndTestSizesOnlyOnRequest()
    {
        var options = ImageTransformOptions.Resolve(Model);
        Assert.AreEqual((3, 256, 240, 0.9), (options.Channels, options.Height, options.Width, options.CropPct));
        Assert.AreEqual((Interpolation.Bilinear, CropMode.Squash), (options.Interpolation, options.CropMode));
        CollectionAssert.AreEqual(new[] { 0.5, 0.4, 0.3 }, options.Mean.ToArray());

        var test = ImageTransformOptions.Resolve(Model, useTestSize: true);
        Assert.AreEqual((320, 320, 1.0), (test.Height, test.Width, test.CropPct));
        var without = ImageTransformOptions.Resolve(Model with { TestInputSize = null, TestCropPct = null }, useTestSize: true);
        Assert.AreEqual((256, 240, 0.9), (without.Height, without.Width, without.CropPct));
    }

    [TestMethod]
    public void ArgumentsGoBeforeTheModelsConfig()
    {
        var arguments = new DataConfig { ImageSize = 288, CropPct = 0.8, Interpolation = "lanczos", CropMode = "border", Mean = [0.25], Std = [1, 2, 3] };
        var options = ImageTransformOptions.Resolve(Model, arguments, useTestSize: true);
        Assert.AreEqual((3, 288, 288, 0.8), (options.Channels, options.Height, options.Width, options.CropPct));
        Assert.AreEqual((Interpolation.Lanczos, CropMode.Border), (options.Interpolation, options.CropMode));
        CollectionAssert.AreEqual(new[] { 0.25, 0.25, 0.25 }, options.Mean.ToArray());
        CollectionAssert.AreEqual(new double[] { 1, 2, 3 }, options.Std.ToArray());

        var sized = ImageTransformOptions.Resolve(Model, new DataConfig { InputSize = (1, 10, 20), ImageSize = 30, InChans = 3 });
        Assert.AreEqual((1, 10, 20), (sized.Channels, sized.Height, sized.Width));
    }

    [TestMethod]
    public void ConfigOfThreeChannelsIsAveragedForOne()
    {
        var options = ImageTransformOptions.Resolve(Model, new DataConfig { InChans = 1 });
        Assert.AreEqual((1, 256, 240), (options.Channels, options.Height, options.Width));
        Assert.AreEqual(0.4, options.Mean.Single(), 1e-12);
        Assert.AreEqual(0.2, options.Std.Single(), 1e-12);
    }

    [TestMethod]
    public void ErrorsSayWhatWouldBeValid()
    {
        StringAssert.Contains(Message(new() { Interpolation = "cubic" }), "Unknown interpolation 'cubic'; valid: nearest, box, bilinear, hamming, bicubic, lanczos");
        StringAssert.Contains(Message(new() { Interpolation = "random" }), "training");
        StringAssert.Contains(Message(new() { CropMode = "centre" }), "Unknown crop mode 'centre'; valid: center, squash, border");
        StringAssert.Contains(Message(new() { Mean = [1, 2] }), "mean has 2 values; an input of 3 channels needs 1 or 3");

        static string Message(DataConfig arguments) => Assert.Throws<ArgumentException>(() => ImageTransformOptions.Resolve(Model, arguments)).Message;
    }
}
