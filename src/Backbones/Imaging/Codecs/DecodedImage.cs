namespace Backbones.Imaging.Codecs;

/// <summary>What every decoder returns: rows from top to bottom without padding, four bytes a pixel (blue, green, red, alpha), alpha not premultiplied.</summary>
internal readonly record struct DecodedImage(int Width, int Height, byte[] Bgra);
