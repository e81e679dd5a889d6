using System.Collections.Immutable;

namespace Backbones.Registry;

/// <summary>Names of a classifier's classes.</summary>
internal static class ClassNames
{
    /// <summary>The words of WordNet for the classes of ImageNet-1k, in the order of the class scores.</summary>
    private static readonly Lazy<ImmutableArray<string>> s_imageNet = new(() =>
    {
        using Stream stream = RegistryData.Open("imagenet-1k.txt");
        using var reader = new StreamReader(stream);
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)];
    });

    /// <summary>The config's own names, else those of ImageNet-1k for published weights with its 1000 classes (as timm infers it); empty where they are not known.</summary>
    public static ImmutableArray<string> Of(PretrainedConfig config)
        => !config.LabelNames.IsDefaultOrEmpty ? config.LabelNames
        : config is { HasWeights: true, NumClasses: 1000 } ? s_imageNet.Value
        : [];
}
