namespace Backbones.Imaging.Resampling;

/// <summary>The filters of Pillow's <c>Resample.c</c>, in double, with its order of operations.</summary>
internal static class ResampleFilter
{
    /// <summary>How far the filter reaches to each side, in target pixels when shrinking, source pixels when enlarging.</summary>
    public static double Support(Interpolation interpolation) => interpolation switch
    {
        Interpolation.Box => 0.5,
        Interpolation.Bilinear or Interpolation.Hamming => 1.0,
        Interpolation.Bicubic => 2.0,
        Interpolation.Lanczos => 3.0,
        _ => throw new ArgumentOutOfRangeException(nameof(interpolation), interpolation, "The interpolation has no filter."),
    };

    /// <summary>The weight at distance <paramref name="x"/>, not yet normalised.</summary>
    public static double Weight(Interpolation interpolation, double x) => interpolation switch
    {
        Interpolation.Box => x > -0.5 && x <= 0.5 ? 1.0 : 0.0,
        Interpolation.Bilinear => Math.Max(1.0 - Math.Abs(x), 0.0),
        Interpolation.Hamming => Hamming(Math.Abs(x)),
        Interpolation.Bicubic => Bicubic(Math.Abs(x)),
        Interpolation.Lanczos => -3.0 <= x && x < 3.0 ? Sinc(x) * Sinc(x / 3) : 0.0,
        _ => throw new ArgumentOutOfRangeException(nameof(interpolation), interpolation, "The interpolation has no filter."),
    };

    private static double Bicubic(double x)
    {
        const double A = -0.5;
        return x switch
        {
            < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1,
            < 2.0 => (((x - 5) * x + 8) * x - 4) * A,
            _ => 0.0,
        };
    }

    // The window's constants are floats in C, widened to double.
    private static double Hamming(double x) =>
        x == 0.0 ? 1.0 : x >= 1.0 ? 0.0 : Sinc(x) * (0.54f + 0.46f * Math.Cos(x * Math.PI));

    private static double Sinc(double x) => x == 0.0 ? 1.0 : Math.Sin(x * Math.PI) / (x * Math.PI);
}
