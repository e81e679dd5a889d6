using Backbones.Graphs;

namespace Backbones.Detection.Tests;

[TestClass]
public sealed class AnchorGeneratorTests
{
    [TestMethod]
    public void Anchors_that_cannot_be_are_told_of()
    {
        Assert.Contains("all of them positive", Assert.ThrowsExactly<ArgumentException>(() => new AnchorGenerator([null!], [[1]])).Message);
        Assert.Contains("infinite sides", Assert.ThrowsExactly<ArgumentException>(() => new AnchorGenerator([[1e38f]], [[1e-10f]])).Message);
    }

    [TestMethod]
    public void Sizes_that_have_no_anchors_or_too_many_are_told_of()
    {
        var generator = new AnchorGenerator([[8, 16], [32, 64]], [[1]]);
        Assert.HasCount(2 * 4 * 6, generator.Generate((32, 48), [(4, 6), (2, 3)])[0]);
        Assert.Contains("1×1 or more; received an image of 32×48 and maps of 4×6, 0×3", Assert.ThrowsExactly<ArgumentException>(() => generator.Generate((32, 48), [(4, 6), (0, 3)])).Message);
        Assert.Contains("1×1 or more", Assert.ThrowsExactly<ArgumentException>(() => generator.Generate((-32, 48), [(4, 6), (2, 3)])).Message);
        Assert.Contains("A map of 46341×46341 with 2 anchors", Assert.ThrowsExactly<ArgumentException>(() => generator.Generate(100_000, [46341, 1])).Message);
    }
}
