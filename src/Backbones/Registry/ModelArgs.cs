using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Backbones.Graphs;

namespace Backbones.Registry;

/// <summary>The <c>model_args</c> of a config.json, which timm passes to <c>create_model</c>: they become part of the config.</summary>
internal static class ModelArgs
{
    /// <summary>Arguments that change neither parameters nor results: training's, and timm's dynamic image size, which only looks at the size later.</summary>
    private static readonly string[] WithoutEffect =
    [
        "drop_rate", "drop_path_rate", "drop_block_rate", "pos_drop_rate", "patch_drop_rate", "proj_drop_rate", "attn_drop_rate", "weight_init", "fix_init", "dynamic_img_size", "strict_img_size",
        "use_checkpoint",
    ];

    /// <summary>Arguments of every model.</summary>
    private static readonly string[] Common = ["global_pool", "img_size", "in_chans", "mean_image", "num_classes", "output_stride"];

    /// <summary>Arguments of some families, which apply them (<c>ModelFamily.Arguments</c>): here they are only checked, so that what is in a config has its type, and no size that fills the memory.</summary>
    private static readonly Dictionary<string, Action<string, JsonElement>> OfFamilies = new()
    {
        ["act_layer"] = AText,
        ["alpha"] = ARatio,
        ["attn"] = AText,
        ["attn_gain"] = ARatio,
        ["attn_layer"] = AText,
        ["attn_pool_mlp_ratio"] = ARatio,
        ["attn_pool_num_heads"] = ACount(1, MaxWidth),
        ["attn_ratio"] = ARatio,
        ["attn_type"] = AText,
        ["avg_down"] = AFlag,
        ["b"] = AFlag,
        ["base_dim"] = ACount(1, MaxWidth),
        ["base_dims"] = Counts(1, MaxWidth),
        ["base_width"] = ACount(1, MaxWidth),
        ["basic"] = AFlag,
        ["block_config"] = Counts(1, MaxBlocks),
        ["block_per_stage"] = Counts(1, MaxBlocks),
        ["bn_size"] = ACount(1, MaxWidth),
        ["bottle_ratio"] = ARatio,
        ["bottleneck_width_ratio"] = ARatio,
        ["cardinality"] = ACount(1, MaxWidth),
        ["ch_div"] = ACount(1, MaxWidth),
        ["channels"] = Counts(1, MaxWidth),
        ["class_token"] = AFlag,
        ["cls_attn_layers"] = ACount(0, MaxBlocks),
        ["cls_ratio"] = ARatio,
        ["conv_bias"] = AFlag,
        ["conv_mlp"] = AFlag,
        ["conv_ratio"] = ARatio,
        ["cpe_act"] = AFlag,
        ["d2_scales"] = Counts(2, MaxStages),
        ["depth"] = CountOrCounts(1, MaxBlocks),
        ["depth_list"] = Counts(0, MaxBlocks),
        ["depth_mult"] = ARatio,
        ["depth_token_only"] = ACount(0, MaxBlocks),
        ["depths"] = Counts(1, MaxBlocks),
        ["depthwise"] = AFlag,
        ["dims"] = Counts(1, MaxWidth),
        ["distillation"] = AFlag,
        ["down_kernel_size"] = ACount(2, MaxPatch),
        ["down_patch_size"] = ACount(1, MaxPatch),
        ["downsample"] = AText,
        ["downsample_block"] = AFlag,
        ["dw_act_layer"] = AText,
        ["dynamic_img_pad"] = AFlag,
        ["embed_dim"] = CountOrCounts(1, MaxWidth),
        ["embed_dims"] = Counts(1, MaxWidth),
        ["embed_norm_layer"] = AText,
        ["eta"] = ARatio,
        ["expand_ratio"] = ARatio,
        ["expansion_ratio"] = ARatio,
        ["extra_conv"] = AFlag,
        ["extra_norm_period"] = ACount(0, MaxBlocks),
        ["extra_norm_stage"] = AFlag,
        ["fc_norm"] = AFlag,
        ["feature_dim"] = ACount(1, MaxWidth),
        ["final_chs"] = ACount(1, MaxWidth),
        ["final_norm"] = AFlag,
        ["focal_levels"] = Counts(1, MaxStages),
        ["focal_windows"] = Counts(1, MaxPatch),
        ["global_att_blocks"] = Counts(0, MaxBlocks, most: MaxBlocks),
        ["global_attn_indexes"] = Counts(0, MaxBlocks, most: MaxBlocks),
        ["global_block_counts"] = Counts(0, MaxBlocks),
        ["global_pos_size"] = CountOrCounts(1, MaxPatch),
        ["group"] = ACount(1, MaxWidth),
        ["group_size"] = ACount(1, MaxWidth),
        ["groups"] = ACount(1, MaxWidth),
        ["growth_rate"] = ACount(1, MaxWidth),
        ["growth_rates"] = Counts(1, MaxWidth),
        ["head_dim"] = ACount(1, MaxWidth),
        ["head_hidden_size"] = ACount(1, MaxWidth),
        ["head_norm_first"] = AFlag,
        ["head_widths"] = Counts(1, MaxWidth),
        ["heads"] = Counts(1, MaxWidth),
        ["inc_sec"] = Counts(1, MaxWidth),
        ["init_channels"] = ACount(1, MaxWidth),
        ["init_values"] = ARatio,
        ["initial_chs"] = ACount(1, MaxWidth),
        ["inner_dim"] = ACount(1, MaxWidth),
        ["intermediate_size"] = ACount(1, 4 * MaxWidth),
        ["is_downsample_block"] = Flags,
        ["k_r"] = ACount(1, MaxWidth),
        ["k_sec"] = Counts(1, MaxBlocks),
        ["kernel_size"] = ACount(1, MaxPatch),
        ["kernel_sizes"] = CountOrCounts(1, MaxPatch),
        ["kernels"] = Counts(1, MaxPatch),
        ["key_dim"] = CountOrCounts(1, MaxWidth),
        ["layer_per_block"] = ACount(1, MaxBlocks),
        ["layer_scale"] = ARatio,
        ["layer_scale_init_value"] = ARatio,
        ["layers"] = (name, value) => Blocks(name, value),
        ["layerscale_value"] = ARatio,
        ["legacy"] = AFlag,
        ["levels"] = Counts(1, 8), // trees, whose blocks double with each level
        ["linear"] = AFlag,
        ["linear_out"] = AFlag,
        ["lkc_use_act"] = AFlag,
        ["local_conv_size"] = ACount(1, MaxPatch),
        ["local_up_to_layer"] = ACount(0, MaxBlocks),
        ["locality_strength"] = ARatio,
        ["ls_init_value"] = ARatio,
        ["mbconv_expand_ratio"] = ARatio,
        ["mix_block_ratio"] = ARatio,
        ["mlp_layer"] = AText,
        ["mlp_ratio"] = ARatio,
        ["mlp_ratio_token_only"] = ARatio,
        ["mlp_ratios"] = RatioOrRatios,
        ["n_div"] = ACount(1, MaxWidth),
        ["neck_chans"] = ACount(1, MaxWidth),
        ["no_embed_class"] = AFlag,
        ["norm_eps"] = ARatio,
        ["norm_layer"] = AText,
        ["normalize_modulator"] = AFlag,
        ["num_features"] = ACount(0, MaxWidth),
        ["num_heads"] = CountOrCounts(1, MaxWidth),
        ["num_heads_inner"] = ACount(1, MaxWidth),
        ["num_heads_outer"] = ACount(1, MaxWidth),
        ["num_init_features"] = ACount(1, MaxWidth),
        ["num_reg_tokens"] = ACount(0, MaxWidth),
        ["num_vit"] = ACount(0, MaxBlocks),
        ["pad_type"] = AText,
        ["parallel_depth"] = ACount(0, MaxBlocks),
        ["partial_dim"] = Counts(1, MaxWidth),
        ["patch_size"] = ACount(1, MaxPatch),
        ["pool_include_prefix"] = AFlag,
        ["pool_size"] = ACount(1, MaxPatch),
        ["pos_embed"] = AText,
        ["pos_embed_ar_preserving"] = AFlag,
        ["pre_norm"] = AFlag,
        ["preact"] = AFlag,
        ["pretrained_window_sizes"] = Counts(0, MaxPatch),
        ["proj_bias"] = AFlag,
        ["qk_dim"] = Counts(1, MaxWidth),
        ["qk_norm"] = AFlag,
        ["qkv_bias"] = AFlag,
        ["qkv_fused"] = AFlag,
        ["ref_feat_shape"] = CountOrCounts(1, MaxWidth),
        ["reg"] = AFlag,
        ["reg_tokens"] = ACount(0, MaxWidth),
        ["rel_pos_dim"] = ACount(1, MaxWidth),
        ["replace_stem_pool"] = AFlag,
        ["repmixer_kernel_size"] = ACount(1, MaxPatch),
        ["residual"] = AFlag,
        ["rope_grid_indexing"] = AText,
        ["rope_grid_offset"] = ANumber(0, MaxWidth),
        ["rope_temperature"] = ANumber(0, MaxTemperature),
        ["rope_type"] = AText,
        ["scale_attn_inner"] = AFlag,
        ["scale_mlp"] = AFlag,
        ["se_downsamples"] = Flags,
        ["se_ratio"] = ARatio,
        ["serial_depths"] = Counts(1, MaxBlocks),
        ["shared_rel_pos"] = AFlag,
        ["shortcut_root"] = AFlag,
        ["small"] = AFlag,
        ["sr_ratios"] = Counts(1, MaxPatch),
        ["stage_conv_chs"] = Counts(1, MaxWidth),
        ["stage_out_chs"] = Counts(1, MaxWidth),
        ["stages"] = Counts(1, MaxBlocks),
        ["standardize"] = AFlag,
        ["std_conv_eps"] = ARatio,
        ["stem_bias"] = AFlag,
        ["stem_chs"] = CountOrCounts(1, MaxWidth),
        ["stem_expand_ratio"] = ARatio,
        ["stem_pool"] = AText,
        ["stem_type"] = AText,
        ["stem_use_scale_branch"] = AFlag,
        ["stem_width"] = CountOrCounts(1, MaxWidth),
        ["stride"] = ACount(1, MaxPatch),
        ["swiglu_align_to"] = ACount(0, MaxWidth),
        ["swiglu_mlp"] = AFlag,
        ["tokens_norm"] = AFlag,
        ["transformer_depths"] = Counts(0, MaxBlocks),
        ["transformer_init_values"] = ARatio,
        ["transformer_rel_pos_dim"] = ACount(1, MaxWidth),
        ["transformer_rel_pos_type"] = AText,
        ["transition_compression_ratio"] = ARatio,
        ["types"] = Texts,
        ["use_abs_pos"] = AFlag,
        ["use_abs_pos_emb"] = AFlag,
        ["use_clipped_linears"] = AFlag,
        ["use_conv"] = AFlag,
        ["use_expand_proj"] = AFlag,
        ["use_fc_norm"] = AFlag,
        ["use_grn"] = AFlag,
        ["use_lab"] = AFlag,
        ["use_mlp_head"] = AFlag,
        ["use_overlap_down"] = AFlag,
        ["use_pos_emb"] = Flags,
        ["use_pos_embed"] = AFlag,
        ["use_post_norm"] = AFlag,
        ["use_post_norm_in_modulation"] = AFlag,
        ["use_post_transformer_norm"] = AFlag,
        ["use_pre_transformer_norm"] = AFlag,
        ["use_rel_pos_bias"] = AFlag,
        ["use_rot_pos_emb"] = AFlag,
        ["v2"] = AFlag,
        ["w0"] = ACount(1, MaxWidth),
        ["wa"] = ANumber(0, MaxWidth),
        ["width_factor"] = ARatio,
        ["width_list"] = Counts(1, MaxWidth),
        ["width_mult"] = ARatio,
        ["widths"] = Counts(1, MaxWidth),
        ["window_ratio"] = CountOrCounts(1, MaxPatch),
        ["window_size"] = CountOrCounts(1, MaxPatch),
        ["window_sizes"] = Counts(1, MaxPatch),
        ["window_spec"] = Counts(1, MaxPatch),
        ["wm"] = ARatio,
        ["wss"] = Counts(1, MaxPatch),
    };

