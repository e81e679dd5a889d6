using Backbones.Graphs;
using Backbones.Registry;

namespace Backbones.Models;

/// <summary>All architectures that can be built, by name. A new family is one line here.</summary>
public static class ModelCatalog
{
    private static readonly Lazy<Dictionary<string, ModelEntry>> s_models = new(() => new IEnumerable<ModelEntry>[]
    {
        Beit.Models,
        ByoaNet.Models,
        ByobNet.Models,
        CaiT.Models,
        CoaT.Models,
        ConViT.Models,
        ConvMixer.Models,
        ConvNeXt.Models,
        CPUBone.Models,
        CrossVit.Models,
        CSATv2.Models,
        CspNet.Models,
        DaViT.Models,
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
        FasterNet.Models,
        FastViT.Models,
        FocalNet.Models,
        GCViT.Models,
        Gemma4Vit.Models,
        GhostNet.Models,
        HardCoReNAS.Models,
        HGNet.Models,
        Hiera.Models,
        HieraDetSam2.Models,
        HrNet.Models,
        InceptionNeXt.Models,
        InceptionResNetV2.Models,
        InceptionV3.Models,
        InceptionV4.Models,
        Levit.Models,
        MambaOut.Models,
        MaxxViT.Models,
        MetaFormer.Models,
        MlpMixer.Models,
        MobileNetV3.Models,
        MobileNetV5.Models,
        MobileViT.Models,
        MViTv2.Models,
        NaFlexVit.Models,
        NasNet.Models,
        Nest.Models,
        NextViT.Models,
        NfNet.Models,
        PiT.Models,
        PNasNet.Models,
        PvtV2.Models,
        RDNet.Models,
        RegNet.Models,
        RepGhost.Models,
        RepViT.Models,
        Res2Net.Models,
        ResNeSt.Models,
        ResNet.Models,
        ResNetV2.Models,
        RexNet.Models,
        SelecSls.Models,
        SENet.Models,
        Sequencer.Models,
        SHViT.Models,
        SkNet.Models,
        StarNet.Models,
        SwiftFormer.Models,
        SwinTransformer.Models,
        SwinTransformerV2.Models,
        SwinTransformerV2Cr.Models,
        TinyViT.Models,
        Tnt.Models,
        TorchvisionAlexNet.Models,
        TorchvisionConvNeXt.Models,
        TorchvisionDenseNet.Models,
        TorchvisionEfficientNet.Models,
        TorchvisionGoogLeNet.Models,
        TorchvisionInceptionV3.Models,
        TorchvisionMaxViT.Models,
        TorchvisionMnasNet.Models,
        TorchvisionMobileNetV2.Models,
        TorchvisionMobileNetV3.Models,
        TorchvisionRegNet.Models,
        TorchvisionResNet.Models,
        TorchvisionShuffleNetV2.Models,
        TorchvisionSqueezeNet.Models,
        TorchvisionSwin.Models,
        TorchvisionVgg.Models,
        TorchvisionVisionTransformer.Models,
        TResNet.Models,
        Twins.Models,
        Vgg.Models,
        Visformer.Models,
        VisionTransformer.Models,
        VisionTransformerHybrid.Models,
        VisionTransformerRelPos.Models,
        VisionTransformerSam.Models,
        ViTamin.Models,
        Volo.Models,
        VovNet.Models,
        Xception.Models,
        XceptionAligned.Models,
        Xcit.Models,
    }.SelectMany(family => family).ToDictionary(model => model.Name));

    /// <summary>Names of all architectures, sorted.</summary>
    public static IEnumerable<string> Names => s_models.Value.Keys.Order(StringComparer.Ordinal);

    /// <summary>The architecture of that name.</summary>
    /// <exception cref="UnknownModelException">There is none; the message has the nearest names.</exception>
    internal static ModelEntry Find(string name)
        => s_models.Value.TryGetValue(name, out ModelEntry? found) ? found : throw new UnknownModelException(name, $"Unknown model '{name}'.", NearestName.Find(name, Names));

    /// <summary>The architecture that a config is of, made with the numbers of blocks that it names.</summary>
    /// <exception cref="UnknownModelException">There is none; the message has the nearest names.</exception>
    /// <exception cref="GraphException">It cannot have other numbers of blocks, or not as many stages.</exception>
    internal static ModelEntry Find(PretrainedConfig config)
    {
        ModelEntry model = Find(config.Architecture);
        if (config.Layers.IsDefaultOrEmpty)
            return model;
        return (model.WithLayers ?? throw new GraphException($"The config's 'model_args' has 'layers' ({string.Join(", ", config.Layers)}), which '{model.Name}' does not take."))(config.Layers);
    }

    /// <summary>Whether an architecture of that name can be built.</summary>
    public static bool Contains(string name) => s_models.Value.ContainsKey(name);
}
