using Backbones.Graphs;
using Backbones.Registry;
using Backbones.Tests.Weights;
using Backbones.Weights;

namespace Backbones.Tests.Features;

/// <summary>Backbones made with arguments that weights bring in the <c>model_args</c> of their config.</summary>
[TestClass]
public sealed class ModelArgsTests
{
    private static PretrainedConfig Config { get; } = ModelNames.GetConfig("resnet18") with { InputSize = [3, 32, 32], Layers = [1, 1, 1, 2], MeanImage = true, NumClasses = 0 };

    [TestMethod]
    public void LayersAreTheBlocksOfTheStages()
    {
        using Backbone backbone = Backbone.FromParameters(Config, ParameterStore.FromTensors([]));
        string[] keys = [.. backbone.Graph.Parameters.Select(p => p.Name)];
        Assert.Contains("layer4.1.conv2.weight", keys);
        Assert.DoesNotContain("layer1.1.conv1.weight", keys);
        Assert.DoesNotContain("fc.weight", keys);
    }

    [TestMethod]
    public void WeightsThatAreThereAlreadyCanHaveAnotherConfigToo()
    {
        var options = new BackboneOptions { ConfigOverlay = config => config with { Layers = [1, 1, 1, 1] } };
        using Backbone backbone = Backbone.FromParameters(Config, ParameterStore.FromTensors([]), options);
        Assert.DoesNotContain("layer4.1.conv2.weight", backbone.Graph.Parameters.Select(p => p.Name));
        Assert.ThrowsExactly<ArgumentNullException>(() => Backbone.FromParameters(null!, ParameterStore.FromTensors([])));
        Assert.ThrowsExactly<ArgumentNullException>(() => Backbone.FromParameters(Config, null!));
    }

    [TestMethod]
    public void LayersThatTheModelCannotHaveAreRefused()
    {
        StringAssert.Contains(Refusal(Config with { Layers = [1, 1, 1] }), "'layers' of the config's 'model_args' is [1,1,1]; for 'resnet18' it must be a list of 4 whole numbers, one for each stage.");
        StringAssert.Contains(Refusal(ModelNames.GetConfig("vgg11") with { Layers = [1] }), "'layers' ([1]), which 'vgg11' does not take");
    }

    /// <summary>What is subtracted in the graph is as good as subtracted from the input.</summary>
    [TestMethod]
    public void TheMeanImageIsSubtractedFromTheInput()
    {
        using ParameterStore weights = RecipeFor(Config);
        float[] mean = weights["mean_image"].ToArray(), input = [.. Enumerable.Range(0, mean.Length).Select(i => MathF.Sin(i))];
        using Backbone with = Backbone.FromParameters(Config, weights), without = Backbone.FromParameters(Config with { MeanImage = false }, weights);
        float[] expected = Run(without, [.. input.Zip(mean, (x, m) => x - m)]), actual = Run(with, input);
        for (int i = 0; i < expected.Length; i++)
            Assert.AreEqual(expected[i], actual[i], 1e-5f);
        Assert.AreNotEqual(Run(without, input)[0], actual[0], 1e-3f);
    }

