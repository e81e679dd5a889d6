using Backbones;
using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Interactive.Tests;

[TestClass]
public sealed class FeaturePicturesTests
{
    private static readonly byte[] s_low = [0x44, 0x01, 0x54], s_high = [0xFD, 0xE7, 0x25], s_white = [0xFF, 0xFF, 0xFF], s_grey = [0xC0, 0xC0, 0xC0];

    [TestMethod]
    public void Channels_become_cells_with_a_gap_between_and_values_become_blocks()
    {
        // Three channels of 1×2: two cells in the first row, one in the second.
        FeaturePicture picture = FeaturePictures.Grid([0, 1, 5, 4, -1, 3], [3, 1, 2], new GridOptions { CellSize = 4, Gap = 1 });
        Assert.AreEqual((9, 5), (picture.Width, picture.Height));
        AssertPixel(picture, 0, 0, s_low);
        AssertPixel(picture, 1, 1, s_low);
        AssertPixel(picture, 2, 0, s_high);
        AssertPixel(picture, 4, 0, s_white);
        AssertPixel(picture, 5, 0, s_high);
        AssertPixel(picture, 8, 1, s_low);
        AssertPixel(picture, 0, 2, s_white);
        AssertPixel(picture, 3, 4, s_high);
        AssertPixel(picture, 5, 4, s_white);
    }

    [TestMethod]
    public void A_shared_range_makes_cells_comparable()
    {
        FeaturePicture picture = FeaturePictures.Grid([0, 1, 9, 10], [2, 1, 2], new GridOptions { CellSize = 2, Gap = 0, SharedRange = true });
        AssertPixel(picture, 0, 0, s_low);
        AssertPixel(picture, 3, 0, s_high);
        Assert.IsLessThan(100, picture.Pixels[3 * 1]);
        Assert.IsGreaterThan(150, picture.Pixels[3 * 2]);
    }

    [TestMethod]
    public void A_pixel_that_covers_several_values_has_their_mean()
    {
        FeaturePicture halves = FeaturePictures.Grid([0, 2, 4, 4], [1, 1, 4], new GridOptions { CellSize = 2 });
        FeaturePicture direct = FeaturePictures.Grid([1, 4, 0, 4], [1, 1, 4], new GridOptions { CellSize = 4 });
        AssertPixel(halves, 0, 0, direct.Pixels[..3].ToArray());
    }

    [TestMethod]
    public void Vectors_are_folded_and_tokens_are_rows()
    {
        FeaturePicture vector = FeaturePictures.Grid([0, 1, 2], [3], new GridOptions { CellSize = 1 });
        Assert.AreEqual((4, 4), (vector.Width, vector.Height));
        AssertPixel(vector, 3, 0, FeaturePictures.Grid([0, 1, 2], [1, 1, 3], new GridOptions { CellSize = 3 }).Pixels[3..6].ToArray());
        AssertPixel(vector, 3, 3, s_grey);
        FeaturePicture tokens = FeaturePictures.Grid(new float[2 * 8], [2, 8], new GridOptions { CellSize = 4 });
        Assert.AreEqual((16, 4), (tokens.Width, tokens.Height));
    }

    [TestMethod]
    public void Constant_missing_and_infinite_values_are_drawn()
    {
        AssertPixel(FeaturePictures.Grid([7, 7], [1, 1, 2], new GridOptions { CellSize = 2 }), 0, 0, s_low);
        FeaturePicture odd = FeaturePictures.Grid([float.NaN, 1, 2, float.PositiveInfinity], [1, 1, 4], new GridOptions { CellSize = 4 });
        AssertPixel(odd, 0, 0, s_grey);
        AssertPixel(odd, 1, 0, s_low);
        AssertPixel(odd, 3, 0, s_high);
    }

    [TestMethod]
    public void What_cannot_be_drawn_is_an_error_that_says_what_can()
    {
        Assert.Contains("4 values", Assert.ThrowsExactly<ArgumentException>(() => FeaturePictures.Grid([1, 2, 3], [1, 2, 2])).Message);
        Assert.Contains("[C, H, W]", Assert.ThrowsExactly<ArgumentException>(() => FeaturePictures.Grid([1], [1, 1, 1, 1])).Message);
        Assert.Contains("2 channels", Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => FeaturePictures.Grid([1, 2], [2, 1, 1], new GridOptions { Channels = [2] })).Message);
        var tensor = new FeatureTensor(new FeatureOutput("features", [2]), 1, new float[2]);
        Assert.Contains("[2]", Assert.ThrowsExactly<ArgumentException>(() => FeaturePictures.Strength(tensor)).Message);
        Assert.Contains("1 images", Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => FeaturePictures.Grid(tensor, image: 1)).Message);
    }

    [TestMethod]
    public void A_column_of_data_is_drawn_like_its_values()
    {
        var context = new MLContext();
        IDataView view = context.Data.LoadFromEnumerable([new Row { Map = [9, 9, 9, 9] }, new Row { Map = [1, 2, 3, 4] }]);
        FeaturePicture expected = FeaturePictures.Grid([1, 2, 3, 4], [1, 2, 2]);
        CollectionAssert.AreEqual(expected.Pixels.ToArray(), FeaturePictures.Grid(view, "Map", row: 1).Pixels.ToArray());
        Assert.Contains("'Map'", Assert.ThrowsExactly<ArgumentException>(() => FeaturePictures.Grid(view, "Mop")).Message);
        Assert.Contains("Vector<Single>", Assert.ThrowsExactly<ArgumentException>(() => FeaturePictures.Grid(view, "Name")).Message);
        Assert.Contains("2 rows", Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => FeaturePictures.Grid(view, "Map", row: 2)).Message);
    }

    private static void AssertPixel(FeaturePicture picture, int x, int y, byte[] expected)
        => CollectionAssert.AreEqual(expected, picture.Pixels.Slice(3 * (y * picture.Width + x), 3).ToArray(), $"pixel ({x}, {y})");

    private sealed class Row
    {
        [VectorType(1, 2, 2)]
        public float[] Map { get; set; } = [];

        public string Name { get; set; } = "";
    }
}
