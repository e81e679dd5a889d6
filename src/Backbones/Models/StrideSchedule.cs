using Backbones.Graphs;

namespace Backbones.Models;

/// <summary>The strides of successive stages (or blocks) under an <c>output_stride</c>: where it is reached, further strides become dilations.</summary>
internal sealed class StrideSchedule
{
    private readonly int _outputStride;

    /// <summary>A schedule for a family that can dilate.</summary>
    /// <param name="options">What was asked for.</param>
    /// <param name="stem">Stride of the map that the first stage gets.</param>
    /// <exception cref="GraphException">The output stride is none of 8, 16 and 32.</exception>
    public StrideSchedule(ModelOptions options, int stem)
    {
        options.RequireOutputStride(8, 16, 32);
        (_outputStride, Reduction) = (options.OutputStride, stem);
    }

    /// <summary>Input pixels per pixel of the map so far.</summary>
    public int Reduction { get; private set; }

    /// <summary>The dilation that what follows must have.</summary>
    public int Dilation { get; private set; } = 1;

    /// <summary>Goes through a stage.</summary>
    /// <param name="stride">The stride by design.</param>
    /// <returns>The stride that is left: the same, or 1 where <see cref="Dilation"/> grew in its place.</returns>
    public int Next(int stride)
    {
        bool dilates = Reduction * stride > _outputStride;
        Dilation *= dilates ? stride : 1;
        Reduction *= dilates ? 1 : stride;
        return dilates ? 1 : stride;
    }
}

/// <summary>The check of <c>output_stride</c> that families without a schedule begin with.</summary>
internal static class OutputStrides
{
    /// <summary>Refuses a stride that the family cannot have.</summary>
    /// <param name="options">What was asked for.</param>
    /// <param name="valid">The strides that the family has; 32 alone where timm's model has no dilation.</param>
    /// <exception cref="GraphException">The stride is none of them.</exception>
    public static void RequireOutputStride(this ModelOptions options, params ReadOnlySpan<int> valid)
    {
        if (valid.Contains(options.OutputStride))
            return;
        throw new GraphException(valid is [int only]
            ? $"output_stride {options.OutputStride} is not supported: this model has no dilation. Leave it at {only}."
            : $"output_stride {options.OutputStride} is not supported; valid strides are {string.Join(", ", valid[..^1].ToArray().Select(s => $"{s}"))} and {valid[^1]}.");
    }
}
