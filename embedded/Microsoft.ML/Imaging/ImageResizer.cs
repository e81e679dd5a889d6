using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.Imaging;

/// <summary>
/// The three ways in which ML.NET resizes images. Where an image goes is computed as there. Its pixels aren't those of Skia: filling takes the
/// nearest pixel, as there, but cropping and padding average with a triangle filter where Skia has a filter of its own.
/// </summary>
internal static class ImageResizer
{
    /// <summary>Makes a resized image of the same pixel format.</summary>
    public static MLImage Resize(MLImage image, int width, int height, ImageResizingEstimator.ResizingKind kind, ImageResizingEstimator.Anchor anchor)
    {
        if (kind == ImageResizingEstimator.ResizingKind.Fill)
        {
            return new MLImage(width, height, image.PixelFormat, Nearest(image, width, height));
        }

        float byWidth = (float)width / image.Width, byHeight = (float)height / image.Height;
        bool crop = kind == ImageResizingEstimator.ResizingKind.IsoCrop;
        float scale = crop ? Math.Max(byWidth, byHeight) : Math.Min(byWidth, byHeight);
        (int left, int top) = (0, 0);
        if (crop == (byHeight < byWidth))
        {
            top = Place(height - (image.Height * scale), crop, anchor, ImageResizingEstimator.Anchor.Top, ImageResizingEstimator.Anchor.Bottom);
        }
        else
        {
            left = Place(width - (image.Width * scale), crop, anchor, ImageResizingEstimator.Anchor.Left, ImageResizingEstimator.Anchor.Right);
        }

        var columns = new Axis(image.Width, (int)(image.Width * scale), left, width);
        var rows = new Axis(image.Height, (int)(image.Height * scale), top, height);
        return new MLImage(width, height, image.PixelFormat, Average(image, columns, rows));
    }

    /// <summary>Where the scaled image begins, given the room that is left, which is negative where it is cropped.</summary>
    private static int Place(float room, bool crop, ImageResizingEstimator.Anchor anchor, ImageResizingEstimator.Anchor first, ImageResizingEstimator.Anchor last) =>
        crop && anchor == first ? 0 : crop && anchor == last ? (int)room : (int)(room / 2);

    private static byte[] Nearest(MLImage image, int width, int height)
    {
        var result = new byte[width * height * 4];
        ReadOnlySpan<uint> from = MemoryMarshal.Cast<byte, uint>(image.Pixels);
        Span<uint> to = MemoryMarshal.Cast<byte, uint>(result.AsSpan());
        for (int y = 0; y < height; y++)
        {
            ReadOnlySpan<uint> row = from.Slice((int)((y + 0.5) * image.Height / height) * image.Width, image.Width);
            for (int x = 0; x < width; x++)
            {
                to[(y * width) + x] = row[(int)((x + 0.5) * image.Width / width)];
            }
        }

        return result;
    }

    /// <summary>Columns first, then rows. Colours count as much as they are opaque; what the image doesn't cover stays transparent black.</summary>
    private static byte[] Average(MLImage image, Axis columns, Axis rows)
    {
        var narrowed = new Vector128<float>[columns.Size * image.Height];
        var row = new Vector128<float>[image.Width];
        for (int y = 0; y < image.Height; y++)
        {
            Unpack(image.Pixels.Slice(y * image.Width * 4, image.Width * 4), row);
            for (int x = columns.Begin; x < columns.End; x++)
            {
                narrowed[(y * columns.Size) + x] = columns.Sum(row, x, offset: 0, stride: 1);
            }
        }

        var result = new byte[columns.Size * rows.Size * 4];
        for (int y = rows.Begin; y < rows.End; y++)
        {
            for (int x = columns.Begin; x < columns.End; x++)
            {
                Pack(rows.Sum(narrowed, y, offset: x, stride: columns.Size), result.AsSpan(((y * columns.Size) + x) * 4, 4));
            }
        }

        return result;
    }

    private static void Unpack(ReadOnlySpan<byte> pixels, Span<Vector128<float>> row)
    {
        for (int x = 0; x < row.Length; x++)
        {
            ReadOnlySpan<byte> pixel = pixels.Slice(4 * x, 4);
            float alpha = pixel[3] / 255f;
            row[x] = Vector128.Create(pixel[0] * alpha, pixel[1] * alpha, pixel[2] * alpha, pixel[3]);
        }
    }

    private static void Pack(Vector128<float> sum, Span<byte> pixel)
    {
        float alpha = sum.GetElement(3);
        float unweight = alpha > 0 ? 255f / alpha : 0;
        Vector128<float> values = (sum * Vector128.Create(unweight, unweight, unweight, 1f)) + Vector128.Create(0.5f);
        Vector128<int> bytes = Vector128.ConvertToInt32(Vector128.Min(Vector128.Max(values, Vector128<float>.Zero), Vector128.Create(255f)));
        for (int i = 0; i < 4; i++)
        {
            pixel[i] = (byte)bytes.GetElement(i);
        }
    }

    /// <summary>One direction: which source pixels make a target pixel, with which weights.</summary>
    private sealed class Axis
    {
        private readonly (int First, float[] Weights)[] _taps;

        /// <param name="sourceSize">Pixels of the source.</param>
        /// <param name="scaledSize">Pixels of the scaled image.</param>
        /// <param name="start">Where the scaled image begins in the target; negative where it is cropped.</param>
        /// <param name="size">Pixels of the target.</param>
        public Axis(int sourceSize, int scaledSize, int start, int size)
        {
            Size = size;
            Begin = Math.Max(0, start);
            End = Math.Min(size, start + Math.Max(1, scaledSize));

            // A triangle as wide as two target pixels, but at least two source pixels.
            double scale = sourceSize / (double)Math.Max(1, scaledSize), radius = Math.Max(1, scale);
            _taps = new (int, float[])[size];
            for (int target = Begin; target < End; target++)
            {
                double centre = (target - start + 0.5) * scale;
                int first = Math.Max(0, (int)Math.Ceiling(centre - radius - 0.5)), last = Math.Min(sourceSize - 1, (int)Math.Floor(centre + radius - 0.5));
                double[] weights = [.. Enumerable.Range(first, last - first + 1).Select(i => 1 - (Math.Abs(i + 0.5 - centre) / radius))];
                double sum = weights.Sum();
                _taps[target] = (first, Array.ConvertAll(weights, weight => (float)(weight / sum)));
            }
        }

        public int Size { get; }

        /// <summary>First target pixel that the image covers.</summary>
        public int Begin { get; }

        /// <summary>First target pixel behind the image.</summary>
        public int End { get; }

        /// <summary>The weighted mean of the source pixels that make target pixel <paramref name="target"/>.</summary>
        public Vector128<float> Sum(ReadOnlySpan<Vector128<float>> source, int target, int offset, int stride)
        {
            (int first, float[] weights) = _taps[target];
            Vector128<float> sum = Vector128<float>.Zero;
            for (int i = 0; i < weights.Length; i++)
            {
                sum += source[((first + i) * stride) + offset] * weights[i];
            }

            return sum;
        }
    }
}
