using Backbones.Engines.Managed;
using Backbones.Graphs;

namespace Backbones.Detection;

/// <summary>Cutting boxes from maps, as in <c>torchvision.ops</c>: maps <c>[N, C, H, W]</c> in, <c>[boxes, channels, outH, outW]</c> out, float32.</summary>
public static class RegionPooling
{
    /// <summary>Averages of interpolated points (<c>roi_align</c>).</summary>
    /// <param name="input">The maps.</param>
    /// <param name="shape"><c>[N, C, H, W]</c>.</param>
    /// <param name="regions">For each box the number of its image, and the box.</param>
    /// <param name="outputSize">Bins in each direction.</param>
    /// <param name="spatialScale">Pixels of the map per unit of the boxes.</param>
    /// <param name="samplingRatio">Points a bin and side; 0 or less for as many as pixels.</param>
    /// <param name="aligned">Take off half a pixel, so that pixels' centres are at their middle.</param>
    /// <exception cref="ArgumentException">Sizes do not fit, or a box is of an image that is not there.</exception>
    public static float[] RoIAlign(ReadOnlySpan<float> input, Shape shape, IReadOnlyList<(int Image, Box Box)> regions, Size2 outputSize, float spatialScale = 1, int samplingRatio = -1, bool aligned = false)
    {
        Check(input, shape, regions, outputSize);
        (int batch, int channels, int height, int width) = (shape[0], shape[1], shape[2], shape[3]);
        var last = new float[input.Length];
        Transpose(input, last, batch, channels, height * width);
        var pooled = new float[regions.Count * outputSize.H * outputSize.W * channels];
        new RoIAlignKernel(WorkerPool.Of(1)).Run([new(last, height, width, channels)], [spatialScale], [.. regions.Select(r => new RegionOfInterest(r.Box, r.Image, 0))], regions.Count, outputSize, samplingRatio, aligned, pooled);
        var result = new float[pooled.Length];
        Transpose(pooled, result, regions.Count, outputSize.H * outputSize.W, channels);
        return result;
    }

    /// <summary>The largest value of each bin, over whole pixels (<c>roi_pool</c>).</summary>
    /// <inheritdoc cref="RoIAlign"/>
    public static float[] RoIPool(ReadOnlySpan<float> input, Shape shape, IReadOnlyList<(int Image, Box Box)> regions, Size2 outputSize, float spatialScale = 1)
    {
        Check(input, shape, regions, outputSize);
        (int channels, int height, int width) = (shape[1], shape[2], shape[3]);
        var result = new float[regions.Count * channels * outputSize.H * outputSize.W];
        int at = 0;
        foreach ((int image, Box box) in regions)
        {
            (int x1, int y1, int x2, int y2) = (Round(box.X1), Round(box.Y1), Round(box.X2), Round(box.Y2));
            float binHeight = (float)Math.Max(y2 - y1 + 1, 1) / outputSize.H, binWidth = (float)Math.Max(x2 - x1 + 1, 1) / outputSize.W;
            for (int channel = 0; channel < channels; channel++)
            {
                ReadOnlySpan<float> map = input.Slice((image * channels + channel) * height * width, height * width);
                for (int row = 0; row < outputSize.H; row++)
                {
                    for (int column = 0; column < outputSize.W; column++)
                    {
                        int top = Math.Clamp((int)MathF.Floor(row * binHeight) + y1, 0, height), bottom = Math.Clamp((int)MathF.Ceiling((row + 1) * binHeight) + y1, 0, height);
                        int left = Math.Clamp((int)MathF.Floor(column * binWidth) + x1, 0, width), right = Math.Clamp((int)MathF.Ceiling((column + 1) * binWidth) + x1, 0, width);
                        float largest = bottom <= top || right <= left ? 0 : float.MinValue;
                        for (int y = top; y < bottom; y++)
                        {
                            foreach (float value in map.Slice(y * width, width)[left..Math.Max(left, right)])
                                largest = value > largest ? value : largest;
                        }
                        result[at++] = largest;
                    }
                }
            }
        }
        return result;

        int Round(float value) => (int)MathF.Round(value * spatialScale, MidpointRounding.AwayFromZero);
    }

