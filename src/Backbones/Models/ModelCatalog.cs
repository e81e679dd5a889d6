using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Registry;

namespace Backbones.Models;

/// <summary>All architectures that can be built, by name. A new family is one line here.</summary>
public static class ModelCatalog
{
    private static readonly Family[] s_families =
    [
        new(nameof(Beit), () => Beit.Models),
        new(nameof(ByoaNet), () => ByoaNet.Models),
        new(nameof(ByobNet), () => ByobNet.Models),
        new(nameof(CaiT), () => CaiT.Models),
        new(nameof(CoaT), () => CoaT.Models),
        new(nameof(ConViT), () => ConViT.Models),
        new(nameof(ConvMixer), () => ConvMixer.Models),
        new(nameof(ConvNeXt), () => ConvNeXt.Models),
        new(nameof(CPUBone), () => CPUBone.Models),
        new(nameof(CrossVit), () => CrossVit.Models),
        new(nameof(CSATv2), () => CSATv2.Models),
        new(nameof(CspNet), () => CspNet.Models),
        new(nameof(DaViT), () => DaViT.Models),
        new(nameof(DeiT), () => DeiT.Models),
        new(nameof(DenseNet), () => DenseNet.Models),
        new(nameof(Dla), () => Dla.Models),
        new(nameof(Dpn), () => Dpn.Models),
        new(nameof(EdgeNeXt), () => EdgeNeXt.Models),
        new(nameof(EfficientFormer), () => EfficientFormer.Models),
        new(nameof(EfficientFormerV2), () => EfficientFormerV2.Models),
        new(nameof(EfficientNet), () => EfficientNet.Models),
        new(nameof(EfficientVitMit), () => EfficientVitMit.Models),
        new(nameof(EfficientVitMsra), () => EfficientVitMsra.Models),
        new(nameof(Eva), () => Eva.Models),
        new(nameof(FasterNet), () => FasterNet.Models),
        new(nameof(FastViT), () => FastViT.Models),
        new(nameof(FocalNet), () => FocalNet.Models),
        new(nameof(GCViT), () => GCViT.Models),
        new(nameof(Gemma4Vit), () => Gemma4Vit.Models),
        new(nameof(GhostNet), () => GhostNet.Models),
        new(nameof(HardCoReNAS), () => HardCoReNAS.Models),
        new(nameof(HGNet), () => HGNet.Models),
        new(nameof(Hiera), () => Hiera.Models),
        new(nameof(HieraDetSam2), () => HieraDetSam2.Models),
        new(nameof(HrNet), () => HrNet.Models),
        new(nameof(InceptionNeXt), () => InceptionNeXt.Models),
        new(nameof(InceptionResNetV2), () => InceptionResNetV2.Models),
        new(nameof(InceptionV3), () => InceptionV3.Models),
        new(nameof(InceptionV4), () => InceptionV4.Models),
        new(nameof(Levit), () => Levit.Models),
        new(nameof(MambaOut), () => MambaOut.Models),
        new(nameof(MaxxViT), () => MaxxViT.Models),
        new(nameof(MetaFormer), () => MetaFormer.Models),
        new(nameof(MlpMixer), () => MlpMixer.Models),
        new(nameof(MobileNetV3), () => MobileNetV3.Models),
        new(nameof(MobileNetV5), () => MobileNetV5.Models),
        new(nameof(MobileViT), () => MobileViT.Models),
        new(nameof(MViTv2), () => MViTv2.Models),
        new(nameof(NaFlexVit), () => NaFlexVit.Models),
        new(nameof(NasNet), () => NasNet.Models),
        new(nameof(Nest), () => Nest.Models),
        new(nameof(NextViT), () => NextViT.Models),
        new(nameof(NfNet), () => NfNet.Models),
        new(nameof(PiT), () => PiT.Models),
        new(nameof(PNasNet), () => PNasNet.Models),
        new(nameof(PvtV2), () => PvtV2.Models),
        new(nameof(RDNet), () => RDNet.Models),
        new(nameof(RegNet), () => RegNet.Models),
        new(nameof(RepGhost), () => RepGhost.Models),
        new(nameof(RepViT), () => RepViT.Models),
        new(nameof(Res2Net), () => Res2Net.Models),
        new(nameof(ResNeSt), () => ResNeSt.Models),
        new(nameof(ResNet), () => ResNet.Models),
        new(nameof(ResNetV2), () => ResNetV2.Models),
        new(nameof(RexNet), () => RexNet.Models),
        new(nameof(SelecSls), () => SelecSls.Models),
        new(nameof(SENet), () => SENet.Models),
        new(nameof(Sequencer), () => Sequencer.Models),
        new(nameof(SHViT), () => SHViT.Models),
        new(nameof(SkNet), () => SkNet.Models),
        new(nameof(StarNet), () => StarNet.Models),
        new(nameof(SwiftFormer), () => SwiftFormer.Models),
        new(nameof(SwinTransformer), () => SwinTransformer.Models),
        new(nameof(SwinTransformerV2), () => SwinTransformerV2.Models),
        new(nameof(SwinTransformerV2Cr), () => SwinTransformerV2Cr.Models),
        new(nameof(TinyViT), () => TinyViT.Models),
        new(nameof(Tnt), () => Tnt.Models),
        new(nameof(TorchvisionAlexNet), () => TorchvisionAlexNet.Models),
        new(nameof(TorchvisionConvNeXt), () => TorchvisionConvNeXt.Models),
        new(nameof(TorchvisionDenseNet), () => TorchvisionDenseNet.Models),
        new(nameof(TorchvisionEfficientNet), () => TorchvisionEfficientNet.Models),
        new(nameof(TorchvisionGoogLeNet), () => TorchvisionGoogLeNet.Models),
        new(nameof(TorchvisionInceptionV3), () => TorchvisionInceptionV3.Models),
        new(nameof(TorchvisionMaxViT), () => TorchvisionMaxViT.Models),
        new(nameof(TorchvisionMnasNet), () => TorchvisionMnasNet.Models),
        new(nameof(TorchvisionMobileNetV2), () => TorchvisionMobileNetV2.Models),
        new(nameof(TorchvisionMobileNetV3), () => TorchvisionMobileNetV3.Models),
        new(nameof(TorchvisionRegNet), () => TorchvisionRegNet.Models),
        new(nameof(TorchvisionResNet), () => TorchvisionResNet.Models),
        new(nameof(TorchvisionShuffleNetV2), () => TorchvisionShuffleNetV2.Models),
        new(nameof(TorchvisionSqueezeNet), () => TorchvisionSqueezeNet.Models),
        new(nameof(TorchvisionSwin), () => TorchvisionSwin.Models),
        new(nameof(TorchvisionVgg), () => TorchvisionVgg.Models),
        new(nameof(TorchvisionVisionTransformer), () => TorchvisionVisionTransformer.Models),
        new(nameof(TResNet), () => TResNet.Models),
        new(nameof(Twins), () => Twins.Models),
        new(nameof(Vgg), () => Vgg.Models),
        new(nameof(Visformer), () => Visformer.Models),
        new(nameof(VisionTransformer), () => VisionTransformer.Models),
        new(nameof(VisionTransformerHybrid), () => VisionTransformerHybrid.Models),
        new(nameof(VisionTransformerRelPos), () => VisionTransformerRelPos.Models),
        new(nameof(VisionTransformerSam), () => VisionTransformerSam.Models),
        new(nameof(ViTamin), () => ViTamin.Models),
        new(nameof(Volo), () => Volo.Models),
        new(nameof(VovNet), () => VovNet.Models),
        new(nameof(Xception), () => Xception.Models),
        new(nameof(XceptionAligned), () => XceptionAligned.Models),
        new(nameof(Xcit), () => Xcit.Models),
    ];

