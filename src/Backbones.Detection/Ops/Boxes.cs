namespace Backbones.Detection;

/// <summary>Functions of boxes (<c>torchvision.ops.boxes</c>), in float32.</summary>
public static class Boxes
{
    /// <summary>Sides of a box below which a proposal is dropped.</summary>
    internal const float SmallestProposal = 1e-3f;

    /// <summary>Sides of a box below which a detection is dropped.</summary>
    internal const float SmallestDetection = 1e-2f;

    /// <summary>Intersection over union (<c>box_iou</c>); NaN where both are without area.</summary>
    public static float Iou(Box a, Box b)
    {
        (float intersection, float union) = Overlap(a, b);
        return intersection / union;
    }

    /// <summary>Generalised intersection over union (<c>generalized_box_iou</c>): less than 0 the farther boxes are apart.</summary>
    public static float GeneralizedIou(Box a, Box b)
    {
        (float intersection, float union) = Overlap(a, b);
        float width = MathF.Max(0, MathF.Max(a.X2, b.X2) - MathF.Min(a.X1, b.X1)), height = MathF.Max(0, MathF.Max(a.Y2, b.Y2) - MathF.Min(a.Y1, b.Y1));
        float area = width * height;
        return intersection / union - (area - union) / area;
    }

    /// <summary>The box cut at the image's borders (<c>clip_boxes_to_image</c>).</summary>
    public static Box ClipToImage(Box box, int imageWidth, int imageHeight)
        => new(Clamp(box.X1, imageWidth), Clamp(box.Y1, imageHeight), Clamp(box.X2, imageWidth), Clamp(box.Y2, imageHeight));

    /// <summary>Whether both sides are at least that long (<c>remove_small_boxes</c> keeps those).</summary>
    public static bool IsAtLeast(Box box, float minSize) => box.Width >= minSize && box.Height >= minSize;

    /// <summary>The boxes around masks (<c>masks_to_boxes</c>): first and last pixel with a mask in each direction.</summary>
    /// <param name="mask">Which pixels are the object's, <c>[height, width]</c>.</param>
    /// <param name="width">Pixels in a row.</param>
    /// <exception cref="ArgumentException">No pixel is, or the mask does not have whole rows.</exception>
    public static Box OfMask(ReadOnlySpan<bool> mask, int width)
    {
        if (width < 1 || mask.Length % width != 0)
            throw new ArgumentException($"A mask of {mask.Length} pixels has no whole rows of {width}.", nameof(width));
        (int left, int top, int right, int bottom) = (width, mask.Length, -1, -1);
        for (int i = 0; i < mask.Length; i++)
        {
            if (!mask[i])
                continue;
            (int y, int x) = Math.DivRem(i, width);
            (left, right, top, bottom) = (Math.Min(left, x), Math.Max(right, x), Math.Min(top, y), Math.Max(bottom, y));
        }
        return right >= 0 ? new(left, top, right, bottom) : throw new ArgumentException("The mask is empty; a box needs at least one pixel.", nameof(mask));
    }

    /// <summary>Numbers of the boxes that no better one overlaps, by falling score (<c>nms</c>). Of equal scores the first counts more; NaN counts most, as in PyTorch.</summary>
    /// <param name="boxes">The boxes.</param>
    /// <param name="scores">A score for each.</param>
    /// <param name="iouThreshold">Overlaps above it suppress; compared as a double, as torchvision does.</param>
    /// <exception cref="ArgumentException">There are not as many scores as boxes.</exception>
    public static int[] Nms(ReadOnlySpan<Box> boxes, ReadOnlySpan<float> scores, double iouThreshold) => Suppress(boxes, scores, default, iouThreshold);

    /// <summary>The same where boxes suppress only others of their class (<c>batched_nms</c>).</summary>
    /// <remarks>As in torchvision up to 1000 boxes are moved apart by class, by the largest coordinate and 1, so that negative coordinates and large numbers of classes have their effects;
    /// more go class by class.</remarks>
    /// <param name="boxes">The boxes.</param>
    /// <param name="scores">A score for each.</param>
    /// <param name="classes">A class for each.</param>
    /// <param name="iouThreshold">Overlaps above it suppress.</param>
    /// <exception cref="ArgumentException">There are not as many scores and classes as boxes.</exception>
    public static int[] BatchedNms(ReadOnlySpan<Box> boxes, ReadOnlySpan<float> scores, ReadOnlySpan<int> classes, double iouThreshold)
        => classes.Length == boxes.Length ? Suppress(boxes, scores, classes, iouThreshold)
            : throw new ArgumentException($"{boxes.Length} boxes need as many classes; received {classes.Length}.", nameof(classes));

    /// <summary>A box with other pixels: of a resized image (<c>resize_boxes</c>).</summary>
    internal static Box Scale(Box box, float x, float y) => new(box.X1 * x, box.Y1 * y, box.X2 * x, box.Y2 * y);

    private static int[] Suppress(ReadOnlySpan<Box> boxes, ReadOnlySpan<float> scores, ReadOnlySpan<int> classes, double iouThreshold)
    {
        if (scores.Length != boxes.Length)
            throw new ArgumentException($"{boxes.Length} boxes need as many scores; received {scores.Length}.", nameof(scores));
        var list = new BoxList();
        for (int i = 0; i < boxes.Length; i++)
            list.Add(boxes[i], scores[i], classes.IsEmpty ? 0 : classes[i]);
        var suppression = new Suppression();
        return [.. classes.IsEmpty ? suppression.Run(list, iouThreshold) : suppression.RunByClass(list, iouThreshold)];
    }

    private static (float Intersection, float Union) Overlap(Box a, Box b)
    {
        float width = MathF.Max(0, MathF.Min(a.X2, b.X2) - MathF.Max(a.X1, b.X1)), height = MathF.Max(0, MathF.Min(a.Y2, b.Y2) - MathF.Max(a.Y1, b.Y1));
        float intersection = width * height;
        return (intersection, a.Area + b.Area - intersection);
    }

    /// <summary>NaN stays NaN, as with torch.clamp.</summary>
    private static float Clamp(float value, float max) => MathF.Min(MathF.Max(value, 0), max);
}