    /// <summary>As <see cref="RoIAlign"/>, but every bin has channels of its own (<c>ps_roi_align</c>): C is outputs · bins; NaN where a box has no points.</summary>
    /// <inheritdoc cref="RoIAlign"/>
    public static float[] PositionSensitiveRoIAlign(ReadOnlySpan<float> input, Shape shape, IReadOnlyList<(int Image, Box Box)> regions, Size2 outputSize, float spatialScale = 1, int samplingRatio = -1)
    {
        Check(input, shape, regions, outputSize);
        (int channels, int height, int width, int bins) = (shape[1], shape[2], shape[3], outputSize.H * outputSize.W);
        int outputs = OutputChannels(channels, bins);
        var result = new float[regions.Count * outputs * bins];
        (AxisTaps rows, AxisTaps columns) = (new(), new());
        int at = 0;
        foreach ((int image, Box box) in regions)
        {
            float x = box.X1 * spatialScale - 0.5f, y = box.Y1 * spatialScale - 0.5f;
            float boxWidth = box.X2 * spatialScale - 0.5f - x, boxHeight = box.Y2 * spatialScale - 0.5f - y;
            float binHeight = boxHeight / outputSize.H, binWidth = boxWidth / outputSize.W;
            int rowSamples = AxisTaps.Samples(samplingRatio, boxHeight, outputSize.H), columnSamples = AxisTaps.Samples(samplingRatio, boxWidth, outputSize.W);
            rows.Set(y, binHeight, outputSize.H, rowSamples, height);
            columns.Set(x, binWidth, outputSize.W, columnSamples, width);
            for (int output = 0; output < outputs; output++)
            {
                for (int bin = 0; bin < bins; bin++)
                {
                    ReadOnlySpan<float> map = input.Slice((image * channels + output * bins + bin) * height * width, height * width);
                    float sum = 0;
                    for (int j = 0; j < rows.Indices(bin / outputSize.W).Length; j++)
                    {
                        for (int k = 0; k < columns.Indices(bin % outputSize.W).Length; k++)
                            sum += rows.Weights(bin / outputSize.W)[j] * columns.Weights(bin % outputSize.W)[k] * map[rows.Indices(bin / outputSize.W)[j] * width + columns.Indices(bin % outputSize.W)[k]];
                    }
                    result[at++] = sum / ((float)rowSamples * columnSamples);
                }
            }
        }
        return result;
    }

    /// <summary>As <see cref="RoIPool"/> with means, and every bin has channels of its own (<c>ps_roi_pool</c>): C is outputs · bins.</summary>
    /// <inheritdoc cref="RoIAlign"/>
    public static float[] PositionSensitiveRoIPool(ReadOnlySpan<float> input, Shape shape, IReadOnlyList<(int Image, Box Box)> regions, Size2 outputSize, float spatialScale = 1)
    {
        Check(input, shape, regions, outputSize);
        (int channels, int height, int width, int bins) = (shape[1], shape[2], shape[3], outputSize.H * outputSize.W);
        int outputs = OutputChannels(channels, bins);
        var result = new float[regions.Count * outputs * bins];
        int at = 0;
        foreach ((int image, Box box) in regions)
        {
            int x1 = Round(box.X1), y1 = Round(box.Y1);
            float binHeight = (float)Math.Max(Round(box.Y2) - y1, 1) / outputSize.H, binWidth = (float)Math.Max(Round(box.X2) - x1, 1) / outputSize.W;
            for (int output = 0; output < outputs; output++)
            {
                for (int bin = 0; bin < bins; bin++)
                {
                    (int row, int column) = Math.DivRem(bin, outputSize.W);
                    int top = Math.Clamp((int)MathF.Floor(row * binHeight + y1), 0, height - 1), bottom = Math.Clamp((int)MathF.Ceiling((row + 1) * binHeight + y1), 0, height - 1);
                    int left = Math.Clamp((int)MathF.Floor(column * binWidth + x1), 0, width - 1), right = Math.Clamp((int)MathF.Ceiling((column + 1) * binWidth + x1), 0, width - 1);
                    ReadOnlySpan<float> map = input.Slice((image * channels + output * bins + bin) * height * width, height * width);
                    float sum = 0;
                    for (int y = top; y < bottom; y++)
                    {
                        for (int x = left; x < right; x++)
                            sum += map[y * width + x];
                    }
                    result[at++] = bottom <= top || right <= left ? 0 : sum / ((bottom - top) * (right - left));
                }
            }
        }
        return result;

        int Round(float value) => (int)MathF.Round(value * spatialScale, MidpointRounding.AwayFromZero);
    }

    private static int OutputChannels(int channels, int bins) => channels % bins == 0 ? channels / bins
        : throw new ArgumentException($"Each of {bins} bins needs channels of its own: {channels} channels do not divide by {bins}.", nameof(channels));

    private static void Check(ReadOnlySpan<float> input, Shape shape, IReadOnlyList<(int Image, Box Box)> regions, Size2 outputSize)
    {
        if (shape.Rank != 4 || shape.Length != input.Length)
            throw new ArgumentException($"Expected maps [N, C, H, W] with as many elements, received {shape} and {input.Length} elements.", nameof(shape));
        if (outputSize.H < 1 || outputSize.W < 1)
            throw new ArgumentOutOfRangeException(nameof(outputSize), outputSize, "Both sides must be 1 or more.");
        foreach ((int image, _) in regions)
        {
            if ((uint)image >= (uint)shape[0])
                throw new ArgumentOutOfRangeException(nameof(regions), image, $"A box is of an image that is not there: there are {shape[0]}, from 0.");
        }
    }

    /// <summary>[n, rows, columns] to [n, columns, rows].</summary>
    private static void Transpose(ReadOnlySpan<float> source, Span<float> target, int count, int rows, int columns)
    {
        for (int n = 0; n < count; n++)
        {
            ReadOnlySpan<float> from = source.Slice(n * rows * columns, rows * columns);
            Span<float> to = target.Slice(n * rows * columns, rows * columns);
            for (int row = 0; row < rows; row++)
            {
                for (int column = 0; column < columns; column++)
                    to[column * rows + row] = from[row * columns + column];
            }
        }
    }
}
