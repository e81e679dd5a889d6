using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Engines.Reference;

namespace Backbones.Conformance.Tests;

/// <summary>
/// timm's and torchvision's reference numbers: names, shapes and counts of every model, and the outputs of small models of every family.
/// <c>./test.sh --all</c> runs every line in full.
/// </summary>
[TestClass]
public sealed class ModelLineTests
{
    internal static string Data { get; } = Path.Combine(FindRoot(), "test", "data", "conformance");

    // Checksums of recipe weights follow from names and shapes: the quick tests make them for small models.
    [ClassInitialize]
    public static void ChooseChecksums(TestContext context) => StateDictChecks.LargestChecksum = Environment.GetEnvironmentVariable("TIMM_FEATURES_TESTS") == "all" ? long.MaxValue : 3_000_000;

    public static IEnumerable<object[]> Families => Directory.EnumerateFiles(Path.Combine(Data, "models")).Order().Select(f => new object[] { Path.GetFileName(f)[..^".jsonl.gz".Length] });

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void Every_model_has_timms_keys_shapes_counts_and_levels(string family)
        => AssertPass(Path.Combine("models", $"{family}.jsonl.gz"), "*", engine: null);

    [TestMethod]
    [DataRow("resnet", "test_resnet")]
    [DataRow("resnet", "resnet18")]
    [DataRow("resnet", "ecaresnet26t")]
    [DataRow("resnet", "resnetblur18")]
    [DataRow("resnest", "resnest14d")]
    [DataRow("resnetv2", "resnetv2_18d")]
    [DataRow("senet", "legacy_seresnet18")]
    [DataRow("sknet", "skresnet18")]
    [DataRow("dla", "dla46_c")]
    [DataRow("byobnet", "repvgg_a0")]
    [DataRow("byoanet", "halonet26t")]
    [DataRow("nfnet", "test_nfnet")]
    [DataRow("vision_transformer_hybrid", "vit_tiny_r_s16_p8_224")]
    [DataRow("convnext", "test_convnext*")]
    [DataRow("convnext", "convnext_zepto_rms_ols")]
    [DataRow("convnext", "convnextv2_atto")]
    [DataRow("regnet", "regnety_002")]
    [DataRow("regnet", "regnetx_004_tv")]
    [DataRow("vovnet", "ese_vovnet19b_dw")]
    [DataRow("densenet", "densenet121")]
    [DataRow("vision_transformer", "test_vit*")]
    [DataRow("vision_transformer", "vit_dpwee_patch16_reg1_gap_256")]
    [DataRow("deit", "deit_tiny_distilled_patch16_224")]
    [DataRow("efficientnet", "test_efficientnet*")]
    [DataRow("efficientnet", "tinynet_e")]
    [DataRow("mobilenetv3", "mobilenetv3_small_050")]
    [DataRow("mobilenetv3", "lcnet_035")]
    [DataRow("starnet", "starnet_s050")]
    [DataRow("fasternet", "fasternet_t2")]
    [DataRow("shvit", "shvit_s2")]
    [DataRow("repghost", "repghostnet_050")]
    [DataRow("ghostnet", "ghostnet*_050")]
    [DataRow("rexnet", "rexnet_100")]
    [DataRow("hardcorenas", "hardcorenas_c")]
    [DataRow("hgnet", "hgnetv2_b0")]
    [DataRow("repvit", "repvit_m1")]
    [DataRow("fastvit", "fastvit_t8")]
    [DataRow("cpubone", "cpubone_nano")]
    [DataRow("csatv2", "csatv2")]
    [DataRow("visformer", "visformer_tiny")]
    [DataRow("mambaout", "mambaout_kobe")]
    [DataRow("edgenext", "edgenext_xx_small")]
    [DataRow("efficientformer", "efficientformer_l1")]
    [DataRow("efficientformer_v2", "efficientformerv2_s0")]
    [DataRow("efficientvit_mit", "efficientvit_b1")]
    [DataRow("efficientvit_msra", "efficientvit_m0")]
    [DataRow("levit", "levit_128s")]
    [DataRow("selecsls", "selecsls42b")]
    [DataRow("cspnet", "cs3darknet_focus_s")]
    [DataRow("pit", "pit_ti_distilled_224")]
    [DataRow("mlp_mixer", "resmlp_12_224")]
    [DataRow("convit", "convit_tiny")]
    [DataRow("tnt", "tnt_s_patch16_224")]
    [DataRow("crossvit", "crossvit_9_dagger_240")]
    [DataRow("vision_transformer_relpos", "vit_relpos_small_patch16_rpn_224")]
    [DataRow("metaformer", "poolformer_s12")]
    [DataRow("mobilevit", "mobilevit_xs")]
    [DataRow("mobilevit", "mobilevitv2_050")]
    [DataRow("swiftformer", "swiftformer_s")]
    [DataRow("coat", "coat_lite_tiny")]
    [DataRow("xcit", "xcit_nano_12_p16_224")]
    [DataRow("eva", "vit_tiny_patch16_dinov3_qkvb")]
    [DataRow("swin_transformer", "swin_tiny_patch4_window7_224")]
    [DataRow("swin_transformer_v2_cr", "swinv2_cr_tiny_ns_224")]
    [DataRow("tiny_vit", "tiny_vit_5m_224")]
    [DataRow("pvt_v2", "pvt_v2_b1")]
    [DataRow("hiera", "hiera_tiny_224")]
    [DataRow("gcvit", "gcvit_xxtiny")]
    [DataRow("maxxvit", "coatnet_nano_cc_224")]
    [DataRow("dpn", "dpn48b")]
    [DataRow("hrnet", "hrnet_w18_small_v2")]
    [DataRow("cait", "cait_xxs36_224")]
    [DataRow("volo", "volo_d1_224")]
    [DataRow("vitamin", "vitamin_small_224")]
    [DataRow("twins", "twins_pcpvt_small")]
    [DataRow("nest", "nest_tiny")]
    [DataRow("mvitv2", "mvitv2_tiny")]
    [DataRow("focalnet", "focalnet_tiny_lrf")]
    [DataRow("davit", "davit_tiny")]
    [DataRow("swin_transformer_v2", "swinv2_small_window8_256")]
    [DataRow("inception_v3", "inception_v3")]
    [DataRow("tresnet", "tresnet_m")]
    [DataRow("res2net", "res2net50_14w_8s")]
    [DataRow("sequencer", "sequencer2d_s")]
    [DataRow("hieradet_sam2", "hieradet_small")]
    public void Small_models_have_timms_outputs(string family, string model)
        => AssertPass(Path.Combine("models", $"{family}.jsonl.gz"), model, new ManagedEngine());

