namespace Backbones.Segmentation;

/// <summary>torchvision's ways from a backbone's maps to a class for each pixel.</summary>
public enum SegmentationMethod
{
    /// <summary><see cref="FcnHead"/> on the last map; a map before it gets a head of its own, of use in training alone (<c>aux_classifier</c>).</summary>
    Fcn,

    /// <summary><see cref="DeepLabHead"/> on the last map; a map before it gets an <see cref="FcnHead"/>, of use in training alone (<c>aux_classifier</c>).</summary>
    DeepLabV3,

    /// <summary><see cref="LrasppHead"/> on two maps, the finer one first.</summary>
    Lraspp,
}