    /// <summary>More stages, or blocks in one, wider layers, or larger patches and windows no network has; a config is no way to make one that fills the memory.</summary>
    private const int MaxStages = 16, MaxBlocks = 512, MaxWidth = 16384, MaxPatch = 256, MaxRatio = 64, MaxTemperature = 100_000_000;

    /// <summary>The config of the model that is made with the <c>model_args</c> in <paramref name="json"/>.</summary>
    /// <param name="config">The config without them.</param>
    /// <param name="json">The config's object.</param>
    /// <exception cref="FormatException">An argument that is not known, or not of its type.</exception>
    public static PretrainedConfig ApplyFrom(PretrainedConfig config, JsonElement json)
        => json.TryGetProperty("model_args", out JsonElement arguments) && arguments.ValueKind != JsonValueKind.Null ? Apply(config, arguments) : config;

    /// <summary>The config of the model that is made with these arguments.</summary>
    /// <param name="config">The config without them.</param>
    /// <param name="arguments">An object.</param>
    /// <exception cref="FormatException">An argument that is not known, or not of its type.</exception>
    public static PretrainedConfig Apply(PretrainedConfig config, JsonElement arguments)
    {
        if (arguments.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException($"'model_args' is {arguments.GetRawText()}; it must be an object.");
        }
        foreach (JsonProperty argument in arguments.EnumerateObject().Where(a => a.Value.ValueKind != JsonValueKind.Null))
        {
            config = Apply(config, argument.Name, argument.Value);
        }
        return config;
    }