    [TestMethod]
    public void The_reference_engine_has_timms_outputs()
        => AssertPass(Path.Combine("models", "resnet.jsonl.gz"), "test_resnet", new ReferenceEngine());

    [TestMethod]
    [DataRow("resnet18/*")]
    [DataRow("resnet34/*")]
    [DataRow("resnet50/neg2")]
    [DataRow("resnet50/pool_*")]
    [DataRow("densenet121/*")]
    [DataRow("ese_vovnet19b_dw/*")]
    [DataRow("vit_small_patch16_224/*")]
    public void Variants_have_timms_outputs(string filter)
        => AssertPass("variants.jsonl", filter, new ManagedEngine());

    [TestMethod]
    [DataRow("alexnet")]
    [DataRow("convnext*")]
    [DataRow("densenet*")]
    [DataRow("efficientnet*")]
    [DataRow("inception*")]
    [DataRow("maxvit*")]
    [DataRow("mnasnet*")]
    [DataRow("mobilenet*")]
    [DataRow("regnet*")]
    [DataRow("resn*")]
    [DataRow("shufflenet*")]
    [DataRow("squeezenet*")]
    [DataRow("swin*")]
    [DataRow("vgg*")]
    [DataRow("vit*")]
    public void Torchvisions_models_have_its_node_names_shapes_and_kept_parameters(string models) => AssertPass("torchvision.json.gz", $"torchvision/{models}", engine: null);

    [TestMethod]
    [DataRow("torchvision/resnet18")]
    [DataRow("torchvision/resnet50_fpn")]
    [DataRow("torchvision/alexnet")]
    [DataRow("torchvision/convnext_tiny")]
    [DataRow("torchvision/densenet121")]
    [DataRow("torchvision/efficientnet_b0")]
    [DataRow("torchvision/inception_v3")]
    [DataRow("torchvision/maxvit_t")]
    [DataRow("torchvision/mnasnet1_0")]
    [DataRow("torchvision/mobilenet_v2")]
    [DataRow("torchvision/mobilenet_v3_large")]
    [DataRow("torchvision/regnet_y_400mf")]
    [DataRow("torchvision/shufflenet_v2_x1_0")]
    [DataRow("torchvision/squeezenet1_0")]
    [DataRow("torchvision/swin_t")]
    [DataRow("torchvision/swin_v2_t")]
    [DataRow("torchvision/vgg11")]
    [DataRow("torchvision/vit_b_16")]
    public void Torchvisions_models_have_its_outputs(string model) => AssertPass("torchvision.json.gz", model, new ManagedEngine());

    [TestMethod]
    public void A_file_of_torchvisions_models_alone_runs_and_one_without_any_fails()
    {
        ModelResult Run(string json)
        {
            using var document = System.Text.Json.JsonDocument.Parse(json);
            return TorchvisionRunner.Run(document.RootElement, "*", engine: null).Single();
        }

        Assert.AreEqual(new ModelResult(Outcome.Missing, "torchvision/resnet51 missing"), Run("""{ "models": { "resnet51": {} } }"""));
        Assert.AreEqual(Outcome.Failed, Run("""{ "models": { "resnet18": { "params": 1 } } }""").Outcome);
        StringAssert.Contains(Run("{}").Text, "neither 'models' nor 'resnet50_fpn'");
    }

    private static void AssertPass(string file, string filter, IEngine? engine)
    {
        ModelResult[] results = [.. ReferenceFile.Run(Path.Combine(Data, file), filter, engine)];
        Assert.IsNotEmpty(results);
        string[] wrong = [.. results.Where(r => r.Outcome != Outcome.Passed).Select(r => r.Text)];
        Assert.IsEmpty(wrong, string.Join(Environment.NewLine, wrong));
    }

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "TimmFeatures.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new DirectoryNotFoundException($"There is no TimmFeatures.sln above {AppContext.BaseDirectory}.");
    }
}
