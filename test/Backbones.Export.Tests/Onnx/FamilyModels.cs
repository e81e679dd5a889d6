using Backbones.Graphs;
using Backbones.Models;
using Backbones.Registry;

namespace Backbones.Tests.Onnx;

/// <summary>A small model of every family, with everything that can be selected of it as one graph.</summary>
internal static class FamilyModels
{
    /// <summary>Small models by their families' names, none whose sums of branches amplify rounding with these weights (GhostNet V3, RepViT's first). Of a family that is not here, its test models are taken, or its smallest.</summary>
    private static readonly Dictionary<string, string[]> s_chosen = new()
    {
        ["resnet"] = ["test_resnet", "ecaresnet26t", "resnetblur18"],
        ["resnest"] = ["resnest14d"],
        ["convnext"] = ["test_convnext", "test_convnext2", "convnext_atto_ols"],
        ["vision_transformer"] = ["test_vit", "test_vit2", "test_vit3", "test_vit4", "vit_tiny_patch16_224"],
        ["deit"] = ["deit_tiny_distilled_patch16_224"],
        ["regnet"] = ["regnety_002"],
        ["densenet"] = ["densenet121"],
        ["vovnet"] = ["ese_vovnet19b_slim_dw"],
        ["xception"] = ["legacy_xception"],
        ["xception_aligned"] = ["xception41p"],
        ["torchvision"] = ["torchvision/resnet18", "torchvision/mobilenet_v3_small", "torchvision/shufflenet_v2_x0_5", "torchvision/squeezenet1_1", "torchvision/regnet_y_400mf",
            "torchvision/convnext_tiny", "torchvision/swin_t", "torchvision/swin_v2_t", "torchvision/maxvit_t", "torchvision/vit_b_32"],
        ["efficientnet"] = ["test_efficientnet", "test_efficientnet_evos", "efficientnet_cc_b0_4e", "mixnet_s"],
        ["mobilenetv3"] = ["tf_mobilenetv3_small_minimal_100", "mobilenetv4_hybrid_medium_075"],
        ["beit"] = ["beit_base_patch16_224"],
        ["cait"] = ["cait_xxs24_224"],
        ["convit"] = ["convit_tiny"],
        ["cpubone"] = ["cpubone_nano"],
        ["crossvit"] = ["crossvit_9_dagger_240"],
        ["cspnet"] = ["cs3darknet_focus_s", "darknet17"],
        ["eva"] = ["eva02_tiny_patch14_224", "vit_tiny_patch16_dinov3_qkvb", "vit_small_patch16_rope_mixed_224"],
        ["gemma4_vit"] = ["gemma4_vit_570m_enc"],
        ["fasternet"] = ["fasternet_t0"],
        ["fastvit"] = ["fastvit_t8", "fastvit_sa12"],
        ["ghostnet"] = ["ghostnet_050", "ghostnetv2_100"],
        ["hgnet"] = ["hgnetv2_b0", "hgnet_tiny"],
        ["hrnet"] = ["hrnet_w18_small"],
        ["davit"] = ["davit_tiny"],
        ["focalnet"] = ["focalnet_tiny_srf"],
        ["gcvit"] = ["gcvit_xxtiny"],
        ["hiera"] = ["hiera_tiny_224"],
        ["hieradet_sam2"] = ["hieradet_small"],
        ["maxxvit"] = ["coatnet_nano_cc_224", "maxvit_rmlp_pico_rw_256"],
        ["coat"] = ["coat_mini", "coat_lite_tiny"],
        ["edgenext"] = ["edgenext_xx_small"],
        ["efficientvit_mit"] = ["efficientvit_b0"],
        ["levit"] = ["levit_128s", "levit_conv_128s"],
        ["metaformer"] = ["poolformer_s12", "caformer_s18"],
        ["mobilevit"] = ["mobilevit_xxs", "mobilevitv2_050"],
        ["nextvit"] = ["nextvit_small"],
        ["swiftformer"] = ["swiftformer_xs"],
        ["vitamin"] = ["vitamin_small_224"],
        ["xcit"] = ["xcit_nano_12_p16_224"],
        ["mlp_mixer"] = ["mixer_s32_224", "resmlp_12_224", "gmlp_ti16_224"],
        ["mobilenetv5"] = ["mobilenetv5_base"],
        ["mvitv2"] = ["mvitv2_tiny"],
        ["nest"] = ["nest_tiny_jx"],
        ["pit"] = ["pit_ti_distilled_224"],
        ["pvt_v2"] = ["pvt_v2_b0", "pvt_v2_b2_li"],
        ["rdnet"] = ["rdnet_tiny"],
        ["repvit"] = ["repvit_m0_9"],
        ["selecsls"] = ["selecsls42b"],
        ["sequencer"] = ["sequencer2d_s"],
        ["swin_transformer"] = ["swin_tiny_patch4_window7_224"],
        ["swin_transformer_v2"] = ["swinv2_tiny_window8_256"],
        ["swin_transformer_v2_cr"] = ["swinv2_cr_tiny_224"],
        ["tiny_vit"] = ["tiny_vit_5m_224"],
        ["tnt"] = ["tnt_s_patch16_224"],
        ["tresnet"] = ["tresnet_m"],
        ["vision_transformer_sam"] = ["samvit_base_patch16_224"],
        ["twins"] = ["twins_svt_small"],
        ["visformer"] = ["visformer_tiny"],
        ["vision_transformer_relpos"] = ["vit_relpos_small_patch16_rpn_224"],
        ["resnetv2"] = ["resnetv2_18d", "resnetv2_50d_gn"],
        ["vgg"] = ["vgg11_bn"],
        ["senet"] = ["legacy_seresnet18"],
        ["sknet"] = ["skresnet18"],
        ["res2net"] = ["res2net50_48w_2s"],
        ["dpn"] = ["dpn48b"],
        ["dla"] = ["dla46_c"],
        ["byobnet"] = ["test_byobnet", "repvgg_a0", "mobileone_s1", "regnetz_b16_evos", "bat_resnext26ts"],
        ["byoanet"] = ["botnet26t_256", "halonet26t", "lambda_resnet26t", "lambda_resnet26rpt_256"],
        ["nfnet"] = ["test_nfnet", "nf_regnet_b0", "dm_nfnet_f0"],
        ["vision_transformer_hybrid"] = ["vit_tiny_r_s16_p8_224", "vit_small_r26_s32_224"],
    };

