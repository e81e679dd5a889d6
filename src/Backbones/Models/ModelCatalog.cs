using Backbones.Graphs;

namespace Backbones.Models;

/// <summary>All architectures that can be built, by name. A new family is one line here.</summary>
public static class ModelCatalog
{
    private static readonly Lazy<Dictionary<string, (string Family, ModelEntry Entry)>> s_models = new(Load);

    /// <summary>Names of all architectures, sorted.</summary>
    public static IEnumerable<string> Names => s_models.Value.Keys.Order(StringComparer.Ordinal);

    /// <summary>The architecture of that name.</summary>
    /// <exception cref="KeyNotFoundException">There is none; the message has the nearest names.</exception>
    public static ModelEntry Find(string name)
        => s_models.Value.TryGetValue(name, out var found) ? found.Entry
        : throw new KeyNotFoundException($"Unknown model '{name}'.{NearestName.Suggest(name, Names)}");

    /// <summary>Whether an architecture of that name can be built.</summary>
    public static bool Contains(string name) => s_models.Value.ContainsKey(name);

    /// <summary>The family of an architecture: timm's file, such as <c>resnet</c>, or <c>torchvision</c>.</summary>
    public static string FamilyOf(string name) => s_models.Value[name].Family;

    private static Dictionary<string, (string, ModelEntry)> Load()
    {
        (string Family, IEnumerable<ModelEntry> Models)[] families =
        [
            ("resnet", ResNet.Models),
            ("resnest", ResNeSt.Models),
            ("convnext", ConvNeXt.Models),
            ("vision_transformer", VisionTransformer.Models),
            ("deit", DeiT.Models),
            ("regnet", RegNet.Models),
            ("densenet", DenseNet.Models),
            ("vovnet", VovNet.Models),
            ("xception", Xception.Models),
            ("xception_aligned", XceptionAligned.Models),
            ("torchvision", TorchvisionResNet.Models),
            ("efficientnet", EfficientNet.Models),
            ("mobilenetv3", MobileNetV3.Models),
        ];
        return families.SelectMany(f => f.Models.Select(m => (f.Family, Entry: m))).ToDictionary(m => m.Entry.Name, m => (m.Family, m.Entry));
    }
}
