namespace Backbones.Imaging;

/// <summary>How the bytes of a decoded picture are laid out, 8 bits a channel.</summary>
public enum PixelFormat
{
    /// <summary>One byte a pixel; becomes R = G = B.</summary>
    Gray8,

    /// <summary>Three bytes a pixel: red, green, blue.</summary>
    Rgb24,

    /// <summary>Four bytes a pixel: red, green, blue, alpha. Alpha is dropped, as Pillow's <c>convert('RGB')</c> does.</summary>
    Rgba32,

    /// <summary>Four bytes a pixel: blue, green, red, alpha. Alpha is dropped, as Pillow's <c>convert('RGB')</c> does.</summary>
    Bgra32,
}