    /// <summary>Where a family has no small model: some blocks of one, over a small image.</summary>
    private static readonly Dictionary<string, (Func<object, object> Config, Size2 ImageSize)> s_cutDown = new()
    {
        ["gemma4_vit_570m_enc"] = (config => (Gemma4Vit.Config)config with { Depth = 3 }, 96),
        // A map smaller than the 7×7 that the head was trained for.
        ["vgg11_bn"] = (config => (Vgg.Config)config with { HeadHiddenSize = 64 }, 96),
        ["dm_nfnet_f0"] = (config => (NfNet.Config)config with { Depths = [1, 1, 1, 1], Channels = [64, 64, 128, 128], GroupSize = 32, NumFeatures = 256 }, 96),
        ["torchvision/convnext_tiny"] = (config => (TorchvisionConvNeXt.Config)config with { Depths = [1, 1, 2, 1] }, 96),
        ["torchvision/swin_t"] = (config => (TorchvisionSwin.Config)config with { Depths = [2, 2, 2, 2] }, 112),
        ["torchvision/swin_v2_t"] = (config => (TorchvisionSwin.Config)config with { Depths = [2, 2, 2, 2] }, 112),
        ["torchvision/maxvit_t"] = (config => (TorchvisionMaxViT.Config)config with { Layers = [1, 1, 1, 1] }, 224),
        ["torchvision/vit_b_32"] = (config => (TorchvisionVisionTransformer.Config)config with { Layers = 3 }, 96),
        ["vit_small_r26_s32_224"] = (config => (VisionTransformer.Config)config with { Depth = 3 }, 96),
    };

    /// <summary>Gain of the convolutions' made-up weights: 1, and less for families that amplify roundings with it (PyTorch's own, too: two have less in the reference numbers for that reason, the third has ten times the usual noise).</summary>
    public static double Gain(string model) => ModelNames.ModuleOf(model) is "efficientvit_msra" or "nextvit" or "visformer" ? 0.5 : 1;

    /// <summary>Names of models, between them every family; without <c>./test.sh --all</c> only those of at most 8 million parameters.</summary>
    public static IEnumerable<string> Names => ModelCatalog.Names.GroupBy(ModelNames.ModuleOf).SelectMany(f =>
    {
        if (s_chosen.TryGetValue(f.Key, out string[]? chosen))
            return chosen;
        string[] small = [.. f.Where(n => n.StartsWith("test_", StringComparison.Ordinal))];
        return small.Length > 0 ? small : [f.MinBy(n => LikelyModel.Sizes[n].Elements)!];
    }).Where(n => Environment.GetEnvironmentVariable("TIMM_FEATURES_TESTS") == "all" || LikelyModel.Sizes[n].Elements <= 8_000_000);

    /// <summary>Every feature mechanism that the model has, merged into one graph with outputs named after mechanism and feature.</summary>
    public static (Graph Graph, string[] Names) Everything(string model)
    {
        ModelEntry entry = ModelCatalog.Find(model);
        BackboneGraph backbone = s_cutDown.TryGetValue(model, out (Func<object, object> Config, Size2 ImageSize) cut)
            ? entry.WithConfig(cut.Config(entry.Config)).Build(new BuildOptions { ImageSize = cut.ImageSize })
            : entry.Build(BuildOptions.Default);
        var selections = new List<(string Name, FeatureSelection Selection)> { ("logits", FeatureSelection.Logits), ("unpooled", FeatureSelection.Unpooled) };
        if (backbone.HasPyramid)
            selections.Add(("pyramid", FeatureSelection.Pyramid()));
        if (backbone.Intermediates is not null)
            selections.Add(("intermediates", FeatureSelection.Intermediates(returnPrefixTokens: true, norm: backbone.Intermediates.Value[0].Norm is not null)));
        SelectedFeatures[] selected = [.. selections.Select(s => SelectedFeatures.Choose(backbone, s.Selection))];
        return (SelectedFeatures.Merge(selected).Graph, [.. selections.Zip(selected).SelectMany(s => s.Second.Outputs.Select(o => $"{s.First.Name}.{o.Name}"))]);
    }
}
