using System.Buffers;

namespace Backbones.Detection;

/// <summary>Masks over boxes as masks over images (torchvision's <c>paste_masks_in_image</c>).</summary>
internal static class MaskPasting
{
    /// <summary>Zeros around the mask, so that it fades out at the box's border.</summary>
    private const int Border = 1;

    /// <summary>Fills an image: the mask resized to its box where that is, zero elsewhere.</summary>
    /// <param name="mask"><c>[size, size]</c>.</param>
    /// <param name="size">Side of the mask.</param>
    /// <param name="box">Where it belongs, in the image's pixels.</param>
    /// <param name="image"><c>[height, width]</c>.</param>
    /// <param name="width">Pixels in a row of the image.</param>
    /// <param name="height">Rows of the image.</param>
    public static void Paste(ReadOnlySpan<float> mask, int size, Box box, Span<float> image, int width, int height)
    {
        image.Clear();
        // The box grows as the border does, and its corners are cut to whole pixels.
        float scale = (float)((double)(size + 2 * Border) / size);
        float halfWidth = box.Width * 0.5f * scale, halfHeight = box.Height * 0.5f * scale, centreX = (box.X2 + box.X1) * 0.5f, centreY = (box.Y2 + box.Y1) * 0.5f;
        long left = Whole(centreX - halfWidth), right = Whole(centreX + halfWidth), top = Whole(centreY - halfHeight), bottom = Whole(centreY + halfHeight);
        int outWidth = (int)Math.Clamp(right - left + 1, 1, int.MaxValue), outHeight = (int)Math.Clamp(bottom - top + 1, 1, int.MaxValue);
        int firstX = (int)Math.Clamp(left, 0, width), endX = (int)Math.Clamp(right + 1, 0, width), firstY = (int)Math.Clamp(top, 0, height), endY = (int)Math.Clamp(bottom + 1, 0, height);
        if (endX <= firstX)
            return;
        // Rows between two of the mask's are made once; their pixels lie between the same columns in every row.
        int padded = size + 2 * Border, visible = endX - firstX;
        float[] rented = ArrayPool<float>.Shared.Rent(padded + visible);
        int[] columns = ArrayPool<int>.Shared.Rent(2 * visible);
        try
        {
            Span<float> line = rented.AsSpan(0, padded), parts = rented.AsSpan(padded, visible);
            Span<int> before = columns.AsSpan(0, visible), behind = columns.AsSpan(visible, visible);
            for (int x = 0; x < visible; x++)
                (before[x], behind[x], parts[x]) = Interpolation.At((int)(firstX + x - left), padded, outWidth);
            for (int y = firstY; y < endY; y++)
            {
                (int upper, int lower, float part) = Interpolation.At((int)(y - top), padded, outHeight);
                for (int x = 0; x < padded; x++)
                    line[x] = Value(mask, upper, x) * (1 - part) + Value(mask, lower, x) * part;
                Span<float> row = image.Slice(y * width + firstX, visible);
                for (int x = 0; x < visible; x++)
                    row[x] = line[before[x]] * (1 - parts[x]) + line[behind[x]] * parts[x];
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(rented);
            ArrayPool<int>.Shared.Return(columns);
        }

        float Value(ReadOnlySpan<float> values, int y, int x)
        {
            (y, x) = (y - Border, x - Border);
            return (uint)y < (uint)size && (uint)x < (uint)size ? values[y * size + x] : 0;
        }
    }

    /// <summary>Towards zero; a number that is none, or too large, is at the end of the integers.</summary>
    private static long Whole(float value) => float.IsNaN(value) ? 0 : (long)Math.Clamp(value, -1e9f, 1e9f);
}
