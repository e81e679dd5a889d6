namespace Backbones.Imaging.Resampling;

/// <summary>Puts rows into planes of floats through a table of the 256 values that a byte can become.</summary>
internal readonly unsafe ref struct PlanarSink(Span<float> target, int width, int planeSize, int firstPixel, int count, ReadOnlySpan<float> values, PixelFormat order)
    : IRowSink
{
    private readonly Span<float> _target = target;
    private readonly ReadOnlySpan<float> _values = values;

    public void Row(int y, byte* pixels)
    {
        int start = firstPixel + y * width;
        var red = _target.Slice(start, count);
        var redValues = _values[..256];
        if (_values.Length == 256)
        {
            for (int x = 0; x < red.Length; x++)
            {
                red[x] = redValues[pixels[4 * x]];
            }

            return;
        }

        var green = _target.Slice(start + planeSize, red.Length);
        var blue = _target.Slice(start + 2 * planeSize, red.Length);
        var greenValues = _values.Slice(256, 256);
        var blueValues = _values.Slice(512, 256);
        int redShift = order == PixelFormat.Bgra32 ? 16 : 0, blueShift = 16 - redShift;
        for (int x = 0; x < red.Length; x++)
        {
            uint pixel = ((uint*)pixels)[x];
            red[x] = redValues[(byte)(pixel >> redShift)];
            green[x] = greenValues[(byte)(pixel >> 8)];
            blue[x] = blueValues[(byte)(pixel >> blueShift)];
        }
    }
}

/// <summary>Puts rows side by side as bytes: three a pixel in the order red, green, blue, or one for grey.</summary>
internal readonly unsafe ref struct InterleavedSink(Span<byte> target, int width, int firstPixel, int count, int channels, PixelFormat order)
    : IRowSink
{
    private readonly Span<byte> _target = target;

    public void Row(int y, byte* pixels)
    {
        var row = _target.Slice((firstPixel + y * width) * channels, count * channels);
        int red = order == PixelFormat.Bgra32 ? 2 : 0;
        for (int i = 0; i < row.Length; i += channels, pixels += 4)
        {
            row[i] = pixels[red];
            if (channels == 3)
            {
                row[i + 1] = pixels[1];
                row[i + 2] = pixels[2 - red];
            }
        }
    }
}
