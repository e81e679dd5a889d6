using Backbones.Graphs;

namespace Backbones.Models;

/// <summary>What timm's <c>create_model</c> takes: everything that changes a backbone's structure.</summary>
public sealed record BuildOptions
{
    /// <summary>Input height and width; null for the model's own.</summary>
    public Size2? ImageSize { get; init; }

    /// <summary>Number of input channels (<c>in_chans</c>).</summary>
    public int InChannels { get; init; } = 3;

    /// <summary>Number of classes of the classifier; 0 for none; null for the model's own.</summary>
    public int? NumClasses { get; init; }

    /// <summary>Pooling before the classifier (<c>global_pool</c>): 'avg', 'max', 'avgmax', 'catavgmax', 'fast…', 'token', 'map', '' for none; null for the model's own.</summary>
    public string? GlobalPool { get; init; }

    /// <summary>
    /// <see cref="GlobalPool"/> is what <c>reset_classifier</c> put in place of the model's own pooling: layers that depend on it
    /// (where a vision transformer has its last norm) stay as the model has them. Otherwise it is what the model was created with.
    /// </summary>
    public bool ResetsClassifier { get; init; }

    /// <summary>Stride of the last feature map (<c>output_stride</c>): 32, 16 or 8; below 32 strides become dilations.</summary>
    public int OutputStride { get; init; } = 32;

    /// <summary>timm's defaults.</summary>
    public static BuildOptions Default { get; } = new();
}
