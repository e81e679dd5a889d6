using Backbones.Imaging;
using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Inputs;

/// <summary>
/// Reads decoded images. What is needed of one is taken when the row is read: whoever made it may dispose it with the next row. Where many cores wait for the thread that reads, that is a copy of the
/// pixels; where there are few, work is what counts, and pixels that were just decoded are transformed sooner than copied.
/// </summary>
/// <param name="getter">Gives the current row's image.</param>
/// <param name="slots">Rows held at once.</param>
/// <param name="transform">timm's eval transform.</param>
/// <param name="transformAtOnce">Transform when the row is read.</param>
internal sealed class ImageColumnReader(ValueGetter<MLImage> getter, int slots, ImageTransform transform, bool transformAtOnce) : InputReader
{
    /// <summary>So many cores are few: reading and transforming on one thread, about a third of a small network's time on one core, keeps them busy.</summary>
    public const int FewCores = 4;

    private readonly Captured[] _captured = new Captured[slots];
    private MLImage? _image;

    public override void Capture(int slot, Span<float> target)
    {
        ref Captured captured = ref _captured[slot];
        captured.Name = "";
        getter(ref _image!);
        if (_image is null)
            throw new InvalidDataException("The image is null.");
        try
        {
            captured.Name = _image.Tag ?? "";
        }
        catch (Exception e) when (e is InvalidOperationException or ObjectDisposedException)
        {
            throw new InvalidDataException("The image was disposed before it was featurized.", e);
        }
        ReadOnlySpan<byte> pixels = _image.Pixels;
        if (transformAtOnce)
        {
            transform.Apply(new ImageBuffer(pixels, _image.Width, _image.Height, MLImagePixels.FormatOf(_image)), target);
            return;
        }
        if (captured.Pixels is null || captured.Pixels.Length < pixels.Length)
            captured.Pixels = GC.AllocateUninitializedArray<byte>(pixels.Length);
        pixels.CopyTo(captured.Pixels);
        (captured.Length, captured.Width, captured.Height) = (pixels.Length, _image.Width, _image.Height);
        captured.Format = MLImagePixels.FormatOf(_image);
    }

    public override void Prepare(int slot, Span<float> target)
    {
        if (transformAtOnce)
            return;
        ref Captured captured = ref _captured[slot];
        transform.Apply(new ImageBuffer(captured.Pixels.AsSpan(0, captured.Length), captured.Width, captured.Height, captured.Format), target);
    }

    /// <summary>What made the image may have tagged it; ML.NET's loader does, with the path.</summary>
    public override string Describe(int slot) => _captured[slot].Name;

    private struct Captured
    {
        public byte[]? Pixels;
        public int Length, Width, Height;
        public PixelFormat Format;
        public string Name;
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
