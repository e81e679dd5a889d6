namespace Microsoft.ML.TimmFeatures.Interactive;

/// <summary>White RGB pixels to draw on.</summary>
internal sealed class Canvas
{
    private readonly byte[] _pixels;
    private readonly int _width, _height;

    public Canvas(int width, int height)
    {
        (_width, _height) = (width, height);
        _pixels = new byte[checked(3 * width * height)];
        _pixels.AsSpan().Fill(byte.MaxValue);
    }

    public FeaturePicture ToPicture() => new(_width, _height, _pixels);

    public void Draw(FeaturePicture picture, int left, int top)
    {
        for (int y = 0; y < picture.Height; y++)
            picture.Pixels.Slice(3 * y * picture.Width, 3 * picture.Width).CopyTo(_pixels.AsSpan(3 * ((top + y) * _width + left)));
    }

    /// <summary>Draws a plane of values scaled to a rectangle: a pixel is the mean of the values it covers, so that larger scales show values as blocks.</summary>
    public void Draw(ReadOnlySpan<float> plane, int planeWidth, (float Low, float High) range, (int Left, int Top, int Width, int Height) target)
    {
        int planeHeight = plane.Length / planeWidth;
        float scale = range.High > range.Low ? 1 / (range.High - range.Low) : 0;
        for (int y = 0; y < target.Height; y++)
        {
            (int y0, int y1) = Covered(y, target.Height, planeHeight);
            for (int x = 0; x < target.Width; x++)
            {
                (int x0, int x1) = Covered(x, target.Width, planeWidth);
                float sum = 0;
                for (int r = y0; r < y1; r++)
                    foreach (float value in plane.Slice(r * planeWidth + x0, x1 - x0))
                        sum += value;
                float mean = sum / ((y1 - y0) * (x1 - x0));
                ColorMap.Write((mean - range.Low) * scale, _pixels.AsSpan(3 * ((target.Top + y) * _width + target.Left + x)));
            }
        }
    }

    private static (int First, int End) Covered(int pixel, int pixels, int values)
    {
        int first = (int)((long)pixel * values / pixels), end = (int)((long)(pixel + 1) * values / pixels);
        return (first, Math.Max(end, first + 1));
    }
}
