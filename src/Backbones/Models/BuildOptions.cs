using Backbones.Graphs;

namespace Backbones.Models;

/// <summary>What timm's <c>create_model</c> takes: everything that changes a backbone's structure. What is null is the architecture's own.</summary>
internal sealed record BuildOptions
{
    /// <summary>Input height and width.</summary>
    public Size2? ImageSize { get; init; }

    /// <summary>Number of input channels (<c>in_chans</c>).</summary>
    public int? InChannels { get; init; }

    /// <summary>Number of classes of the classifier; 0 for none.</summary>
    public int? NumClasses { get; init; }

    /// <summary>Pooling before the classifier that the model is made with (<c>global_pool</c>): 'avg', 'max', 'avgmax', 'catavgmax', 'fast…', 'token', 'map', '' for none.</summary>
    public string? GlobalPool { get; init; }

    /// <summary>
    /// The pooling that <c>reset_classifier</c> puts in its place: layers that depend on the pooling (where a vision transformer has its last
    /// norm) stay as the model was made.
    /// </summary>
    public string? ResetPool { get; init; }

    /// <summary>Stride of the last feature map (<c>output_stride</c>): 32, 16 or 8; below 32 strides become dilations.</summary>
    public int OutputStride { get; init; } = 32;

    /// <summary>The image size that the weights were trained for, where it is not the architecture's own: position embeddings are resampled from its grid.</summary>
    public Size2? PretrainedSize { get; init; }

    /// <summary>Whether the weights bring a <c>mean_image</c> that is subtracted from the input.</summary>
    public bool MeanImage { get; init; }

    /// <summary>timm's defaults.</summary>
    public static BuildOptions Default { get; } = new();
}

/// <summary><see cref="BuildOptions"/> as a family sees them: nothing is open. Image size and channels are the builder's input.</summary>
internal sealed record ModelOptions
{
    /// <summary>Number of classes; 0 for no classifier.</summary>
    public required int NumClasses { get; init; }

    /// <summary>The pooling of the head.</summary>
    public required string GlobalPool { get; init; }

    /// <summary>The pooling that the model was made with, before a reset of its classifier.</summary>
    public required string CreatedPool { get; init; }

    /// <summary>Stride of the last feature map; see <see cref="StrideSchedule"/>.</summary>
    public required int OutputStride { get; init; }

    /// <summary>The image size that the weights were trained for.</summary>
    public required Size2 PretrainedSize { get; init; }
}
