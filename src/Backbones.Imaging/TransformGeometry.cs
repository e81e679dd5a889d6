namespace Backbones.Imaging;

/// <summary>
/// Where a picture of one size goes: it is scaled to <paramref name="ResizedWidth"/> × <paramref name="ResizedHeight"/>, and the
/// result's pixel (0, 0) is the scaled picture's pixel (<paramref name="Left"/>, <paramref name="Top"/>), negative where a border is added.
/// </summary>
internal readonly record struct TransformGeometry(int ResizedWidth, int ResizedHeight, int Left, int Top, Interpolation Interpolation)
{
    /// <summary>The sizes of timm's <c>transforms_imagenet_eval</c>, with the arithmetic of Python and torchvision.</summary>
    public static TransformGeometry Of(int width, int height, ImageTransformOptions options)
    {
        int scaleWidth = ScaleSize(options.Width, options.CropPct);
        int scaleHeight = ScaleSize(options.Height, options.CropPct);
        var interpolation = options.Interpolation;
        long resizedWidth, resizedHeight;

        if (options.CropMode == CropMode.Squash)
        {
            (resizedWidth, resizedHeight) = (scaleWidth, scaleHeight);
        }
        else if (options.CropMode == CropMode.Center && scaleWidth == scaleHeight)
        {
            // torchvision's Resize with one number: the long side is truncated, not rounded.
            (resizedWidth, resizedHeight) = width <= height
                ? ((long)scaleWidth, (long)((double)((long)scaleWidth * height) / width))
                : ((long)((double)((long)scaleWidth * width) / height), scaleWidth);
        }
        else
        {
            // timm's ResizeKeepRatio: the long side fits for a border, the short side for a crop; sizes round half to even.
            double ratioWidth = (double)width / scaleWidth, ratioHeight = (double)height / scaleHeight;
            bool border = options.CropMode == CropMode.Border;
            double ratio = border ? Math.Max(ratioWidth, ratioHeight) : Math.Min(ratioWidth, ratioHeight);
            (resizedWidth, resizedHeight) = ((long)Math.Round(width / ratio), (long)Math.Round(height / ratio));
            // For an input that is not square timm does not pass its interpolation on, so its class's default counts.
            if (!border)
            {
                interpolation = Interpolation.Bilinear;
            }
        }

        if (resizedWidth < 1 || resizedHeight < 1)
        {
            throw new ArgumentException(
                $"A picture of {width}×{height} pixels scaled for an input of {options.Width}×{options.Height} with crop mode {options.CropMode} " +
                $"becomes {resizedWidth}×{resizedHeight}: it is too narrow to keep its aspect ratio. Crop mode Squash takes any shape.");
        }

        // Pillow would make all of it: more than eight gigabytes.
        if (Math.Max(resizedWidth, resizedHeight) > int.MaxValue || resizedWidth * resizedHeight > int.MaxValue)
        {
            throw new ArgumentException(
                $"A picture of {width}×{height} pixels scaled for an input of {options.Width}×{options.Height} with crop mode {options.CropMode} and crop_pct {options.CropPct} " +
                $"becomes {resizedWidth}×{resizedHeight}; at most {int.MaxValue} pixels are allowed. Crop mode Squash takes any shape.");
        }

        return new((int)resizedWidth, (int)resizedHeight, Offset((int)resizedWidth, options.Width), Offset((int)resizedHeight, options.Height), interpolation);
    }

    /// <summary>The size that an input side is cut out of.</summary>
    public static int ScaleSize(int size, double cropPct) => (int)Math.Floor(size / cropPct);

    // torchvision's center_crop: half the missing pixels before the picture, rounded down; or half the surplus, rounded to even.
    private static int Offset(int resized, int size) =>
        size > resized ? -((size - resized) / 2) : (int)Math.Round((resized - size) / 2.0);
}
