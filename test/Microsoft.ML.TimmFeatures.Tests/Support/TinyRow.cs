using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.TimmFeatures.Tests.Support;

/// <summary>A row with a small image as pixels and as a normalised tensor for a 32×32 model, and columns of other types.</summary>
internal sealed class TinyRow
{
    public const int Size = 32;

    public int Number { get; set; }

    public string Text { get; set; } = "";

    [VectorType]
    public float[] Varying { get; set; } = [];

    [VectorType(3 * Size * Size)]
    public float[] Tensor { get; set; } = [];

    [ImageType(Size, Size)]
    public MLImage? Image { get; set; }

    /// <summary>Makes the row of a number; the same number gives the same values.</summary>
    public static TinyRow Create(int number)
    {
        var random = new Random(number);
        var row = new TinyRow
        {
            Number = number,
            Text = $"row {number}",
            Varying = [.. Enumerable.Range(0, number % 4).Select(i => number + i / 10f)],
            Tensor = new float[3 * Size * Size],
            Image = MLImage.CreateFromPixels(8 + number % 5, 9, MLPixelFormat.Bgra32, Pixels(random, (8 + number % 5) * 9)),
        };
        for (int i = 0; i < row.Tensor.Length; i++)
            row.Tensor[i] = random.NextSingle() * 2 - 1;
        return row;
    }

    public static IEnumerable<TinyRow> Many(int count) => Enumerable.Range(0, count).Select(Create);

    private static byte[] Pixels(Random random, int count)
    {
        byte[] pixels = new byte[4 * count];
        random.NextBytes(pixels);
        for (int i = 3; i < pixels.Length; i += 4)
            pixels[i] = 255;
        return pixels;
    }
}

/// <summary>A featurizer for <see cref="TinyRow"/>: a small model on small images.</summary>
internal static class Tiny
{
    public static FeaturizerOptions Options { get; } = new() { ModelName = "test_resnet", RandomWeights = true, ImageSize = TinyRow.Size };

    /// <summary>Every value of every row of a view's active columns, read with one cursor.</summary>
    public static List<RowValues> Read(IDataView view, Random? random = null, params string[] columns)
    {
        DataViewSchema.Column[] active = [.. columns.Select(c => view.Schema[c])];
        using DataViewRowCursor cursor = view.GetRowCursor(active, random);
        var reader = new RowReader(cursor, active);
        var rows = new List<RowValues>();
        while (cursor.MoveNext())
            rows.Add(reader.Read());
        return rows;
    }
}
