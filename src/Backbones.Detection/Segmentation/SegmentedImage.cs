namespace Backbones.Segmentation;

/// <summary>What a picture shows, pixel by pixel.</summary>
/// <param name="Width">Columns of the map: the picture's, upright, or those of the model's input.</param>
/// <param name="Height">Rows of the map.</param>
/// <param name="Classes">The class with the highest score of each pixel, from 0, row by row; the first of equal ones.</param>
/// <param name="Scores">Its probability (softmax over the classes), in (0, 1]; NaN where the model's scores are.</param>
public sealed record SegmentedImage(int Width, int Height, ReadOnlyMemory<int> Classes, ReadOnlyMemory<float> Scores)
{
    /// <summary>The class of a pixel.</summary>
    /// <param name="x">Column, from 0.</param>
    /// <param name="y">Row, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such pixel.</exception>
    public int this[int x, int y]
    {
        get
        {
            if ((uint)x >= (uint)Width || (uint)y >= (uint)Height)
                throw new ArgumentOutOfRangeException(nameof(x), $"The map has {Width}×{Height} pixels; ({x}, {y}) is outside.");
            return Classes.Span[y * Width + x];
        }
    }

    /// <summary>Number of pixels of each class.</summary>
    /// <param name="numClasses">Number of classes.</param>
    public int[] CountPixels(int numClasses)
    {
        var counts = new int[numClasses];
        foreach (int c in Classes.Span)
            counts[c]++;
        return counts;
    }
}
