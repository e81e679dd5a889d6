using System.Collections;
using System.Collections.Immutable;

namespace Backbones.Detection;

/// <summary>What was found in one image, by falling score.</summary>
public sealed class Detections : IReadOnlyList<Detection>
{
    private readonly ImmutableArray<Detection> _items;

    internal Detections(int imageWidth, int imageHeight, ImmutableArray<Detection> items)
    {
        ImageWidth = imageWidth;
        ImageHeight = imageHeight;
        _items = items;
    }

    /// <summary>Width of the image that the boxes are for, upright.</summary>
    public int ImageWidth { get; }

    /// <summary>Height of the image that the boxes are for, upright.</summary>
    public int ImageHeight { get; }

    /// <summary>Number of detections; may be 0.</summary>
    public int Count => _items.Length;

    /// <summary>A detection by number, from 0: the highest score first.</summary>
    public Detection this[int index] => _items[index];

    /// <inheritdoc/>
    public IEnumerator<Detection> GetEnumerator() => ((IEnumerable<Detection>)_items).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>One object in an image.</summary>
/// <param name="Box">Where it is, in pixels of the image as it was given.</param>
/// <param name="Label">Number of its class, as torchvision counts: of the R-CNNs and SSD 0 is the background, which is never detected.</param>
/// <param name="Score">How sure the detector is, 0 to 1.</param>
public sealed record Detection(Box Box, int Label, float Score)
{
    /// <summary>Name of the class; null where the detector has no names (<see cref="DetectorOptions.Categories"/>).</summary>
    public string? Category { get; init; }

    /// <summary>Which pixels are the object's; null where the detector has no masks.</summary>
    public InstanceMask? Mask { get; init; }

    /// <summary>The object's points, of a person 17 in the order of <see cref="KeypointRcnn.PersonKeypoints"/>; empty where the detector has none.</summary>
    public ImmutableArray<Keypoint> Keypoints { get; init; } = [];
}

/// <summary>A point of an object.</summary>
/// <param name="X">Pixels from the left of the image as it was given.</param>
/// <param name="Y">Pixels from the top.</param>
/// <param name="Score">How sure the detector is: a logit, higher is surer (torchvision's <c>keypoints_scores</c>).</param>
public readonly record struct Keypoint(float X, float Y, float Score);
