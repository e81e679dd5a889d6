namespace Microsoft.ML.Numeric;

/// <summary>A point on the line that a line search follows: the step's length, the function's value and its slope there.</summary>
internal readonly record struct LinePoint(float Alpha, float Value, float Slope)
{
    // A new point keeps at least this share of the bracket away from either end.
    private const float MinimumMargin = 0.01f;

    /// <summary>The minimum of the cubic through two points and their slopes, kept inside the bracket that they form.</summary>
    public static float Interpolate(LinePoint low, LinePoint high)
    {
        var (left, right) = low.Alpha < high.Alpha ? (low, high) : (high, low);
        float alpha;
        if (left.Slope > 0 && right.Slope < 0)
        {
            // The cubic has its maximum between the two: the better end is the best guess.
            alpha = low.Value < high.Value ? low.Alpha : high.Alpha;
        }
        else
        {
            alpha = CubicMinimum(low, high);
            if (!float.IsFinite(alpha))
                alpha = (low.Alpha + high.Alpha) / 2;
        }
        float upper = MinimumMargin * left.Alpha + (1 - MinimumMargin) * right.Alpha;
        float lower = MinimumMargin * right.Alpha + (1 - MinimumMargin) * left.Alpha;
        return Math.Max(Math.Min(alpha, upper), lower);
    }

    private static float CubicMinimum(LinePoint a, LinePoint b)
    {
        double d1 = a.Slope + b.Slope - 3 * (a.Value - b.Value) / (a.Alpha - b.Alpha);
        double d2 = Math.Sign(b.Alpha - a.Alpha) * Math.Sqrt(d1 * d1 - a.Slope * b.Slope);
        return (float)(b.Alpha - (b.Alpha - a.Alpha) * (b.Slope + d2 - d1) / (b.Slope - a.Slope + 2 * d2));
    }
}
