namespace Backbones.Imaging;

/// <summary>Pillow's six resampling filters, with the names that timm's configs use.</summary>
public enum Interpolation
{
    /// <summary>The nearest source pixel.</summary>
    Nearest,

    /// <summary>Mean over the source pixels that a target pixel covers.</summary>
    Box,

    /// <summary>Triangle, support 1.</summary>
    Bilinear,

    /// <summary>Hamming-windowed sinc, support 1.</summary>
    Hamming,

    /// <summary>Cubic convolution with a = -0.5, support 2: timm's default.</summary>
    Bicubic,

    /// <summary>Lanczos-windowed sinc, support 3.</summary>
    Lanczos,
}
