using Backbones;
using Backbones.Graphs;
using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Interactive;

/// <summary>Pictures of features: maps <c>[C, H, W]</c> as a grid of channels, tokens <c>[L, C]</c> as one picture with a row per token, vectors <c>[C]</c> folded to a square.</summary>
public static class FeaturePictures
{
    /// <summary>A grid of one image's features, from dark violet (low) to yellow (high).</summary>
    /// <param name="features">An output of a run.</param>
    /// <param name="image">Number of the image in the batch.</param>
    /// <param name="options">Channels, cell size and so on.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such image or channel.</exception>
    public static FeaturePicture Grid(FeatureTensor features, int image = 0, GridOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(features);
        return Grid(ValuesOf(features, image), features.Output.Shape, options);
    }

    /// <summary>A grid of one row of a feature column.</summary>
    /// <param name="view">Data with features, such as the output of <c>TimmPyramid</c>.</param>
    /// <param name="column">A Vector&lt;Single&gt; column.</param>
    /// <param name="row">Number of the row.</param>
    /// <param name="options">Channels, cell size and so on.</param>
    /// <exception cref="ArgumentException">The column is missing or has another type.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer rows, or no such channel.</exception>
    public static FeaturePicture Grid(IDataView view, string column, long row = 0, GridOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(view);
        DataViewSchema.Column found = view.Schema.GetColumnOrNull(column)
            ?? throw new ArgumentException($"There is no column '{column}'. Columns are {string.Join(", ", view.Schema.Select(c => $"'{c.Name}'"))}.", nameof(column));
        if (found.Type is not VectorDataViewType { IsKnownSize: true } type || type.ItemType != NumberDataViewType.Single)
            throw new ArgumentException($"Column '{column}' is {found.Type}; a Vector<Single> of known size is needed.", nameof(column));
        using DataViewRowCursor cursor = view.GetRowCursor([found]);
        for (long i = 0; i <= row; i++)
        {
            if (!cursor.MoveNext())
                throw new ArgumentOutOfRangeException(nameof(row), row, $"The data has {i} rows.");
        }
        VBuffer<float> values = default;
        cursor.GetGetter<VBuffer<float>>(found)(ref values);
        return Grid([.. values.DenseValues()], [.. type.Dimensions], options);
    }

    /// <summary>A grid of values.</summary>
    /// <param name="values">The values, row-major.</param>
    /// <param name="shape"><c>[C, H, W]</c>, <c>[L, C]</c> or <c>[C]</c>.</param>
    /// <param name="options">Channels, cell size and so on.</param>
    /// <exception cref="ArgumentException">The shape has another rank, or does not fit the values.</exception>
    public static FeaturePicture Grid(ReadOnlySpan<float> values, Shape shape, GridOptions? options = null)
    {
        options ??= new GridOptions();
        options.Check();
        if (values.IsEmpty || values.Length != shape.Length)
            throw new ArgumentException($"Shape {shape} has {shape.Length} values; received were {values.Length}.", nameof(values));
        return shape.Rank switch
        {
            1 => Planes(Folded(values, out int side), side, side, [0], options, options.CellSize * 4),
            2 => Planes(values, shape[0], shape[1], [0], options, options.CellSize * 4),
            3 => Planes(values, shape[1], shape[2], ChannelsOf(shape[0], options), options, options.CellSize),
            _ => throw new ArgumentException($"Shape {shape} cannot be drawn; valid are [C, H, W], [L, C] and [C].", nameof(shape)),
        };
    }

    /// <summary>Where features are strong: the mean of their magnitudes over all channels, as one map.</summary>
    /// <param name="features">An output of a run, <c>[C, H, W]</c>.</param>
    /// <param name="image">Number of the image in the batch.</param>
    /// <param name="size">Pixels along the longer side.</param>
    /// <exception cref="ArgumentException">The features are no maps.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such image.</exception>
    public static FeaturePicture Strength(FeatureTensor features, int image = 0, int size = 192)
    {
        ArgumentNullException.ThrowIfNull(features);
        Shape shape = features.Output.Shape;
        if (shape.Rank != 3)
            throw new ArgumentException($"Output '{features.Output.Name}' has shape {shape}; a map [C, H, W] is needed.", nameof(features));
        ReadOnlySpan<float> values = ValuesOf(features, image);
        var mean = new float[shape[1] * shape[2]];
        for (int i = 0; i < values.Length; i++)
            mean[i % mean.Length] += MathF.Abs(values[i]) / shape[0];
        return Grid(mean, [1, shape[1], shape[2]], new GridOptions { CellSize = size });
    }

