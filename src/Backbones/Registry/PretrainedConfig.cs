using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Imaging;

namespace Backbones.Registry;

/// <summary>Where a model's trained weights are and what input they expect (timm's <c>PretrainedCfg</c>, with its defaults).</summary>
public sealed record PretrainedConfig
{
    /// <summary>The architecture, such as <c>resnet50</c>.</summary>
    public required string Architecture { get; init; }

    /// <summary>The tag that tells the trainings of one architecture apart, such as <c>a1_in1k</c>; empty if there is none.</summary>
    public string Tag { get; init; } = "";

    /// <summary>The full name, <c>architecture.tag</c>, or the architecture alone.</summary>
    public string Name => Tag.Length == 0 ? Architecture : $"{Architecture}.{Tag}";

    /// <summary>Where the original file is, if there is one; its name carries the first hex digits of its SHA-256.</summary>
    public string? Url { get; init; }

    /// <summary>Hugging Face Hub repository, <c>organization/model</c>.</summary>
    public string? HfHubId { get; init; }

    /// <summary>File in that repository, where it is not the usual one.</summary>
    public string? HfHubFilename { get; init; }

    /// <summary>Whether trained weights were published.</summary>
    public bool HasWeights => Url is not null || HfHubId is not null;

    /// <summary>Input size in training, <c>[C, H, W]</c>.</summary>
    public Shape InputSize { get; init; } = [3, 224, 224];

    /// <summary>Input size that tests best, <c>[C, H, W]</c>, if that is another.</summary>
    public Shape? TestInputSize { get; init; }

    /// <summary>Resize filter: <c>bicubic</c> or <c>bilinear</c>, rarely another of Pillow's.</summary>
    public string Interpolation { get; init; } = "bicubic";

    /// <summary>Part of the resized image's side that the crop keeps; a few models have more than 1.</summary>
    public double CropPct { get; init; } = 0.875;

    /// <summary>The same for <see cref="TestInputSize"/>, if that is another.</summary>
    public double? TestCropPct { get; init; }

    /// <summary><c>center</c>, <c>squash</c> or <c>border</c>.</summary>
    public string CropMode { get; init; } = "center";

    /// <summary>Mean of each channel, of values in [0, 1].</summary>
    public ImmutableArray<double> Mean { get; init; } = [0.485, 0.456, 0.406];

    /// <summary>Standard deviation of each channel, of values in [0, 1].</summary>
    public ImmutableArray<double> Std { get; init; } = [0.229, 0.224, 0.225];

    /// <summary>Number of classes of the trained classifier; 0 if it has none.</summary>
    public int NumClasses { get; init; } = 1000;

    /// <summary>Pooling that the model is made with (<c>global_pool</c> of a config.json's <c>model_args</c>); null for the architecture's own.</summary>
    public string? GlobalPool { get; init; }

    /// <summary>Stride of the last feature map that the model is made with (<c>output_stride</c> of <c>model_args</c>).</summary>
    public int OutputStride { get; init; } = 32;

    /// <summary>Blocks of each stage that the model is made with (<c>layers</c> of <c>model_args</c>); empty for the architecture's own.</summary>
    public ImmutableArray<int> Layers { get; init; } = [];

    /// <summary>What else the model is made with, by the names of timm's arguments: those of the family alone, such as a vision transformer's <c>init_values</c>. See <see cref="WithModelArgs"/>.</summary>
    internal ImmutableSortedDictionary<string, JsonElement> FamilyArgs { get; init; } = ImmutableSortedDictionary<string, JsonElement>.Empty;

    /// <summary>Whether the weights have a picture <c>mean_image</c> <c>[C, H, W]</c> that is subtracted from the normalised input. timm has nothing like it; it is <c>mean_image</c> of
    /// <c>model_args</c>, which timm refuses.</summary>
    public bool MeanImage { get; init; }

    /// <summary>Size of the map before pooling, <c>[H, W]</c>, for <see cref="InputSize"/>.</summary>
    public Shape? PoolSize { get; init; }

    /// <summary>Modules that take the image's channels, adapted to another number of channels.</summary>
    public ImmutableArray<string> FirstConv { get; init; } = [];

    /// <summary>Modules of the classifier, dropped for another number of classes.</summary>
    public ImmutableArray<string> Classifier { get; init; } = [];

    /// <summary>Names of the classes, in the order of the class scores, where config.json has them (<c>label_names</c>); otherwise empty.</summary>
    public ImmutableArray<string> LabelNames { get; init; } = [];

    /// <summary>License of the weights, such as <c>apache-2.0</c>, if it is known.</summary>
    public string? License { get; init; }

    /// <summary>The config of a model that is made with other arguments of timm's <c>create_model</c> than the architecture's own: <c>img_size</c>, <c>in_chans</c>, <c>num_classes</c>, <c>global_pool</c>,
    /// <c>output_stride</c>, and those that the family takes, such as <c>patch_size</c> or <c>init_values</c> (vision transformers), <c>window_size</c> (Swin), <c>depths</c> (ConvNeXt), <c>layers</c> (ResNet).</summary>
    /// <param name="json">The arguments as config.json has them in <c>model_args</c>: <c>{ "patch_size": 8, "act_layer": "silu" }</c>. They count before those that the config has.</param>
    /// <exception cref="FormatException">An argument is not known, or not of its type; the message has the nearest name. Whether the family takes it is seen when the model is built.</exception>
    /// <exception cref="JsonException">It is not valid JSON.</exception>
    public PretrainedConfig WithModelArgs([StringSyntax(StringSyntaxAttribute.Json)] string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return ModelArgs.Apply(this, document.RootElement);
    }

    /// <summary>What the config says about the input, for <see cref="ImageTransformOptions.Resolve"/>.</summary>
    public DataConfig ToDataConfig() => new()
    {
        InputSize = (InputSize[0], InputSize[1], InputSize[2]),
        TestInputSize = TestInputSize is { } test ? (test[0], test[1], test[2]) : null,
        Interpolation = Interpolation,
        CropPct = CropPct,
        TestCropPct = TestCropPct,
        CropMode = CropMode,
        Mean = Mean,
        Std = Std,
    };
}
