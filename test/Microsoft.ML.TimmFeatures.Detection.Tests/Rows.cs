using Backbones;
using Backbones.Imaging;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.TimmFeatures.Detection.Tests;

/// <summary>Pictures of several sizes, as rows.</summary>
internal static class Rows
{
    private static readonly (int Width, int Height)[] s_sizes = [(64, 48), (40, 60), (64, 48), (33, 33), (90, 30)];

    public static ImagePixels[] Pictures { get; } = [.. s_sizes.Select((s, i) => Picture(s.Width, s.Height, i))];

    public static IEnumerable<ImageRow> Images => Pictures.Select((p, i) => new ImageRow { Image = MLImage.CreateFromPixels(p.Width, p.Height, MLPixelFormat.Rgba32, p.Pixels.Span), Number = i });

    public static ImagePixels Picture(int width, int height, int seed)
    {
        var random = new Random(seed);
        var pixels = new byte[4 * width * height];
        for (int i = 0; i < width * height; i++)
        {
            // Squares of eight pixels, which have something to be found.
            if (i % 8 == 0)
                random.NextBytes(pixels.AsSpan(4 * i, 4));
            else
                pixels.AsSpan(4 * (i - i % 8), 4).CopyTo(pixels.AsSpan(4 * i, 4));
            pixels[4 * i + 3] = 255;
        }
        return new ImagePixels(pixels, width, height, PixelFormat.Rgba32);
    }

    /// <summary>A vector column's values.</summary>
    public static T[][] Read<T>(this IDataView view, string column)
    {
        var rows = new List<T[]>();
        using DataViewRowCursor cursor = view.GetRowCursor([view.Schema[column]]);
        ValueGetter<VBuffer<T>> getter = cursor.GetGetter<VBuffer<T>>(view.Schema[column]);
        VBuffer<T> value = default;
        while (cursor.MoveNext())
        {
            getter(ref value);
            rows.Add([.. value.DenseValues()]);
        }
        return [.. rows];
    }

    public static string[] KeyNames(this DataViewSchema schema, string column)
    {
        VBuffer<ReadOnlyMemory<char>> names = default;
        schema[column].GetKeyValues(ref names);
        return [.. names.DenseValues().Select(n => n.ToString())];
    }
}

internal sealed class ImageRow
{
    [ImageType(1, 1)]
    public MLImage? Image { get; set; }

    public int Number { get; set; }
}

internal sealed class PathRow
{
    public string Path { get; set; } = "";
}

internal sealed class BytesRow
{
    public byte[] Bytes { get; set; } = [];
}

internal sealed class TensorRow
{
    [VectorType(12)]
    public float[] Tensor { get; set; } = new float[12];
}
