namespace Backbones.Detection.Tests;

[TestClass]
public sealed class InstanceMaskTests
{
    private static InstanceMask Mask(Box box)
    {
        var probabilities = new float[28 * 28];
        Array.Fill(probabilities, 0.8f);
        return new(probabilities, 28, box, 20, 10);
    }

    [TestMethod]
    public void A_mask_covers_its_box_and_nothing_else()
    {
        bool[] bitmap = Mask(new(4, 2, 12, 8)).ToBitmap();
        for (int y = 0; y < 10; y++)
        {
            for (int x = 0; x < 20; x++)
            {
                if (x is > 4 and < 11 && y is > 2 and < 7)
                    Assert.IsTrue(bitmap[y * 20 + x], $"({x}, {y})");
                if (x is < 3 or > 13 || y is < 1 or > 9)
                    Assert.IsFalse(bitmap[y * 20 + x], $"({x}, {y})");
            }
        }
        Assert.IsFalse(Mask(new(4, 2, 12, 8)).ToBitmap(0.9f).Any(p => p));
    }

    [TestMethod]
    public void Boxes_outside_or_without_area_are_no_reason_to_fail()
    {
        foreach (Box box in new Box[] { new(50, 50, 60, 60), new(-30, -30, -20, -20), new(3, 3, 3, 3), new(8, 8, 2, 2), new(float.NaN, 0, 1, 1), new(-1e9f, -1e9f, 1e9f, 1e9f), new(0, 0, float.PositiveInfinity, 5) })
            Assert.HasCount(200, Mask(box).ToImage());
    }

    [TestMethod]
    public void A_buffer_of_another_size_is_refused()
        => StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => Mask(default).CopyTo(new float[7])).Message, "200 elements");
}
