namespace Backbones.Detection;

/// <summary>PyTorch's bilinear interpolation without aligned corners, in float32.</summary>
internal static class Interpolation
{
    /// <summary>The two positions that a position of the result lies between, and the part of the second.</summary>
    /// <param name="position">Position in the result.</param>
    /// <param name="size">Length of the source.</param>
    /// <param name="outSize">Length of the result.</param>
    public static (int First, int Second, float Part) At(int position, int size, int outSize)
    {
        float source = MathF.Max((float)size / outSize * (position + 0.5f) - 0.5f, 0);
        int first = Math.Min((int)source, size - 1);
        return (first, Math.Min(first + 1, size - 1), Math.Clamp(source - first, 0, 1));
    }
}
