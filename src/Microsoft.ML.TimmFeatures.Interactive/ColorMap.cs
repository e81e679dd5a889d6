namespace Microsoft.ML.TimmFeatures.Interactive;

/// <summary>Dark violet over green to yellow: the colours of viridis at ten points, linear in between. Lightness grows with the value.</summary>
internal static class ColorMap
{
    private static ReadOnlySpan<byte> Points =>
    [
        0x44, 0x01, 0x54, 0x48, 0x28, 0x78, 0x3E, 0x4A, 0x89, 0x31, 0x68, 0x8E, 0x26, 0x82, 0x8E,
        0x1F, 0x9E, 0x89, 0x35, 0xB7, 0x79, 0x6E, 0xCE, 0x58, 0xB5, 0xDE, 0x2B, 0xFD, 0xE7, 0x25,
    ];

    /// <summary>Writes red, green and blue of a value from 0 to 1; values outside are clamped, NaN is grey.</summary>
    public static void Write(float value, Span<byte> rgb)
    {
        if (float.IsNaN(value))
        {
            rgb[..3].Fill(0xC0);
            return;
        }
        int last = Points.Length / 3 - 1;
        float position = Math.Clamp(value, 0, 1) * last;
        int point = Math.Min((int)position, last - 1);
        float part = position - point;
        for (int c = 0; c < 3; c++)
            rgb[c] = (byte)MathF.Round(float.Lerp(Points[3 * point + c], Points[3 * (point + 1) + c], part));
    }
}
