namespace Backbones.Imaging;

/// <summary>How timm brings a picture of any shape to the model's input size (<c>crop_mode</c> of <c>transforms_imagenet_eval</c>).</summary>
public enum CropMode
{
    /// <summary>Keeps the aspect ratio, scales the short side to size / crop_pct and cuts out the centre.</summary>
    Center,

    /// <summary>Scales each side to its size / crop_pct, whatever becomes of the aspect ratio, and cuts out the centre.</summary>
    Squash,

    /// <summary>Keeps the aspect ratio, scales the long side to size / crop_pct and fills what is missing with the mean colour.</summary>
    Border,
}