    /// <summary>The arguments that a config holds; null where there are none.</summary>
    public static JsonObject? Of(PretrainedConfig config)
    {
        JsonObject arguments = [];
        if (config.GlobalPool is { } pool)
        {
            arguments["global_pool"] = pool;
        }
        if (config.OutputStride != 32)
        {
            arguments["output_stride"] = config.OutputStride;
        }
        if (config.MeanImage)
        {
            arguments["mean_image"] = true;
        }
        foreach ((string name, JsonElement value) in OfFamily(config))
        {
            arguments[name] = JsonNode.Parse(value.GetRawText());
        }
        return arguments.Count == 0 ? null : arguments;
    }

    /// <summary>The arguments that a config holds for the family.</summary>
    public static ImmutableSortedDictionary<string, JsonElement> OfFamily(PretrainedConfig config)
        => config.Layers.IsDefaultOrEmpty ? config.FamilyArgs : config.FamilyArgs.SetItem("layers", JsonSerializer.SerializeToElement(config.Layers));

    private static PretrainedConfig Apply(PretrainedConfig config, string name, JsonElement value)
    {
        switch (name)
        {
            case "global_pool":
                return config with { GlobalPool = Text(name, value) };
            case "img_size" when value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 2:
                return config with { InputSize = [config.InputSize[0], Number(name, value[0]), Number(name, value[1])] };
            case "img_size":
                return config with { InputSize = [config.InputSize[0], Number(name, value), Number(name, value)] };
            case "in_chans":
                return config with { InputSize = config.InputSize.With(0, Number(name, value)) };
            case "layers":
                return config with { Layers = Blocks(name, value) };
            case "mean_image":
                return config with { MeanImage = Flag(name, value) };
            case "num_classes":
                return config with { NumClasses = Number(name, value, least: 0) };
            case "output_stride":
                return config with { OutputStride = Number(name, value) };
        }
        if (OfFamilies.TryGetValue(name, out Action<string, JsonElement>? check))
        {
            check(name, value);
            return config with { FamilyArgs = config.FamilyArgs.SetItem(name, value.Clone()) };
        }
        return WithoutEffect.Contains(name) ? config : throw new FormatException(
            $"'model_args' has '{name}', which is not known here. All models take {string.Join(", ", Common.Select(a => $"'{a}'"))}; others depend on the family, and "
            + $"arguments of training such as '{WithoutEffect[0]}' have no effect.{NearestName.Suggest(name, [.. Common, .. OfFamilies.Keys, .. WithoutEffect])}");
    }

