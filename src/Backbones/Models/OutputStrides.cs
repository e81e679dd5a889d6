using Backbones.Graphs;

namespace Backbones.Models;

/// <summary>The check of <c>output_stride</c> that families begin with.</summary>
internal static class OutputStrides
{
    /// <summary>Refuses a stride that the family cannot have.</summary>
    /// <param name="options">What was asked for.</param>
    /// <param name="valid">The strides that the family has; 32 alone where timm's model has no dilation.</param>
    /// <exception cref="GraphException">The stride is none of them.</exception>
    public static void RequireOutputStride(this BuildOptions options, params int[] valid)
    {
        if (valid.Contains(options.OutputStride))
            return;
        throw new GraphException(valid is [int only]
            ? $"output_stride {options.OutputStride} is not supported: this model has no dilation. Leave it at {only}."
            : $"output_stride {options.OutputStride} is not supported; valid strides are {string.Join(", ", valid[..^1])} and {valid[^1]}.");
    }
}
