using Backbones.Imaging;
using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Inputs;

/// <summary>Reads decoded images. Pixels are copied when the row is read: whoever made an image may dispose it with the next row.</summary>
internal sealed class ImageColumnReader(ValueGetter<MLImage> getter, int slots, ImageTransform transform) : InputReader
{
    private readonly Captured[] _captured = new Captured[slots];
    private MLImage? _image;

    public override void Capture(int slot)
    {
        getter(ref _image!);
        ref Captured captured = ref _captured[slot];
        captured.Height = 0;
        if (_image is null)
            return;
        // A disposed image is a null image to a reader, but says so itself.
        ReadOnlySpan<byte> pixels = _image.Pixels;
        if (captured.Pixels is null || captured.Pixels.Length < pixels.Length)
            captured.Pixels = GC.AllocateUninitializedArray<byte>(pixels.Length);
        pixels.CopyTo(captured.Pixels);
        (captured.Length, captured.Width, captured.Height) = (pixels.Length, _image.Width, _image.Height);
        captured.Format = MLImagePixels.FormatOf(_image);
    }

    public override void Prepare(int slot, Span<float> target)
    {
        ref Captured captured = ref _captured[slot];
        if (captured.Height == 0)
            throw new InvalidDataException("The image is null.");
        transform.Apply(new ImageBuffer(captured.Pixels.AsSpan(0, captured.Length), captured.Width, captured.Height, captured.Format), target);
    }

    private struct Captured
    {
        public byte[]? Pixels;
        public int Length, Width, Height;
        public PixelFormat Format;
    }
}

internal static class MLImagePixels
{
    /// <summary>The layout of an image's pixels in the words of the transform.</summary>
    public static PixelFormat FormatOf(MLImage image) => image.PixelFormat switch
    {
        MLPixelFormat.Bgra32 => PixelFormat.Bgra32,
        MLPixelFormat.Rgba32 => PixelFormat.Rgba32,
        _ => throw new InvalidDataException($"The image's pixel format is {image.PixelFormat}; valid are Bgra32 and Rgba32."),
    };
}
