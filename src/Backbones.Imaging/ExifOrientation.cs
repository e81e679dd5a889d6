using Backbones.Imaging.Headers;

namespace Backbones.Imaging;

/// <summary>
/// Reads how a JPEG, PNG or WebP file says that its pixels have to be turned. timm does not look at it; who wants pictures upright
/// gives the result to <see cref="ImageTransform"/>, which then does what Pillow's <c>ImageOps.exif_transpose</c> does.
/// </summary>
public static class ExifOrientation
{
    /// <summary>
    /// The orientation that the file's EXIF data hold, or where they have no such tag its XMP data (<c>tiff:Orientation</c>);
    /// <see cref="ImageOrientation.Normal"/> where neither says anything valid. PNG files may have EXIF data in a chunk of their own or as text.
    /// </summary>
    /// <param name="bytes">The whole file: a PNG file may have its EXIF data at the end.</param>
    public static ImageOrientation Read(ReadOnlySpan<byte> bytes)
    {
        var metadata = PictureMetadata.Of(bytes);
        long value = ExifDirectory.Orientation(metadata.Exif) ?? Xmp.Orientation(metadata.Xmp) ?? 1;
        return value is >= 1 and <= 8 ? (ImageOrientation)value : ImageOrientation.Normal;
    }
}

/// <summary>What has to be done to the stored pixels to see the picture upright: the values of EXIF tag 274.</summary>
public enum ImageOrientation
{
    /// <summary>Stored upright.</summary>
    Normal = 1,

    /// <summary>Mirror left and right.</summary>
    FlipHorizontal = 2,

    /// <summary>Turn by 180°.</summary>
    Rotate180 = 3,

    /// <summary>Mirror top and bottom.</summary>
    FlipVertical = 4,

    /// <summary>Mirror along the diagonal from top left; width and height change places.</summary>
    Transpose = 5,

    /// <summary>Turn by 90° clockwise; width and height change places.</summary>
    Rotate90 = 6,

    /// <summary>Mirror along the diagonal from top right; width and height change places.</summary>
    Transverse = 7,

    /// <summary>Turn by 270° clockwise; width and height change places.</summary>
    Rotate270 = 8,
}
