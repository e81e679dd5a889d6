namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>What the components of a JPEG mean.</summary>
internal enum JpegColor
{
    Grayscale,
    Rgb,
    YCbCr,
    Cmyk,
    Ycck,
}
