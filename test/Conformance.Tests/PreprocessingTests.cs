namespace Backbones.Conformance.Tests;

/// <summary>Every row of the reference made with Pillow, torchvision and timm: the decoded pixels, all filters, the whole eval transform, bit for bit.</summary>
[TestClass]
public sealed class PreprocessingTests
{
    [TestMethod]
    public void Pixels_resizes_and_transforms_are_pillows_and_timms()
    {
        var count = Preprocessing.Compare(Path.Combine(ModelLineTests.Data, "preprocessing.json.gz"), Path.Combine(ModelLineTests.Data, "..", "images"));
        Assert.AreEqual((580, 0), (count.Passed, count.Failed));
    }
}
