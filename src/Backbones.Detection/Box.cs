namespace Backbones.Detection;

/// <summary>A rectangle in pixels: from (X1, Y1), top left, to (X2, Y2), bottom right, as torchvision's boxes. Pixel (0, 0) reaches from 0 to 1.</summary>
/// <param name="X1">Left edge.</param>
/// <param name="Y1">Top edge.</param>
/// <param name="X2">Right edge.</param>
/// <param name="Y2">Bottom edge.</param>
public readonly record struct Box(float X1, float Y1, float X2, float Y2)
{
    /// <summary>X2 - X1.</summary>
    public float Width => X2 - X1;

    /// <summary>Y2 - Y1.</summary>
    public float Height => Y2 - Y1;

    /// <summary>Width · height; negative where one of them is.</summary>
    public float Area => Width * Height;

    /// <summary>Area of what is in both, over the area of what is in either (intersection over union); NaN where both are without area.</summary>
    public float IntersectionOverUnion(Box other) => Boxes.Iou(this, other);

    /// <inheritdoc/>
    public override string ToString() => $"({X1}, {Y1}) to ({X2}, {Y2})";
}
