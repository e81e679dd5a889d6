namespace Backbones.Detection;

/// <summary>Factors of the four numbers that stand for a box relative to another.</summary>
/// <param name="X">Of the shift in x.</param>
/// <param name="Y">Of the shift in y.</param>
/// <param name="W">Of the logarithm of the widths' ratio.</param>
/// <param name="H">Of the logarithm of the heights' ratio.</param>
public readonly record struct BoxCoderWeights(float X, float Y, float W, float H)
{
    /// <inheritdoc/>
    public override string ToString() => $"({X}, {Y}, {W}, {H})";
}

/// <summary>Boxes as shifts and logarithms of scales of other boxes (torchvision's <c>BoxCoder</c>), in float32.</summary>
/// <param name="weights">Factors; all 1 for proposals.</param>
public sealed class BoxCoder(BoxCoderWeights weights)
{
    /// <summary>Largest dw and dh: a box becomes 62.5 times as large at most. There is no bound below.</summary>
    private static readonly float s_clip = (float)Math.Log(1000.0 / 16);

    /// <summary>What <see cref="Decode"/> makes <paramref name="reference"/> of again.</summary>
    /// <param name="reference">The box to tell.</param>
    /// <param name="anchor">The box to tell it by.</param>
    public BoxDelta Encode(Box reference, Box anchor)
    {
        float width = anchor.Width, height = anchor.Height;
        float x = anchor.X1 + 0.5f * width, y = anchor.Y1 + 0.5f * height;
        float referenceX = reference.X1 + 0.5f * reference.Width, referenceY = reference.Y1 + 0.5f * reference.Height;
        return new(weights.X * (referenceX - x) / width, weights.Y * (referenceY - y) / height,
            weights.W * MathF.Log(reference.Width / width), weights.H * MathF.Log(reference.Height / height));
    }

    /// <summary>The box that is told by an anchor and what a network says.</summary>
    public Box Decode(BoxDelta delta, Box anchor)
    {
        float width = anchor.Width, height = anchor.Height;
        float x = anchor.X1 + 0.5f * width, y = anchor.Y1 + 0.5f * height;
        float centreX = delta.X / weights.X * width + x, centreY = delta.Y / weights.Y * height + y;
        float halfWidth = 0.5f * (MathF.Exp(MathF.Min(delta.W / weights.W, s_clip)) * width);
        float halfHeight = 0.5f * (MathF.Exp(MathF.Min(delta.H / weights.H, s_clip)) * height);
        return new(centreX - halfWidth, centreY - halfHeight, centreX + halfWidth, centreY + halfHeight);
    }
}

/// <summary>Boxes as distances of their sides from the centre of another box (torchvision's <c>BoxLinearCoder</c>, FCOS), in float32.</summary>
/// <param name="normalizeBySize">Whether distances are divided by the other box's size.</param>
public sealed class BoxLinearCoder(bool normalizeBySize = true)
{
    /// <summary>The distances of a box's sides from a centre.</summary>
    /// <param name="anchor">The box whose centre and size count.</param>
    /// <param name="box">The box to tell.</param>
    public BoxDelta Encode(Box anchor, Box box)
    {
        float x = 0.5f * (anchor.X1 + anchor.X2), y = 0.5f * (anchor.Y1 + anchor.Y2);
        float width = normalizeBySize ? anchor.Width : 1, height = normalizeBySize ? anchor.Height : 1;
        return new((x - box.X1) / width, (y - box.Y1) / height, (box.X2 - x) / width, (box.Y2 - y) / height);
    }

    /// <summary>The box that is told by distances.</summary>
    public Box Decode(BoxDelta distances, Box anchor)
    {
        float x = 0.5f * (anchor.X1 + anchor.X2), y = 0.5f * (anchor.Y1 + anchor.Y2);
        float width = normalizeBySize ? anchor.Width : 1, height = normalizeBySize ? anchor.Height : 1;
        return new(x - distances.X * width, y - distances.Y * height, x + distances.W * width, y + distances.H * height);
    }
}

/// <summary>Four numbers that tell a box by another: dx, dy, dw and dh of <see cref="BoxCoder"/>, or left, top, right and bottom of <see cref="BoxLinearCoder"/>.</summary>
public readonly record struct BoxDelta(float X, float Y, float W, float H)
{
    /// <inheritdoc/>
    public override string ToString() => $"({X}, {Y}, {W}, {H})";
}
