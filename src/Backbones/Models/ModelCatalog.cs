using Backbones.Graphs;

namespace Backbones.Models;

/// <summary>All architectures that can be built, by name. A new family is one line here.</summary>
public static class ModelCatalog
{
    private static readonly Lazy<Dictionary<string, ModelEntry>> s_models = new(() => new IEnumerable<ModelEntry>[]
    {
        Beit.Models,
        CaiT.Models,
        ConvNeXt.Models,
        CspNet.Models,
        DeiT.Models,
        DenseNet.Models,
        Dla.Models,
        Dpn.Models,
        EdgeNeXt.Models,
        EfficientFormer.Models,
        EfficientFormerV2.Models,
        EfficientNet.Models,
        EfficientVitMit.Models,
        EfficientVitMsra.Models,
        Eva.Models,
        Gemma4Vit.Models,
        HrNet.Models,
        InceptionResNetV2.Models,
        InceptionV3.Models,
        InceptionV4.Models,
        Levit.Models,
        MetaFormer.Models,
        MobileNetV3.Models,
        NaFlexVit.Models,
        NasNet.Models,
        NextViT.Models,
        PNasNet.Models,
        PvtV2.Models,
        RegNet.Models,
        Res2Net.Models,
        ResNeSt.Models,
        ResNet.Models,
        ResNetV2.Models,
        SelecSls.Models,
        SENet.Models,
        SkNet.Models,
        SwiftFormer.Models,
        SwinTransformer.Models,
        SwinTransformerV2.Models,
        SwinTransformerV2Cr.Models,
        TinyViT.Models,
        TorchvisionResNet.Models,
        TResNet.Models,
        Twins.Models,
        Vgg.Models,
        VisionTransformer.Models,
        VisionTransformerSam.Models,
        VovNet.Models,
        Xception.Models,
        XceptionAligned.Models,
    }.SelectMany(family => family).ToDictionary(model => model.Name));

    /// <summary>Names of all architectures, sorted.</summary>
    public static IEnumerable<string> Names => s_models.Value.Keys.Order(StringComparer.Ordinal);

    /// <summary>The architecture of that name.</summary>
    /// <exception cref="KeyNotFoundException">There is none; the message has the nearest names.</exception>
    internal static ModelEntry Find(string name)
        => s_models.Value.TryGetValue(name, out ModelEntry? found) ? found : throw new KeyNotFoundException($"Unknown model '{name}'.{NearestName.Suggest(name, Names)}");

    /// <summary>Whether an architecture of that name can be built.</summary>
    public static bool Contains(string name) => s_models.Value.ContainsKey(name);
}
