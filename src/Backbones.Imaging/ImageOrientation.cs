namespace Backbones.Imaging;

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
