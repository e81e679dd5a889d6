namespace Backbones.Detection;

/// <summary>The mask of one object: probabilities over its box as the network gives them (28 × 28), which become the image's pixels when they are asked for.</summary>
public sealed class InstanceMask
{
    /// <summary>Pixels above it are the object's, where no other threshold is given.</summary>
    private const float DefaultThreshold = 0.5f;

    private readonly float[] _probabilities;
    private readonly Box _box;

    internal InstanceMask(float[] probabilities, int size, Box box, int imageWidth, int imageHeight)
    {
        _probabilities = probabilities;
        Size = size;
        _box = box;
        ImageWidth = imageWidth;
        ImageHeight = imageHeight;
    }

    /// <summary>Side of the square of <see cref="Probabilities"/>.</summary>
    public int Size { get; }

    /// <summary>Probabilities in [0, 1] over the box, rows from the top, <c>[Size, Size]</c>.</summary>
    public ReadOnlyMemory<float> Probabilities => _probabilities;

    /// <summary>Width of the image.</summary>
    public int ImageWidth { get; }

    /// <summary>Height of the image.</summary>
    public int ImageHeight { get; }

    /// <summary>Probability of each pixel of the image, <c>[ImageHeight, ImageWidth]</c>: torchvision's <c>masks</c> (<c>paste_masks_in_image</c>).</summary>
    public float[] ToImage()
    {
        var pixels = new float[checked(ImageWidth * ImageHeight)];
        CopyTo(pixels);
        return pixels;
    }

    /// <summary>The same into a buffer.</summary>
    /// <param name="pixels"><c>ImageHeight · ImageWidth</c> elements.</param>
    /// <exception cref="ArgumentException">The buffer has another length.</exception>
    public void CopyTo(Span<float> pixels)
    {
        if (pixels.Length != (long)ImageWidth * ImageHeight)
            throw new ArgumentException($"A mask of {ImageWidth}×{ImageHeight} pixels needs {(long)ImageWidth * ImageHeight} elements, received {pixels.Length}.", nameof(pixels));
        MaskPasting.Paste(_probabilities, Size, _box, pixels, ImageWidth, ImageHeight);
    }

    /// <summary>Which pixels of the image are the object's, <c>[ImageHeight, ImageWidth]</c>.</summary>
    /// <param name="threshold">Pixels with a higher probability are.</param>
    public bool[] ToBitmap(float threshold = DefaultThreshold) => Array.ConvertAll(ToImage(), p => p > threshold);
}