    private static readonly Lazy<string[]> s_names = new(() => [.. s_families.SelectMany(family => family.Models.Keys).Order(StringComparer.Ordinal)]);

    /// <summary>Names of all architectures, sorted.</summary>
    public static IEnumerable<string> Names => s_names.Value;

    /// <summary>The architecture of that name.</summary>
    /// <exception cref="UnknownModelException">There is none; the message has the nearest names.</exception>
    internal static ModelEntry Find(string name)
        => TryFind(name) ?? throw new UnknownModelException(name, $"Unknown model '{name}'.", NearestName.Find(name, Names));

    /// <summary>The architecture that a config is of, made with the arguments that it names.</summary>
    /// <exception cref="UnknownModelException">There is none; the message has the nearest names.</exception>
    /// <exception cref="GraphException">It does not take one of them, or not with that value.</exception>
    internal static ModelEntry Find(PretrainedConfig config)
    {
        ModelEntry model = Find(config.Architecture);
        ImmutableSortedDictionary<string, JsonElement> arguments = ModelArgs.OfFamily(config);
        return arguments.IsEmpty ? model : model.WithArguments(arguments);
    }

    /// <summary>Whether an architecture of that name can be built.</summary>
    public static bool Contains(string name) => TryFind(name) is not null;

    /// <summary>Asks the families first that are called most like the model: .NET compiles the code of each table that is made, which takes a tenth of a second for all of them.</summary>
    private static ModelEntry? TryFind(string name)
        => s_families.OrderByDescending(family => family.Likeness(name)).Select(family => family.Models.GetValueOrDefault(name)).FirstOrDefault(model => model is not null);

    /// <summary>A family, whose table is made when it is first needed.</summary>
    private sealed class Family(string name, Func<IEnumerable<ModelEntry>> models)
    {
        private readonly Lazy<Dictionary<string, ModelEntry>> _models = new(() => models().ToDictionary(model => model.Name));

        public Dictionary<string, ModelEntry> Models => _models.Value;

        /// <summary>Number of first letters and digits that a model's name has in common with the family's.</summary>
        public int Likeness(string model)
        {
            int common = 0;
            foreach (char letter in model)
            {
                if (!char.IsAsciiLetterOrDigit(letter))
                    continue;
                if (common == name.Length || char.ToLowerInvariant(name[common]) != char.ToLowerInvariant(letter))
                    break;
                common++;
            }
            return common;
        }
    }
}
