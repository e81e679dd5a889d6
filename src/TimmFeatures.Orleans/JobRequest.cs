using Backbones;
using Backbones.Engines;

namespace TimmFeatures.Orleans;

/// <summary>A job to submit: which features of which pictures, and the file to make.</summary>
/// <param name="Model">timm's name (<c>resnet50.a1_in1k</c>), <c>hf-hub:organization/model</c> or <c>local-dir:PATH</c>.</param>
/// <param name="Pictures">Files, folders, patterns, .csv and .tsv tables, .zip and .tar archives, <c>-</c> for a list on standard input; all workers see them under the same paths.</param>
/// <param name="Output">The file to make: .parquet, .npy, .npz, .safetensors, .csv, .arrow, .feather or .idv, in a folder that all workers see under the same path, or at an address of one of <see cref="WorkerOptions.Storages"/>
/// (<c>s3://BUCKET/FOLDER/FILE</c>).</param>
public sealed record JobRequest(string Model, IReadOnlyList<string> Pictures, string Output)
{
    /// <summary>Pictures of a part, unless said otherwise.</summary>
    public const int DefaultPartSize = 1000;

    /// <summary>Which features; pooled ones unless given.</summary>
    public FeatureSelection Selection { get; init; } = FeatureSelection.Pooled();

    /// <summary>How the model is opened, here and on workers. A path of weights is one that all of them see; the number of input channels is the weights'.
    /// <see cref="BackboneOptions.ConfigOverlay"/> is called here, and what it changes is sent.</summary>
    public BackboneOptions Backbone { get; init; } = new();

    /// <summary>What it is computed on: <c>auto</c> (what this machine has), <c>cpu</c> or <c>cuda</c>. One kind for the whole job, because kinds differ in the last bits.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>Number format.</summary>
    public Precision Precision { get; init; }

    /// <summary>Turn pictures upright by their EXIF data.</summary>
    public bool Exif { get; init; }

    /// <summary>Pictures of a part, which one worker does at a time.</summary>
    public int PartSize { get; init; } = DefaultPartSize;

    /// <summary>Where relative paths of lists and tables start from; null for the current directory.</summary>
    public string? PictureFolder { get; init; }

    /// <summary>The tables' column with the paths; null for a usual name.</summary>
    public string? PathColumn { get; init; }
}
