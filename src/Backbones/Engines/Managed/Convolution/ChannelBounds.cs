using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <summary>What a convolution's channels are at least and at most behind its activation: the same for all, or each channel's own where the activation's bounds were scaled and shifted with it.</summary>
internal sealed record ChannelBounds(float[] Low, float[] High)
{
    /// <summary>The bounds that an activation sets; none where it is another function.</summary>
    public static ChannelBounds Of(UnaryOp? activation, int channels)
    {
        (float low, float high) = OfAll(activation) ?? (float.NegativeInfinity, float.PositiveInfinity);
        return new ChannelBounds([.. Enumerable.Repeat(low, channels)], [.. Enumerable.Repeat(high, channels)]);
    }

    /// <summary>What an activation leaves of all values, infinite where there is none; null where it is another function than a clamp.</summary>
    public static (float Low, float High)? OfAll(UnaryOp? activation) => activation switch
    {
        null => (float.NegativeInfinity, float.PositiveInfinity),
        { Kind: UnaryKind.Relu } => (0, float.PositiveInfinity),
        { Kind: UnaryKind.Relu6 } => (0, 6),
        { Kind: UnaryKind.Clamp } => (activation.Alpha, activation.Beta),
        _ => null,
    };

    /// <summary>The bounds of x · scale + shift where these are those of x.</summary>
    public ChannelBounds Scaled(float[] scale, float[] shift)
    {
        var scaled = new ChannelBounds([.. shift], [.. shift]);
        for (int c = 0; c < shift.Length; c++)
        {
            // Infinity times nothing would be no number; the shift alone is left.
            if (scale[c] == 0)
                continue;
            (float a, float b) = (Low[c] * scale[c] + shift[c], High[c] * scale[c] + shift[c]);
            (scaled.Low[c], scaled.High[c]) = (Math.Min(a, b), Math.Max(a, b));
        }
        return scaled;
    }
}