    /// <summary>A mean image of one colour is that colour at any size.</summary>
    [TestMethod]
    public void TheMeanImageIsResizedWithTheInput()
    {
        using ParameterStore weights = RecipeFor(Config), grey = weights.WithTensors(weights.Tensors.Select(t => t.Name == "mean_image" ? new MemoryTensor(t.Name, t.Shape, [.. Enumerable.Repeat(0.25f, t.Length)]) : t));
        var larger = new BackboneOptions { ImageSize = 48 };
        float[] input = [.. Enumerable.Range(0, 3 * 48 * 48).Select(i => MathF.Sin(i))];
        using Backbone with = Backbone.FromParameters(Config, grey, larger), without = Backbone.FromParameters(Config with { MeanImage = false }, grey, larger);
        float[] expected = Run(without, [.. input.Select(x => x - 0.25f)]), actual = Run(with, input);
        for (int i = 0; i < expected.Length; i++)
            Assert.AreEqual(expected[i], actual[i], 1e-5f);
        using Backbone monochrome = Backbone.FromParameters(Config, grey, new BackboneOptions { InChannels = 1 });
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => monochrome.Select(FeatureSelection.Pooled())).Message, "'mean_image' [3, 32, 32] is of 3 channels, the input of 1");
    }

    /// <summary>A folder that is written has the arguments, and its weights fit.</summary>
    [TestMethod]
    public void AFolderThatIsWrittenIsReadBack()
    {
        using TemporaryFolder folder = new();
        using ParameterStore weights = RecipeFor(Config);
        ModelFolder.Write(folder.File("model"), Config with { Tag = "here", License = "mit" }, 512, path => SafetensorsWriter.Write(path, weights.Tensors));
        using Backbone read = Backbone.Create($"local-dir:{folder.File("model")}");
        Assert.AreEqual("resnet18.here", read.Name);
        Assert.AreEqual("mit", read.Config.License);
        Assert.IsTrue(read.Config.Layers.SequenceEqual(Config.Layers));
        Assert.IsTrue(read.Config.MeanImage);
        Assert.HasCount(weights.Tensors.Length, read.Parameters.Tensors);
    }

    /// <summary>A vision transformer made with the arguments of another variant is that variant.</summary>
    [TestMethod]
    [DataRow("test_vit", """{"depth":8,"init_values":1e-5,"class_token":false,"reg_tokens":1,"global_pool":"avg"}""", "test_vit2")]
    [DataRow("vit_tiny_patch16_224", """{"depth":6,"embed_dim":64,"num_heads":2,"mlp_ratio":3,"img_size":160,"dynamic_img_size":true}""", "test_vit")]
    [DataRow("vit_giant_patch14_224", """{"embed_dim":1536,"num_heads":24,"mlp_ratio":5.33334,"mlp_layer":"SwiGLUPacked","act_layer":"silu","init_values":1e-5,"reg_tokens":4,"no_embed_class":true,"img_size":518,"num_classes":0}""", "vit_giant_patch14_reg4_dinov2")]
    [DataRow("vit_base_patch16_224", """{"qkv_bias":false,"qk_norm":true,"class_token":false,"fc_norm":false,"global_pool":"avg"}""", null)]
    [DataRow("deit_base_patch16_224", """{"no_embed_class":true,"init_values":1e-6}""", "deit3_base_patch16_224")]
    [DataRow("eva02_base_patch14_448", """{"depth":24,"embed_dim":1024,"num_heads":16}""", "eva02_large_patch14_448")]
    [DataRow("vit_small_patch16_dinov3", """{"embed_dim":768,"num_heads":12,"qkv_bias":true}""", "vit_base_patch16_dinov3_qkvb")]
    [DataRow("swin_base_patch4_window7_224", """{"window_size":12,"img_size":384}""", "swin_base_patch4_window12_384")]
    [DataRow("swinv2_tiny_window8_256", """{"window_size":16}""", "swinv2_tiny_window16_256")]
    [DataRow("test_vit2", """{"embed_dim":96,"depth":9,"num_heads":3,"norm_layer":"rmsnorm"}""", "test_vit4")]
    [DataRow("vit_wee_patch16_reg1_gap_256", """{"attn_layer":"diff"}""", "vit_dwee_patch16_reg1_gap_256")]
    [DataRow("vit_large_patch14_224", """{"num_heads":8,"mlp_ratio":2.75,"mlp_layer":"SwiGLU","act_layer":"silu","qkv_bias":false,"proj_bias":false,"norm_layer":"rmsnorm","embed_norm_layer":"rmsnorm","class_token":false,"fc_norm":false,"global_pool":"avg","num_classes":0}""", "aimv2_large_patch14_224")]
    [DataRow("vit_base_patch16_rope_224", """{"use_abs_pos_emb":true,"no_embed_class":true}""", "vit_base_patch16_rope_ape_224")]
    [DataRow("vit_small_patch16_dinov3", """{"swiglu_mlp":true,"swiglu_align_to":8}""", "vit_small_plus_patch16_dinov3")]
    [DataRow("eva02_base_patch14_224", """{"patch_size":16,"scale_attn_inner":true,"global_pool":"token","num_classes":512}""", "eva02_base_patch16_clip_224")]
    [DataRow("vit_pe_core_base_patch16_224", """{"use_fc_norm":false,"use_post_transformer_norm":false,"global_pool":"avg","num_classes":0,"img_size":512}""", "vit_pe_spatial_base_patch16_512")]
    [DataRow("vit_base_resnet26d_224", """{"depth":8,"num_heads":8,"mlp_ratio":3}""", "vit_small_resnet26d_224")]
    [DataRow("vit_relpos_small_patch16_224", """{"fc_norm":false,"shared_rel_pos":true,"rel_pos_dim":384}""", "vit_srelpos_small_patch16_224")]
    [DataRow("vit_relpos_small_patch16_224", """{"fc_norm":false,"embed_dim":768,"num_heads":12,"class_token":true,"global_pool":"token"}""", "vit_relpos_base_patch16_cls_224")]
    [DataRow("samvit_base_patch16", """{"embed_dim":1024,"depth":24,"num_heads":16,"global_attn_indexes":[5,11,17,23]}""", "samvit_large_patch16")]
    [DataRow("beit_base_patch16_224", """{"embed_dim":1024,"depth":24,"num_heads":16,"img_size":512}""", "beit_large_patch16_512")]
    [DataRow("cait_xxs24_224", """{"embed_dim":384,"depth":36,"num_heads":8,"img_size":384}""", "cait_s36_384")]
    [DataRow("xcit_nano_12_p16_224", """{"embed_dim":192,"depth":24,"patch_size":8,"tokens_norm":true}""", "xcit_tiny_24_p8_224")]
    [DataRow("swin_tiny_patch4_window7_224", """{"embed_dim":128,"depths":[2,2,18,2],"num_heads":[4,8,16,32]}""", "swin_base_patch4_window7_224")]
    [DataRow("swin_tiny_patch4_window7_224", """{"window_size":[7,7,14,7]}""", "swin_s3_tiny_224")]
    [DataRow("swinv2_tiny_window8_256", """{"window_size":24,"embed_dim":128,"depths":[2,2,18,2],"num_heads":[4,8,16,32],"img_size":384,"pretrained_window_sizes":[12,12,12,6]}""", "swinv2_base_window12to24_192to384")]
    [DataRow("swinv2_cr_tiny_224", """{"depths":[2,2,18,2],"extra_norm_stage":true,"img_size":256}""", "swinv2_cr_small_ns_256")]
    [DataRow("swinv2_cr_tiny_224", """{"embed_dim":512,"depths":[2,2,42,2],"num_heads":[16,32,64,128],"extra_norm_period":6}""", "swinv2_cr_giant_224")]
    [DataRow("convnext_tiny", """{"depths":[3,3,27,3],"dims":[128,256,512,1024]}""", "convnext_base")]
    [DataRow("convnext_tiny", """{"conv_mlp":true,"head_norm_first":true}""", "convnext_tiny_hnf")]
    [DataRow("convnext_large", """{"head_hidden_size":1536}""", "convnext_large_mlp")]
    [DataRow("convnext_nano", """{"stem_type":"overlap"}""", "convnext_nano_ols")]
    [DataRow("test_convnext2", """{"kernel_sizes":[7,5,5,3],"act_layer":"silu"}""", "test_convnext3")]
    [DataRow("regnetx_002", """{"depth":27,"w0":48,"wa":20.71,"wm":2.65,"group_size":24,"se_ratio":0.25}""", "regnety_016")]
    [DataRow("regnety_040", """{"preact":true,"act_layer":"silu"}""", "regnetv_040")]
    [DataRow("regnetz_040", """{"num_features":1536}""", "regnetz_040_h")]
    [DataRow("maxvit_nano_rw_256", """{"depths":[2,2,5,2],"transformer_rel_pos_type":"mlp"}""", "maxvit_rmlp_tiny_rw_256")]
    [DataRow("maxvit_rmlp_tiny_rw_256", """{"embed_dim":[96,192,384,768],"stem_width":[32,64],"depths":[2,6,14,2],"head_hidden_size":768,"img_size":224}""", "maxvit_rmlp_base_rw_224")]
    [DataRow("maxvit_tiny_tf_224", """{"embed_dim":[128,256,512,1024],"depths":[2,6,14,2],"stem_width":128,"head_hidden_size":1024}""", "maxvit_large_tf_224")]
    [DataRow("maxvit_rmlp_tiny_rw_256", """{"embed_dim":[96,192,384,768],"stem_width":[32,64],"transformer_init_values":1e-6}""", "maxvit_rmlp_small_rw_256")]
    [DataRow("coatnet_nano_rw_224", """{"transformer_rel_pos_type":"mlp","transformer_rel_pos_dim":384}""", "coatnet_rmlp_nano_rw_224")]
    [DataRow("naflexvit_base_patch16_gap", """{"embed_dim":832,"depth":21,"num_heads":13,"mlp_ratio":2.61539,"qkv_bias":false,"reg_tokens":1}""", "naflexvit_so150m2_patch16_reg1_gap")]
    [DataRow("naflexvit_base_patch16_gap", """{"pos_embed":"factorized","pos_embed_ar_preserving":true}""", "naflexvit_base_patch16_parfac_gap")]
    [DataRow("resnet50", """{"cardinality":32,"base_width":4}""", "resnext50_32x4d")]
    [DataRow("resnet50", """{"layers":[3,24,36,3],"stem_type":"deep","stem_width":32,"avg_down":true}""", "resnet200d")]
    [DataRow("davit_tiny", """{"depths":[1,1,9,1]}""", "davit_small")]
    [DataRow("densenet121", """{"growth_rate":48,"block_config":[6,12,36,24]}""", "densenet161")]
    [DataRow("edgenext_x_small", """{"dims":[24,48,88,168],"depths":[2,2,6,2]}""", "edgenext_xx_small")]
    [DataRow("hiera_tiny_224", """{"embed_dim":144,"num_heads":2,"stages":[2,6,36,4]}""", "hiera_large_224")]
    [DataRow("inception_next_tiny", """{"dims":[128,256,512,1024],"depths":[3,3,27,3]}""", "inception_next_base")]
    [DataRow("mambaout_femto", """{"dims":[128,256,512,768],"depths":[3,4,27,3]}""", "mambaout_base")]
    [DataRow("pvt_v2_b0", """{"embed_dims":[64,128,320,512],"depths":[3,4,6,3],"linear":true}""", "pvt_v2_b2_li")]
    [DataRow("twins_svt_small", """{"embed_dims":[128,256,512,1024],"depths":[2,2,18,2],"num_heads":[4,8,16,32]}""", "twins_svt_large")]
    [DataRow("fastvit_t8", """{"embed_dims":[64,128,256,512],"layers":[2,2,6,2],"mlp_ratios":[4,4,4,4]}""", "fastvit_s12")]
    [DataRow("fastvit_sa24", """{"layers":[4,12,20,4],"mlp_ratios":[3,3,3,3],"se_downsamples":[false,false,true,true],"lkc_use_act":true,"num_classes":512}""", "fastvit_mci1")]
    [DataRow("tiny_vit_5m_224", """{"embed_dims":[96,192,384,576],"num_heads":[3,6,12,18],"window_sizes":[12,12,24,12],"img_size":384,"num_classes":1000}""", "tiny_vit_21m_384")]
    [DataRow("coat_lite_tiny", """{"embed_dims":[128,256,320,512],"serial_depths":[3,6,10,8],"mlp_ratios":[4,4,4,4]}""", "coat_lite_medium")]
    [DataRow("levit_128s", """{"embed_dim":[256,384,512],"key_dim":32,"depth":[4,4,4],"num_heads":[4,6,8]}""", "levit_256")]
    [DataRow("levit_384", """{"stem_type":"s8","act_layer":"silu","use_conv":true}""", "levit_conv_384_s8")]
    [DataRow("efficientvit_b1", """{"widths":[24,48,96,192,384],"depths":[1,3,4,4,6],"head_dim":32,"head_widths":[2304,2560]}""", "efficientvit_b2")]
    [DataRow("efficientvit_m0", """{"embed_dim":[192,288,384],"depth":[1,3,4],"num_heads":[3,3,4],"kernels":[7,5,3,3]}""", "efficientvit_m5")]
    [DataRow("nf_regnet_b0", """{"depths":[2,4,8,8],"channels":[56,112,232,488],"num_features":1419}""", "nf_regnet_b2")]
    [DataRow("resnet32ts", """{"num_features":1280}""", "resnet33ts")]
    [DataRow("nextvit_small", """{"depths":[3,4,20,3]}""", "nextvit_base")]
    [DataRow("repvit_m0_9", """{"embed_dim":[64,128,256,512],"depth":[4,4,18,2],"legacy":true}""", "repvit_m3")]
    [DataRow("shvit_s1", """{"embed_dim":[224,336,448],"partial_dim":[48,72,96],"depth":[4,7,6]}""", "shvit_s4")]
    [DataRow("starnet_s1", """{"base_dim":16,"depths":[1,1,3,1],"mlp_ratio":3}""", "starnet_s050")]
    [DataRow("focalnet_tiny_srf", """{"focal_levels":[3,3,3,3]}""", "focalnet_tiny_lrf")]
    [DataRow("vovnet39a", """{"residual":true,"attn":"ese"}""", "ese_vovnet39b")]
    [DataRow("ese_vovnet19b_dw", """{"stage_conv_chs":[64,80,96,112],"stage_out_chs":[112,256,384,512],"depthwise":false,"stem_chs":[64,64,128]}""", "ese_vovnet19b_slim")]
    [DataRow("rexnet_100", """{"width_mult":1.3,"ch_div":8}""", "rexnetr_130")]
    [DataRow("dla60", """{"levels":[1,1,1,3,4,1],"cardinality":32,"base_width":4}""", "dla102x")]
    [DataRow("dpn92", """{"k_sec":[4,8,20,3],"inc_sec":[20,64,64,128],"num_init_features":128,"k_r":200,"groups":50}""", "dpn107")]
    [DataRow("dpn68", """{"b":true}""", "dpn68b")]
    [DataRow("vit_base_patch16_rope_224", """{"rope_type":"mixed","rope_temperature":10}""", "vit_base_patch16_rope_mixed_224")]
    [DataRow("eva02_tiny_patch14_224", """{"embed_dim":768,"num_heads":12,"qkv_fused":false,"scale_mlp":true}""", "eva02_base_patch14_224")]
    [DataRow("davit_tiny", """{"embed_dims":[128,256,512,1024],"num_heads":[4,8,16,32],"depths":[1,1,9,1]}""", "davit_base")]
    [DataRow("edgenext_x_small", """{"dims":[48,96,192,384],"stem_type":"overlap","conv_bias":false,"downsample_block":true,"heads":[8,8,8,8]}""", "edgenext_small_rw")]
    [DataRow("twins_pcpvt_small", """{"embed_dims":[64,128,256,512],"depths":[2,2,10,4],"num_heads":[2,4,8,16],"mlp_ratios":[4,4,4,4],"wss":[7,7,7,7]}""", "twins_svt_small")]
    [DataRow("pvt_v2_b3", """{"depths":[3,6,40,3],"mlp_ratios":[4,4,4,4]}""", "pvt_v2_b5")]
    [DataRow("resnetv2_50", """{"layers":[3,4,23,3],"stem_type":"deep","avg_down":true}""", "resnetv2_101d")]
    [DataRow("resnetv2_50", """{"channels":[64,128,256,512],"basic":true,"bottle_ratio":1}""", "resnetv2_34")]
    [DataRow("efficientformer_l1", """{"depths":[4,4,12,6],"embed_dims":[64,128,320,512],"num_vit":4}""", "efficientformer_l3")]
    [DataRow("swiftformer_xs", """{"layers":[4,3,10,5],"embed_dims":[48,96,192,384]}""", "swiftformer_l1")]
    [DataRow("convit_tiny", """{"num_heads":9}""", "convit_small")]
    [DataRow("sam2_hiera_tiny", """{"embed_dim":144,"num_heads":2,"stages":[2,6,36,4],"window_spec":[8,4,16,8],"global_att_blocks":[23,33,43],"img_size":1024}""", "sam2_hiera_large")]
    [DataRow("pit_ti_224", """{"patch_size":14,"stride":7,"base_dims":[64,64,64],"depth":[3,6,4],"heads":[4,8,16]}""", "pit_b_224")]
    [DataRow("tnt_s_patch16_224", """{"embed_dim":640,"inner_dim":40,"num_heads_outer":10}""", "tnt_b_patch16_224")]
    [DataRow("tresnet_m", """{"layers":[4,5,18,3],"width_factor":1.2}""", "tresnet_l")]
    [DataRow("rdnet_small", """{"growth_rates":[96,128,168,168,168,168,168,168,168,336,336],"num_init_features":120}""", "rdnet_base")]
    [DataRow("fasternet_t0", """{"embed_dim":128,"depths":[1,2,13,2]}""", "fasternet_s")]
    [DataRow("visformer_tiny", """{"embed_dim":384,"init_channels":32,"num_heads":6}""", "visformer_small")]
    [DataRow("legacy_seresnet50", """{"layers":[3,4,23,3]}""", "legacy_seresnet101")]
    [DataRow("csatv2", """{"dims":[48,96,224,448],"depths":[3,3,10,8],"transformer_depths":[0,0,4,3],"img_size":640}""", "csatv2_21m")]
    [DataRow("cpubone_nano", """{"width_list":[14,28,56,112,224],"depth_list":[0,1,1,2,3]}""", "cpubone_s0")]
    public void ArgumentsOfTheFamilyMakeAnotherVariant(string name, string arguments, string? variant)
    {
        PretrainedConfig config = ModelNames.GetConfig(name).WithModelArgs(arguments);
        string[] expected = variant is not null ? Keys(ModelNames.GetConfig(variant)) : [.. Keys(ModelNames.GetConfig(name)).Where(k => k is not "cls_token [1, 1, 768]" && !k.Contains("qkv.bias"))
            .Select(k => k.Replace("pos_embed [1, 197,", "pos_embed [1, 196,"))];
        string[] actual = Keys(config);
        CollectionAssert.AreEquivalent(expected, variant is not null ? actual : [.. actual.Where(k => !k.Contains("_norm."))]);
        Assert.AreEqual(variant is null ? 48 : 0, actual.Count(k => k.Contains("attn.q_norm.") || k.Contains("attn.k_norm.")));
        CollectionAssert.AreEqual(actual, Keys(PretrainedConfigWriter.FromJson(PretrainedConfigWriter.ToJson(config))));
    }

    /// <summary>Also the values are the variant's.</summary>
    [TestMethod]
    [DataRow("test_convnext2", """{"kernel_sizes":[7,5,5,3],"act_layer":"silu"}""", "test_convnext3", "{}")]
    [DataRow("test_vit2", """{"embed_dim":96,"depth":9,"num_heads":3,"norm_layer":"rmsnorm"}""", "test_vit4", "{}")]
    [DataRow("vit_pe_core_tiny_patch16_384", """{"depth":1,"ref_feat_shape":[32,32],"use_fc_norm":false,"use_post_transformer_norm":false,"global_pool":"avg","img_size":96}""", "vit_pe_spatial_tiny_patch16_512", """{"depth":1,"img_size":96}""")]
    [DataRow("vit_base_patch16_rope_reg1_gap_256", """{"depth":1,"rope_temperature":100,"ref_feat_shape":4,"img_size":64}""", "vit_base_patch16_rope_reg1_gap_256", """{"depth":1,"rope_temperature":1e2,"ref_feat_shape":[4,4],"img_size":64}""")]
    [DataRow("swinv2_base_window16_256", """{"depths":[1,1,1,1],"pretrained_window_sizes":[12,12,12,6]}""", "swinv2_base_window12to16_192to256", """{"depths":[1,1,1,1]}""")]
    [DataRow("regnety_040", """{"depth":7,"wa":120,"preact":true,"act_layer":"silu"}""", "regnetv_040", """{"depth":7,"wa":120}""")]
    [DataRow("maxvit_nano_rw_256", """{"depths":[1,1,1,1],"transformer_rel_pos_type":"mlp","img_size":64}""", "maxvit_rmlp_nano_rw_256", """{"depths":[1,1,1,1],"img_size":64}""")]
    [DataRow("naflexvit_base_patch16_gap", """{"depth":1,"pos_embed":"factorized","pos_embed_ar_preserving":true,"img_size":[64,96]}""", "naflexvit_base_patch16_parfac_gap", """{"depth":1,"img_size":[64,96]}""")]
    [DataRow("xcit_nano_12_p16_224", """{"embed_dim":192,"depth":1,"tokens_norm":true,"img_size":64}""", "xcit_tiny_12_p16_224", """{"depth":1,"img_size":64}""")]
    [DataRow("vit_small_patch16_rope_mixed_224", """{"depth":1,"rope_type":"cat","rope_temperature":100,"rope_grid_indexing":"xy","img_size":64}""", "vit_small_patch16_rope_224", """{"depth":1,"img_size":64}""")]
    public void ArgumentsOfTheFamilyGiveTheValuesOfAnotherVariant(string name, string arguments, string variant, string variantArguments)
    {
        PretrainedConfig config = ModelNames.GetConfig(name).WithModelArgs(arguments), other = ModelNames.GetConfig(variant).WithModelArgs(variantArguments);
        using ParameterStore weights = RecipeFor(other);
        using Backbone made = Backbone.FromParameters(config, weights), same = Backbone.FromParameters(other, weights);
        float[] input = [.. Enumerable.Range(0, config.InputSize.Dimensions.ToArray().Aggregate(1, (a, d) => a * d)).Select(i => MathF.Sin(i))];
        float[] actual = Run(made, input, made.NumFeatures), expected = Run(same, input, made.NumFeatures);
        CollectionAssert.AreEqual(expected, actual);
        Assert.IsTrue(actual.All(float.IsFinite) && actual.Any(v => Math.Abs(v) > 1e-3f));
    }

    /// <summary>Arguments that no two variants differ in, or that change no parameter.</summary>
    [TestMethod]
    [DataRow("beit_base_patch16_224", "swiglu_mlp", "true")]
    [DataRow("beit_base_patch16_224", "scale_mlp", "true")]
    [DataRow("beit_base_patch16_224", "qkv_bias", "false")]
    [DataRow("beit_base_patch16_224", "init_values", "0")]
    [DataRow("beit_base_patch16_224", "mlp_ratio", "3")]
    [DataRow("cait_xxs24_224", "patch_size", "8")]
    [DataRow("cait_xxs24_224", "depth_token_only", "3")]
    [DataRow("xcit_nano_12_p16_224", "cls_attn_layers", "3")]
    [DataRow("samvit_base_patch16", "neck_chans", "128")]
    [DataRow("samvit_base_patch16", "use_abs_pos", "false")]
    [DataRow("vit_relpos_small_patch16_224", "qkv_bias", "true")]
    [DataRow("vit_relpos_small_patch16_224", "patch_size", "32")]
    [DataRow("vit_relpos_small_patch16_224", "depth", "3")]
    [DataRow("test_vit", "pos_embed", "\"none\"")]
    [DataRow("test_vit", "act_layer", "\"relu\"")]
    [DataRow("test_vit", "pre_norm", "true")]
    [DataRow("test_vit", "final_norm", "false")]
    [DataRow("test_vit2", "pool_include_prefix", "true")]
    [DataRow("eva02_tiny_patch14_224", "num_reg_tokens", "2")]
    [DataRow("eva02_tiny_patch14_224", "class_token", "false")]
    [DataRow("eva02_tiny_patch14_224", "use_post_norm", "true")]
    [DataRow("eva02_tiny_patch14_224", "use_pre_transformer_norm", "true")]
    [DataRow("swin_tiny_patch4_window7_224", "patch_size", "2")]
    [DataRow("convnext_tiny", "patch_size", "2")]
    [DataRow("convnext_tiny", "use_grn", "true")]
    [DataRow("convnext_tiny", "norm_eps", "1e-5")]
    [DataRow("convnext_tiny", "kernel_sizes", "3")]
    [DataRow("convnextv2_tiny", "ls_init_value", "0")]
    [DataRow("regnetx_002", "bottle_ratio", "2")]
    [DataRow("regnetx_002", "downsample", "\"avg\"")]
    [DataRow("regnetx_002", "linear_out", "true")]
    [DataRow("maxvit_nano_rw_256", "stem_bias", "true")]
    [DataRow("naflexvit_base_patch16_gap", "patch_size", "32")]
    [DataRow("naflexvit_base_patch16_gap", "qk_norm", "true")]
    [DataRow("naflexvit_base_patch16_gap", "proj_bias", "false")]
    [DataRow("naflexvit_base_patch16_gap", "init_values", "0")]
    [DataRow("naflexvit_base_patch16_gap", "fc_norm", "false")]
    [DataRow("naflexvit_base_patch16_gap", "act_layer", "\"gelu_tanh\"")]
    [DataRow("naflexvit_base_patch16_gap", "norm_layer", "\"rmsnorm\"")]
    [DataRow("resnet18", "replace_stem_pool", "true")]
    [DataRow("davit_tiny", "window_size", "4")]
    [DataRow("edgenext_x_small", "kernel_sizes", "[3,3,5,5]")]
    [DataRow("hiera_tiny_224", "init_values", "0")]
    [DataRow("mambaout_femto", "conv_ratio", "0.5")]
    [DataRow("mambaout_femto", "expansion_ratio", "2")]
    [DataRow("mambaout_femto", "act_layer", "\"silu\"")]
    [DataRow("efficientnet_b0", "act_layer", "\"relu\"")]
    [DataRow("mobilenetv3_small_050", "pad_type", "\"same\"")]
    [DataRow("fastvit_t8", "repmixer_kernel_size", "5")]
    [DataRow("fastvit_t8", "down_patch_size", "5")]
    [DataRow("fastvit_t8", "stem_use_scale_branch", "false")]
    [DataRow("fastvit_t8", "cls_ratio", "1")]
    [DataRow("tiny_vit_5m_224", "depths", "[1,1,2,1]")]
    [DataRow("tiny_vit_5m_224", "mlp_ratio", "2.5")]
    [DataRow("tiny_vit_5m_224", "mbconv_expand_ratio", "3")]
    [DataRow("tiny_vit_5m_224", "local_conv_size", "5")]
    [DataRow("coat_tiny", "parallel_depth", "2")]
    [DataRow("coat_tiny", "qkv_bias", "false")]
    [DataRow("levit_128s", "attn_ratio", "1.5")]
    [DataRow("levit_128s", "mlp_ratio", "3")]
    [DataRow("efficientvit_m0", "key_dim", "[16,8,8]")]
    [DataRow("efficientvit_m0", "window_size", "[5,7,7]")]
    [DataRow("nfnet_l0", "alpha", "0.3")]
    [DataRow("nfnet_l0", "stem_type", "\"7x7_pool\"")]
    [DataRow("nfnet_l0", "stem_chs", "64")]
    [DataRow("nfnet_l0", "group_size", "32")]
    [DataRow("nfnet_l0", "attn_gain", "1")]
    [DataRow("nf_regnet_b0", "width_factor", "1")]
    [DataRow("nfnet_l0", "bottle_ratio", "0.5")]
    [DataRow("nfnet_l0", "extra_conv", "false")]
    [DataRow("nfnet_l0", "reg", "true")]
    [DataRow("nfnet_l0", "std_conv_eps", "1e-4")]
    [DataRow("nfnet_l0", "act_layer", "\"gelu\"")]
    [DataRow("test_byobnet", "downsample", "\"conv1x1\"")]
    [DataRow("test_byobnet", "stem_type", "\"quad\"")]
    [DataRow("test_byobnet", "stem_pool", "\"max\"")]
    [DataRow("test_byobnet", "stem_chs", "32")]
    [DataRow("test_byobnet", "width_factor", "2")]
    [DataRow("test_byobnet", "act_layer", "\"silu\"")]
    [DataRow("mobilevit_xxs", "act_layer", "\"relu\"")]
    [DataRow("botnet26t_256", "num_features", "64")]
    [DataRow("gcvit_xxtiny", "window_ratio", "[32,32,32,32]")]
    [DataRow("gcvit_xxtiny", "embed_dim", "32")]
    [DataRow("gcvit_xxtiny", "mlp_ratio", "2.5")]
    [DataRow("gcvit_xxtiny", "qkv_bias", "false")]
    [DataRow("gcvit_xxtiny", "layer_scale", "0")]
    [DataRow("nextvit_small", "stem_chs", "[32,32,64]")]
    [DataRow("nextvit_small", "sr_ratios", "[8,2,2,1]")]
    [DataRow("nextvit_small", "head_dim", "16")]
    [DataRow("nextvit_small", "mix_block_ratio", "0.5")]
    [DataRow("repvit_m0_9", "mlp_ratio", "3")]
    [DataRow("repvit_m0_9", "kernel_size", "5")]
    [DataRow("repvit_m0_9", "distillation", "false")]
    [DataRow("shvit_s1", "qk_dim", "[16,16,8]")]
    [DataRow("shvit_s1", "types", "[\"s\",\"i\",\"s\"]")]
    [DataRow("convformer_s18", "use_mlp_head", "false")]
    [DataRow("focalnet_tiny_srf", "mlp_ratio", "3")]
    [DataRow("focalnet_tiny_srf", "focal_windows", "[3,3,5,3]")]
    [DataRow("focalnet_tiny_srf", "use_overlap_down", "true")]
    [DataRow("focalnet_tiny_srf", "use_post_norm", "true")]
    [DataRow("focalnet_tiny_srf", "use_post_norm_in_modulation", "true")]
    [DataRow("focalnet_tiny_srf", "normalize_modulator", "true")]
    [DataRow("focalnet_tiny_srf", "layerscale_value", "0")]
    [DataRow("hgnet_tiny", "use_lab", "true")]
    [DataRow("hgnet_tiny", "head_hidden_size", "1024")]
    [DataRow("vovnet39a", "layer_per_block", "3")]
    [DataRow("vovnet39a", "block_per_stage", "[1,1,1,1]")]
    [DataRow("vovnet39a", "act_layer", "\"silu\"")]
    [DataRow("rexnet_100", "initial_chs", "24")]
    [DataRow("rexnet_100", "final_chs", "90")]
    [DataRow("rexnet_100", "depth_mult", "0.5")]
    [DataRow("rexnet_100", "se_ratio", "0")]
    [DataRow("rexnet_100", "act_layer", "\"relu\"")]
    [DataRow("rexnet_100", "dw_act_layer", "\"relu\"")]
    [DataRow("dla60", "channels", "[8,16,64,128,256,512]")]
    [DataRow("dla60", "shortcut_root", "true")]
    [DataRow("dpn68", "small", "false")]
    [DataRow("dpn68", "act_layer", "\"silu\"")]
    [DataRow("eva02_tiny_patch14_224", "attn_type", "\"rope\"")]
    [DataRow("eva02_tiny_patch14_224", "use_rot_pos_emb", "false")]
    [DataRow("vit_pe_core_tiny_patch16_384", "attn_pool_num_heads", "3")]
    [DataRow("vit_pe_core_tiny_patch16_384", "attn_pool_mlp_ratio", "2")]
    [DataRow("swin_tiny_patch4_window7_224", "mlp_ratio", "2.5")]
    [DataRow("swin_tiny_patch4_window7_224", "qkv_bias", "false")]
    [DataRow("swinv2_tiny_window8_256", "mlp_ratio", "2.5")]
    [DataRow("swinv2_tiny_window8_256", "qkv_bias", "false")]
    [DataRow("beit_base_patch16_224", "use_abs_pos_emb", "true")]
    [DataRow("beit_base_patch16_224", "use_rel_pos_bias", "false")]
    [DataRow("cait_xxs24_224", "mlp_ratio", "3")]
    [DataRow("cait_xxs24_224", "mlp_ratio_token_only", "3")]
    [DataRow("cait_xxs24_224", "qkv_bias", "false")]
    [DataRow("xcit_nano_12_p16_224", "mlp_ratio", "2.5")]
    [DataRow("xcit_nano_12_p16_224", "qkv_bias", "false")]
    [DataRow("xcit_nano_12_p16_224", "use_pos_embed", "false")]
    [DataRow("davit_tiny", "mlp_ratio", "2.5")]
    [DataRow("davit_tiny", "qkv_bias", "false")]
    [DataRow("davit_tiny", "cpe_act", "true")]
    [DataRow("davit_tiny", "down_kernel_size", "3")]
    [DataRow("edgenext_x_small", "global_block_counts", "[1,1,1,1]")]
    [DataRow("edgenext_x_small", "d2_scales", "[2,2,2,2]")]
    [DataRow("edgenext_x_small", "use_pos_emb", "[false,true,true,false]")]
    [DataRow("edgenext_x_small", "expand_ratio", "3")]
    [DataRow("hiera_tiny_224", "mlp_ratio", "2.5")]
    [DataRow("hiera_tiny_224", "use_expand_proj", "false")]
    [DataRow("inception_next_tiny", "mlp_ratios", "[4,4,4,4]")]
    [DataRow("pvt_v2_b0", "num_heads", "[2,2,5,8]")]
    [DataRow("pvt_v2_b0", "sr_ratios", "[4,4,2,1]")]
    [DataRow("pvt_v2_b0", "qkv_bias", "false")]
    [DataRow("twins_pcpvt_small", "sr_ratios", "[4,4,2,1]")]
    [DataRow("resnetv2_50", "stem_chs", "32")]
    [DataRow("resnetv2_50", "width_factor", "2")]
    [DataRow("vgg11", "mlp_ratio", "0.5")]
    [DataRow("efficientformer_l1", "mlp_ratios", "3")]
    [DataRow("efficientformer_l1", "pool_size", "5")]
    [DataRow("efficientformerv2_s0", "embed_dims", "[32,48,96,192]")]
    [DataRow("efficientformerv2_s0", "num_vit", "1")]
    [DataRow("efficientformerv2_s0", "distillation", "false")]
    [DataRow("swiftformer_xs", "mlp_ratios", "3")]
    [DataRow("convit_tiny", "embed_dim", "32")]
    [DataRow("convit_tiny", "depth", "11")]
    [DataRow("convit_tiny", "mlp_ratio", "3")]
    [DataRow("convit_tiny", "qkv_bias", "true")]
    [DataRow("convit_tiny", "local_up_to_layer", "9")]
    [DataRow("convit_tiny", "use_pos_embed", "false")]
    [DataRow("convit_tiny", "patch_size", "32")]
    [DataRow("sam2_hiera_tiny", "global_pos_size", "14")]
    [DataRow("sam2_hiera_tiny", "init_values", "0")]
    [DataRow("pit_ti_224", "mlp_ratio", "3")]
    [DataRow("nest_tiny", "mlp_ratio", "3")]
    [DataRow("nest_tiny", "qkv_bias", "false")]
    [DataRow("tnt_s_patch16_224", "depth", "2")]
    [DataRow("tnt_s_patch16_224", "num_heads_inner", "2")]
    [DataRow("tnt_s_patch16_224", "mlp_ratio", "3")]
    [DataRow("tnt_s_patch16_224", "qkv_bias", "true")]
    [DataRow("tnt_s_patch16_224", "legacy", "true")]
    [DataRow("tresnet_m", "v2", "true")]
    [DataRow("rdnet_tiny", "is_downsample_block", "[null,true,true,false,false,true,false]")]
    [DataRow("rdnet_tiny", "bottleneck_width_ratio", "3")]
    [DataRow("rdnet_tiny", "transition_compression_ratio", "0.7")]
    [DataRow("fasternet_t0", "mlp_ratio", "3")]
    [DataRow("fasternet_t0", "n_div", "2")]
    [DataRow("fasternet_t0", "feature_dim", "512")]
    [DataRow("visformer_tiny", "depth", "[6,4,4]")]
    [DataRow("visformer_tiny", "mlp_ratio", "3")]
    [DataRow("visformer_tiny", "group", "4")]
    [DataRow("visformer_tiny", "use_pos_embed", "false")]
    [DataRow("cspdarknet53", "act_layer", "\"silu\"")]
    [DataRow("hardcorenas_a", "act_layer", "\"relu\"")]
    [DataRow("samvit_base_patch16", "patch_size", "8")]
    [DataRow("samvit_base_patch16", "mlp_ratio", "3")]
    [DataRow("samvit_base_patch16", "qkv_bias", "false")]
    [DataRow("samvit_base_patch16", "init_values", "0.1")]
    [DataRow("samvit_base_patch16", "window_size", "7")]
    [DataRow("vit_relpos_small_patch16_224", "mlp_ratio", "3")]
    [DataRow("swinv2_cr_tiny_224", "mlp_ratio", "3")]
    [DataRow("densenet121", "bn_size", "3")]
    [DataRow("volo_d1_224", "mlp_ratio", "4")]
    [DataRow("cpubone_b3", "head_widths", "[96,64]")]
    [DataRow("cpubone_b3", "stem_expand_ratio", "2")]
    [DataRow("gemma4_vit_167m", "depth", "3")]
    [DataRow("gemma4_vit_167m", "intermediate_size", "1024")]
    [DataRow("gemma4_vit_167m", "standardize", "true")]
    [DataRow("gemma4_vit_167m", "use_clipped_linears", "false")]
    public void EveryArgumentChangesTheModel(string name, string argument, string value)
    {
        PretrainedConfig config = ModelNames.GetConfig(name);
        CollectionAssert.AreNotEqual(Nodes(config), Nodes(config.WithModelArgs($$"""{"{{argument}}":{{value}}}""")));

        static string[] Nodes(PretrainedConfig config)
        {
            using Backbone backbone = Backbone.FromParameters(config, ParameterStore.FromTensors([]));
            return [.. backbone.Graph.Nodes.Select(n => $"{n.Name} {n.Operator} {n.Shape}")];
        }
    }

    /// <summary>Where a part is all, nothing is left beside it; where heads do not divide the channels, some have none.</summary>
    [TestMethod]
    [DataRow("fasternet_t0", """{"n_div":1}""", "stages.0.blocks.0.spatial_mixing.partial_conv3.weight", 40)]
    [DataRow("mambaout_femto", """{"expansion_ratio":1}""", "stages.0.blocks.0.conv.weight", 48)]
    [DataRow("shvit_s1", """{"partial_dim":[128,224,320]}""", "stages.1.blocks.0.mixer.m.pre_norm.weight", 224)]
    [DataRow("efficientvit_b0", """{"head_dim":10}""", "stages.2.blocks.1.context_module.main.qkv.conv.weight", 180)]
    public void PartsOfAnySizeAreTaken(string name, string arguments, string parameter, int size)
    {
        PretrainedConfig config = ModelNames.GetConfig(name).WithModelArgs(arguments);
        using ParameterStore weights = RecipeFor(config);
        Assert.AreEqual(size, weights[parameter].Shape[0]);
        using Backbone backbone = Backbone.FromParameters(config, weights);
        int channels = backbone.Select(FeatureSelection.Pooled()).Outputs[0].Shape[0];
        Assert.IsTrue(Run(backbone, [.. Enumerable.Range(0, (int)backbone.Graph.Inputs[0].Shape.Length).Select(i => MathF.Sin(i))], channels).All(float.IsFinite));
    }

    /// <summary>Parameter counts of encoders that are published in timm's layout with arguments of their own.</summary>
    [TestMethod]
    [DataRow("vit_giant_patch14_dinov2", """{"img_size":224,"patch_size":16,"embed_dim":1536,"depth":40,"num_heads":24,"init_values":1e-5,"mlp_ratio":5.33334,"num_classes":0}""", 1_134_953_984)]
    public void AnEncoderWithArgumentsOfItsOwnHasItsParameters(string name, string arguments, long parameters)
    {
        using Backbone backbone = Backbone.FromParameters(ModelNames.GetConfig(name).WithModelArgs(arguments), ParameterStore.FromTensors([]));
        Assert.AreEqual(parameters, backbone.Graph.ParameterCount);
    }

    /// <summary>Kernels of other patches are resampled, in all families that take a patch size.</summary>
    [TestMethod]
    [DataRow("vit_tiny_patch16_224")]
    [DataRow("deit_tiny_patch16_224")]
    [DataRow("eva02_tiny_patch14_224")]
    [DataRow("beit_base_patch16_224")]
    public void PatchesOfAnotherSizeHaveTheirKernelsResampled(string name)
    {
        PretrainedConfig config = ModelNames.GetConfig(name).WithModelArgs("""{"depth":1,"num_classes":0,"embed_dim":192,"num_heads":3}""");
        using ParameterStore weights = RecipeFor(config);
        using Backbone backbone = Backbone.FromParameters(config.WithModelArgs("""{"patch_size":8,"img_size":32}"""), weights);
        float[] output = Run(backbone, [.. Enumerable.Range(0, 3 * 32 * 32).Select(i => MathF.Sin(i))], 192);
        Assert.IsTrue(output.All(float.IsFinite) && output.Any(v => Math.Abs(v) > 0.01f));
    }

    /// <summary>A folder as others publish their encoders for timm; what its page says to give to <c>create_model</c> beside that is an overlay.</summary>
    [TestMethod]
    public void AnEncoderOfOthersIsReadFromItsFolder()
    {
        const string rest = """{"mlp_layer":"SwiGLUPacked","act_layer":"silu"}""";
        using TemporaryFolder folder = new();
        PretrainedConfig config = ModelNames.GetConfig("test_vit").WithModelArgs("""{"init_values":1e-5,"reg_tokens":4,"no_embed_class":true,"num_classes":0}""").WithModelArgs(rest);
        using (ParameterStore weights = RecipeFor(config))
            SafetensorsWriter.Write(folder.File("model.safetensors"), weights.Tensors);
        File.WriteAllText(folder.File("config.json"), """
            {"architecture":"test_vit","num_classes":0,"num_features":64,"global_pool":"token",
            "model_args":{"img_size":160,"init_values":1e-05,"num_classes":0,"reg_tokens":4,"no_embed_class":true,"dynamic_img_size":true},
            "pretrained_cfg":{"tag":"uni","custom_load":false,"input_size":[3,160,160],"fixed_input_size":true,"crop_pct":1.0,"mean":[0.485,0.456,0.406],"std":[0.229,0.224,0.225],
            "num_classes":0,"pool_size":null,"first_conv":"patch_embed.proj","classifier":"head","license":"CC-BY-NC-ND-4.0"}}
            """);
        var options = new BackboneOptions { ConfigOverlay = c => c.WithModelArgs(rest) };
        using Backbone read = Backbone.Create($"local-dir:{folder.Path}", options), same = Backbone.FromParameters(config, read.Parameters);
        Assert.AreEqual(("test_vit.uni", 1.0, 64), (read.Name, read.TransformOptions.CropPct, read.HeadHiddenSize));
        float[] input = [.. Enumerable.Range(0, 3 * 160 * 160).Select(i => MathF.Sin(i))];
        CollectionAssert.AreEqual(Run(same, input, 64), Run(read, input, 64));
        StringAssert.Contains(Assert.ThrowsExactly<ParameterMismatchException>(() => Backbone.Create($"local-dir:{folder.Path}")).Message, "blocks.0.mlp.fc2.weight");
    }

    /// <summary>An image that is no whole number of patches is computed as one with zeros below and right of it.</summary>
    [TestMethod]
    public void DynamicPaddingFillsTheLastPatches()
    {
        PretrainedConfig config = ModelNames.GetConfig("test_vit") with { NumClasses = 0 };
        using ParameterStore weights = RecipeFor(config);
        float[] input = [.. Enumerable.Range(0, 3 * 150 * 137).Select(i => MathF.Sin(i))], filled = new float[3 * 160 * 144];
        for (int row = 0; row < 3 * 150; row++)
            input.AsSpan(row * 137, 137).CopyTo(filled.AsSpan((row / 150 * 160 + row % 150) * 144));
        using Backbone whole = Backbone.FromParameters(config, weights, new BackboneOptions { ImageSize = (160, 144) });
        using Backbone padded = Backbone.FromParameters(config.WithModelArgs("""{"dynamic_img_pad":true}"""), weights, new BackboneOptions { ImageSize = (150, 137) });
        CollectionAssert.AreEqual(Run(whole, filled, 64), Run(padded, input, 64));
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => Backbone.Describe(config, FeatureSelection.Pooled(), new BackboneOptions { ImageSize = 150 })).Message, "does not divide into patches of 16");
    }

    [TestMethod]
    [DataRow("vgg11", """{"depth":3}""", "'depth' (3), which 'vgg11' does not take")]
    [DataRow("swin_tiny_patch4_window7_224", """{"init_values":0.1}""", "'init_values' (0.1), which 'swin_tiny_patch4_window7_224' does not take")]
    [DataRow("test_vit", """{"mlp_layer":"SwiGLUPack"}""", "'mlp_layer' of the config's 'model_args' is \"SwiGLUPack\"; for 'test_vit' it must be 'Mlp', 'SwiGLUPacked' or 'SwiGLU'. Did you mean 'SwiGLUPacked'")]
    [DataRow("test_vit", """{"act_layer":"gleu"}""", "it must be 'gelu', 'gelu_tanh', 'quick_gelu', 'silu', 'swish', 'relu', 'relu6', 'leaky_relu', 'hard_swish' or 'mish'. Did you mean 'gelu'")]
    [DataRow("test_vit", """{"num_heads":[2,2]}""", "'num_heads' of the config's 'model_args' is [2,2]; for 'test_vit' it must be a whole number.")]
    [DataRow("vit_base_resnet26d_224", """{"patch_size":8}""", "'patch_size' (8), which 'vit_base_resnet26d_224' does not take")]
    [DataRow("swin_tiny_patch4_window7_224", """{"num_heads":3}""", "for 'swin_tiny_patch4_window7_224' it must be a list of 4 whole numbers, one for each stage.")]
    [DataRow("swinv2_tiny_window8_256", """{"window_size":[8,8]}""", "for 'swinv2_tiny_window8_256' it must be a whole number.")]
    [DataRow("xcit_nano_12_p16_224", """{"patch_size":4}""", "for 'xcit_nano_12_p16_224' it must be 8 or 16.")]
    [DataRow("convnext_tiny", """{"depths":[3,3,9]}""", "'depths' of the config's 'model_args' is [3,3,9]; for 'convnext_tiny' it must be a list of 4 whole numbers")]
    [DataRow("convnext_tiny", """{"layers":[3,3,9,3]}""", "which 'convnext_tiny' does not take. Beside those of all models it takes 'act_layer', 'conv_mlp', 'depths', 'dims', ")]
    [DataRow("convnext_tiny", """{"head_norm_first":true,"head_hidden_size":9}""", "exclude each other")]
    [DataRow("regnetx_002", """{"w0":20}""", "for 'regnetx_002' it must be a multiple of 8.")]
    [DataRow("regnetx_002", """{"bottle_ratio":0}""", "the number of channels and the sides of the kernel must be 1 or more; received 0")]
    [DataRow("beit_base_patch16_224", """{"patch_size":1}""", "places; at most")]
    [DataRow("regnetx_002", """{"depth":3}""", "The depth 3 with the numbers w0, wa and wm comes to 3 stages; a RegNet has 4.")]
    [DataRow("regnetx_002", """{"wm":1}""", "for 'regnetx_002' it must be above 1.")]
    [DataRow("maxvit_nano_rw_256", """{"stem_width":[1,2,3]}""", "for 'maxvit_nano_rw_256' it must be a whole number or a list of two.")]
    [DataRow("eva02_tiny_patch14_224", """{"rope_temperature":0}""", "for 'eva02_tiny_patch14_224' it must be above 0.")]
    [DataRow("maxvit_nano_rw_256", """{"transformer_rel_pos_type":"mpl"}""", "'bias', 'bias_tf' or 'mlp'. Did you mean 'mlp'")]
    [DataRow("efficientnet_b0", """{"pad_type":"valid"}""", "for 'efficientnet_b0' it must be '' or 'same'")]
    [DataRow("fastvit_t8", """{"repmixer_kernel_size":4}""", "for 'fastvit_t8' it must be an odd number, 1 or more.")]
    [DataRow("fastvit_t8", """{"se_downsamples":[true]}""", "for 'fastvit_t8' it must be a list of 4 times true or false, one for each stage.")]
    [DataRow("fastvit_t8", """{"embed_dims":[32,64,100,128]}""", "64 channels in 64 groups do not fit a weight")]
    [DataRow("coat_lite_tiny", """{"parallel_depth":2}""", "for scales of one width and one mlp_ratio but for the first, not of widths 64, 128, 256, 320 and ratios 8, 8, 4, 4.")]
    [DataRow("efficientvit_m0", """{"kernels":[5,4,5,5]}""", "for 'efficientvit_m0' it must be a list of odd numbers.")]
    [DataRow("efficientvit_m0", """{"kernels":[5,5]}""", "There are 4 heads but only 2 kernels; each head needs one.")]
    [DataRow("nfnet_l0", """{"act_layer":"swish"}""", "'gelu', 'relu' or 'silu'")]
    [DataRow("test_byobnet", """{"stem_type":"clip"}""", "'3x3', '', '7x7', 'deep', 'tiered', 'quad', 'quad2', 'rep' or 'one'")]
    [DataRow("resnet50_clip", """{"stem_type":"deep"}""", "for 'resnet50_clip' it must be '3x3' or ''")]
    [DataRow("regnetz_b16", """{"width_factor":0.5}""", "do not divide into groups of 16.")]
    [DataRow("mvitv2_tiny", """{"depths":[1,1,2,1]}""", "'depths' ([1,1,2,1]), which 'mvitv2_tiny' does not take. It takes those of all models alone.")]
    [DataRow("nextvit_small", """{"depths":[3,4,12,3]}""", "The third stage of Next-ViT has a multiple of 5 blocks, not 12.")]
    [DataRow("nextvit_small", """{"stem_chs":64}""", "for 'nextvit_small' it must be a list of 3 whole numbers.")]
    [DataRow("repvit_m0_9", """{"mlp_ratio":2.5}""", "for 'repvit_m0_9' it must be a whole number.")]
    [DataRow("shvit_s1", """{"types":["s","x","s"]}""", "for 'shvit_s1' it must be 's' or 'i'.")]
    [DataRow("shvit_s1", """{"types":["s"]}""", "for 'shvit_s1' it must be a list of 3 names.")]
    [DataRow("focalnet_tiny_srf", """{"focal_windows":[3,3,4,3]}""", "for 'focalnet_tiny_srf' it must be a list of 4 odd numbers.")]
    [DataRow("vovnet39a", """{"attn":"se"}""", "'ese', 'eca' or ''")]
    [DataRow("gcvit_xxtiny", """{"window_ratio":256}""", "A window_ratio of 256 leaves no window of an image of 224×224.")]
    [DataRow("nextvit_small", """{"mix_block_ratio":1}""", "for 'nextvit_small' it must be between 0 and 1.")]
    [DataRow("vit_base_patch16_rope_224", """{"rope_type":"dinov3"}""", "for 'vit_base_patch16_rope_224' it must be 'cat' or 'mixed'")]
    [DataRow("vit_small_patch16_dinov3", """{"rope_type":"mixed"}""", "for 'vit_small_patch16_dinov3' it must be 'dinov3'.")]
    [DataRow("vit_base_patch16_rope_224", """{"qkv_fused":false}""", "qkv_fused must be true.")]
    [DataRow("efficientformer_l1", """{"mlp_ratios":[4,4,4,4]}""", "for 'efficientformer_l1' it must be a number.")]
    [DataRow("fastvit_t8", """{"mlp_ratios":3}""", "for 'fastvit_t8' it must be a list of 4 numbers, one for each stage.")]
    [DataRow("sam2_hiera_tiny", """{"global_att_blocks":[3]}""", "Block 3 is the first of a stage")]
    [DataRow("sam2_hiera_tiny", """{"global_pos_size":[7,14]}""", "for 'sam2_hiera_tiny' it must be one number twice: a square.")]
    [DataRow("rdnet_tiny", """{"transition_compression_ratio":2}""", "for 'rdnet_tiny' it must be above 0 and at most 1.")]
    [DataRow("resnet18", """{"cardinality":2}""", "Basic blocks have one group and their own width: 'cardinality' must be 1 and 'base_width' 64, not 2 and 64")]
    [DataRow("resnet34", """{"base_width":32}""", "not 1 and 32")]
    [DataRow("vovnet39a", """{"depthwise":true,"residual":true}""", "no residual ones where they reduce their channels, here from 768 to 192")]
    [DataRow("efficientformer_l1", """{"num_vit":0}""", "for 'efficientformer_l1' it must be 1 or more")]
    [DataRow("fastvit_t8", """{"cls_ratio":0.7,"img_size":128}""", "'fastvit_t8' cannot be made as its config and the options say. Node 'final_conv")]
    public void WhatTheFamilyDoesNotTakeIsRefused(string name, string arguments, string problem)
        => StringAssert.Contains(Refusal(ModelNames.GetConfig(name).WithModelArgs(arguments)), problem);

    /// <summary>What is changed about the config counts for transform and model, and for what is told without weights.</summary>
    [TestMethod]
    public void TheOverlayChangesTheConfig()
    {
        var options = new BackboneOptions { RandomWeights = true, ConfigOverlay = c => c.WithModelArgs("""{"depth":2}""") with { CropPct = 1, CropMode = "squash", Interpolation = "bilinear", Mean = [0, 0, 0], Std = [1, 1, 1] } };
        using Backbone backbone = Backbone.Create("test_vit", options);
        Assert.AreEqual((1.0, Imaging.CropMode.Squash, Imaging.Interpolation.Bilinear), (backbone.TransformOptions.CropPct, backbone.TransformOptions.CropMode, backbone.TransformOptions.Interpolation));
        Assert.AreEqual(0.0, backbone.TransformOptions.Mean[1]);
        Assert.HasCount(2, backbone.FeatureInfo);
        Assert.HasCount(2, Backbone.Describe("test_vit", FeatureSelection.Intermediates(), options));
        Assert.HasCount(6, Backbone.Describe("test_vit", FeatureSelection.Intermediates(), options with { ConfigOverlay = null }));
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => Backbone.Create("test_vit", options with { ConfigOverlay = _ => null! })).Message, "ConfigOverlay gave null");
        foreach ((Func<PretrainedConfig, PretrainedConfig> change, string problem) in new (Func<PretrainedConfig, PretrainedConfig>, string)[]
        {
            (c => c with { CropMode = "sqash" }, "Unknown crop mode 'sqash'; valid: center, squash, border"), (c => c with { Interpolation = "cubic" }, "Unknown interpolation 'cubic'"),
            (c => c with { CropPct = -1 }, "crop_pct must be a positive number"), (c => c with { Std = [0, 1, 1] }, "standard deviations finite and not zero"),
        })
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => Backbone.Describe("test_vit", FeatureSelection.Pooled(), options with { ConfigOverlay = change })).Message, problem);
    }

    private static string[] Keys(PretrainedConfig config)
    {
        using Backbone backbone = Backbone.FromParameters(config, ParameterStore.FromTensors([]));
        return [.. backbone.Graph.Parameters.Select(p => $"{p.Name} {p.Shape}")];
    }

    private static ParameterStore RecipeFor(PretrainedConfig config)
    {
        using Backbone backbone = Backbone.FromParameters(config, ParameterStore.FromTensors([]));
        return ParameterStore.FromRecipe(backbone.Graph.Parameters, 1);
    }

    private static float[] Run(Backbone backbone, float[] input, int channels = 512)
    {
        using FeatureExtractor extractor = backbone.Extract(FeatureSelection.Pooled());
        float[] output = new float[channels];
        extractor.Run(1, input, [output]);
        return output;
    }

    private static string Refusal(PretrainedConfig config) => Assert.ThrowsExactly<GraphException>(() => Backbone.Describe(config, FeatureSelection.Pooled())).Message;
}