    /// <summary>Pictures side by side, tops aligned.</summary>
    /// <param name="pictures">From left to right.</param>
    /// <param name="gap">White pixels in between.</param>
    /// <exception cref="ArgumentException">There are no pictures.</exception>
    public static FeaturePicture Row(IEnumerable<FeaturePicture> pictures, int gap = 8)
    {
        FeaturePicture[] all = [.. pictures];
        if (all.Length == 0)
            throw new ArgumentException("A row needs at least one picture.", nameof(pictures));
        ArgumentOutOfRangeException.ThrowIfNegative(gap);
        var canvas = new Canvas(all.Sum(p => p.Width) + gap * (all.Length - 1), all.Max(p => p.Height));
        int left = 0;
        foreach (FeaturePicture picture in all)
        {
            canvas.Draw(picture, left, 0);
            left += picture.Width + gap;
        }
        return canvas.ToPicture();
    }

    private static ReadOnlySpan<float> ValuesOf(FeatureTensor features, int image) => (uint)image < (uint)features.Batch ? features[image]
        : throw new ArgumentOutOfRangeException(nameof(image), image, $"The batch has {features.Batch} images, numbered from 0.");

    private static int[] ChannelsOf(int count, GridOptions options)
    {
        if (options.Channels.IsDefaultOrEmpty)
            return [.. Enumerable.Range(0, Math.Min(count, options.MaxChannels))];
        foreach (int channel in options.Channels)
        {
            if ((uint)channel >= (uint)count)
                throw new ArgumentOutOfRangeException(nameof(options), channel, $"The features have {count} channels, numbered from 0.");
        }
        return [.. options.Channels];
    }

    private static float[] Folded(ReadOnlySpan<float> values, out int side)
    {
        side = (int)Math.Ceiling(Math.Sqrt(values.Length));
        var square = new float[side * side];
        values.CopyTo(square);
        square.AsSpan(values.Length).Fill(float.NaN);
        return square;
    }

    private static FeaturePicture Planes(ReadOnlySpan<float> values, int height, int width, int[] channels, GridOptions options, int cellSize)
    {
        int longer = Math.Max(height, width);
        int cellWidth = Math.Max(1, cellSize * width / longer), cellHeight = Math.Max(1, cellSize * height / longer);
        int columns = Math.Min(channels.Length, options.Columns > 0 ? options.Columns : (int)Math.Ceiling(Math.Sqrt(channels.Length)));
        int rows = (channels.Length + columns - 1) / columns, size = height * width;
        var canvas = new Canvas(columns * (cellWidth + options.Gap) - options.Gap, rows * (cellHeight + options.Gap) - options.Gap);
        (float Low, float High) shared = (float.PositiveInfinity, float.NegativeInfinity);
        foreach (int channel in options.SharedRange ? channels : [])
        {
            (float low, float high) = RangeOf(values.Slice(channel * size, size));
            shared = (Math.Min(shared.Low, low), Math.Max(shared.High, high));
        }
        for (int i = 0; i < channels.Length; i++)
        {
            ReadOnlySpan<float> plane = values.Slice(channels[i] * size, size);
            canvas.Draw(plane, width, options.SharedRange ? shared : RangeOf(plane),
                (i % columns * (cellWidth + options.Gap), i / columns * (cellHeight + options.Gap), cellWidth, cellHeight));
        }
        return canvas.ToPicture();
    }

    private static (float Low, float High) RangeOf(ReadOnlySpan<float> values)
    {
        (float low, float high) = (float.PositiveInfinity, float.NegativeInfinity);
        foreach (float value in values)
        {
            if (float.IsFinite(value))
                (low, high) = (Math.Min(low, value), Math.Max(high, value));
        }
        return (low, high);
    }
}