    private static void AText(string name, JsonElement value) => Text(name, value);

    private static void AFlag(string name, JsonElement value) => Flag(name, value);

    private static void ARatio(string name, JsonElement value) => ANumber(0, MaxRatio)(name, value);

    private static Action<string, JsonElement> ANumber(int least, int most) => (name, value) =>
    {
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out double number) || !(number >= least && number <= most))
        {
            throw Wrong(name, value, $"a number from {least} to {most}");
        }
    };

    private static Action<string, JsonElement> ACount(int least, int most) => (name, value) =>
    {
        if (Number(name, value, least) > most)
        {
            throw Wrong(name, value, $"a whole number from {least} to {most}");
        }
    };

    /// <summary>A list, such as one number a stage; how many a family wants, it says.</summary>
    private static Action<string, JsonElement> Counts(int least, int largest, int most = MaxStages) => (name, value) =>
    {
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > most || value.GetArrayLength() == 0
            || !value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.Number && v.TryGetInt32(out int n) && n >= least && n <= largest))
        {
            throw Wrong(name, value, $"a list of at most {most} whole numbers from {least} to {largest}");
        }
    };

    private static void RatioOrRatios(string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            ARatio(name, value);
        }
        else if (value.GetArrayLength() > MaxStages || value.GetArrayLength() == 0
            || !value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.Number && v.TryGetDouble(out double n) && n is >= 0 and <= MaxRatio))
        {
            throw Wrong(name, value, $"a list of at most {MaxStages} numbers from 0 to {MaxRatio}");
        }
    }

    private static void Texts(string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > MaxStages || !value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.String))
        {
            throw Wrong(name, value, $"a list of at most {MaxStages} texts");
        }
    }

    /// <summary>A list of true and false; null counts as false.</summary>
    private static void Flags(string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > MaxStages || !value.EnumerateArray().All(v => v.ValueKind is JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null))
        {
            throw Wrong(name, value, $"a list of at most {MaxStages} times true or false");
        }
    }

    /// <summary>One number or a list, by the family.</summary>
    private static Action<string, JsonElement> CountOrCounts(int least, int most)
        => (name, value) => (value.ValueKind == JsonValueKind.Array ? Counts(least, most) : ACount(least, most))(name, value);

    private static ImmutableArray<int> Blocks(string name, JsonElement value)
    {
        Counts(1, MaxBlocks)(name, value);
        return [.. value.EnumerateArray().Select(v => v.GetInt32())];
    }

    private static string Text(string name, JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Wrong(name, value, "a text");

    private static bool Flag(string name, JsonElement value) => value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Wrong(name, value, "true or false");

    private static int Number(string name, JsonElement value, int least = 1)
        => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= least ? number : throw Wrong(name, value, $"a whole number, {least} or more");

    private static FormatException Wrong(string name, JsonElement value, string valid) => new($"'{name}' of 'model_args' is {value.GetRawText()}; it must be {valid}.");
}
