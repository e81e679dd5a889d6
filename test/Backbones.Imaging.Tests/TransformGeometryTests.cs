using Backbones.Imaging;

namespace Backbones.Tests.Imaging;

/// <summary>Sizes and offsets worked out by hand from timm's and torchvision's formulas.</summary>
[TestClass]
public sealed class TransformGeometryTests
{
    [TestMethod]
    // floor(224 / 0.95) = 235; int(235 × 500 / 375) = 313; 89 / 2 = 44.5 and 11 / 2 = 5.5 round to even.
    [DataRow(500, 375, 224, 224, 0.95, CropMode.Center, 313, 235, 44, 6)]
    [DataRow(375, 500, 224, 224, 0.95, CropMode.Center, 235, 313, 6, 44)]
    // crop_pct 1.15 scales to 194: the border is 15 before and 15 after, on the long side a crop of (258 - 224) / 2.
    [DataRow(400, 300, 224, 224, 1.15, CropMode.Center, 258, 194, 17, -15)]
    [DataRow(300, 300, 225, 225, 1.15, CropMode.Center, 195, 195, -15, -15)]
    [DataRow(300, 300, 224, 224, 1.005, CropMode.Center, 222, 222, -1, -1)]
    // A missing pixel that can't be halved goes after the picture.
    [DataRow(300, 300, 224, 224, 1.002, CropMode.Center, 223, 223, 0, 0)]
    [DataRow(500, 375, 256, 256, 0.9, CropMode.Squash, 284, 284, 14, 14)]
    [DataRow(500, 375, 160, 224, 0.9, CropMode.Squash, 177, 248, 8, 12)]
    // Border: the long side becomes 284, the other round(375 / (500 / 284)) = 213.
    [DataRow(500, 375, 256, 256, 0.9, CropMode.Border, 284, 213, 14, -21)]
    // Not square: 177 × 248 must be covered, so the ratio is min(375 / 248, 500 / 177).
    [DataRow(500, 375, 160, 224, 0.9, CropMode.Center, 331, 248, 86, 12)]
    public void SizesAndOffsetsAreTimms(
        int width, int height, int inputWidth, int inputHeight, double cropPct, CropMode mode, int resizedWidth, int resizedHeight, int left, int top)
    {
        var options = new ImageTransformOptions { Width = inputWidth, Height = inputHeight, CropPct = cropPct, CropMode = mode };
        var geometry = TransformGeometry.Of(width, height, options);
        Assert.AreEqual((resizedWidth, resizedHeight, left, top), (geometry.ResizedWidth, geometry.ResizedHeight, geometry.Left, geometry.Top));
    }

    [TestMethod]
    public void CentreCropForAnInputThatIsNotSquareIsBilinearWhateverTheConfigSays()
    {
        var options = new ImageTransformOptions { Width = 160, Height = 224, Interpolation = Interpolation.Lanczos };
        Assert.AreEqual(Interpolation.Bilinear, TransformGeometry.Of(500, 375, options).Interpolation);
        Assert.AreEqual(Interpolation.Lanczos, TransformGeometry.Of(500, 375, options with { CropMode = CropMode.Squash }).Interpolation);
        Assert.AreEqual(Interpolation.Lanczos, TransformGeometry.Of(500, 375, options with { CropMode = CropMode.Border }).Interpolation);
        Assert.AreEqual(Interpolation.Lanczos, TransformGeometry.Of(500, 375, options with { Width = 224 }).Interpolation);
    }

    [TestMethod]
    public void PictureTooNarrowToKeepItsShapeIsAnErrorThatNamesBothSizes()
    {
        var options = new ImageTransformOptions { CropMode = CropMode.Border };
        string message = Assert.Throws<ArgumentException>(() => TransformGeometry.Of(1000, 1, options)).Message;
        StringAssert.Contains(message, "1000×1");
        StringAssert.Contains(message, "256×0");
    }
}
