using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// ConvNeXt and ConvNeXt V2: residual networks of depthwise convolutions and perceptrons.
/// timm: <c>convnext.py</c>. Papers: A ConvNet for the 2020s, https://arxiv.org/abs/2201.03545; ConvNeXt V2, https://arxiv.org/abs/2301.00808
/// </summary>
internal static class ConvNeXt
{
    internal enum Stem
    {
        /// <summary>One convolution over patches, of 4×4 pixels.</summary>
        Patch,
        /// <summary>Two 3×3 convolutions of stride 2.</summary>
        Overlap,
        /// <summary>The same, the first with half the channels.</summary>
        OverlapTiered,
        /// <summary>The same with an activation between.</summary>
        OverlapAct,
    }

    internal enum Norm
    {
        LayerNorm,
        RmsNorm,
        SimpleNorm,
    }

    /// <summary>What tells one variant from another; the defaults are ConvNeXt's.</summary>
    internal sealed record Config(ImmutableArray<int> Depths, ImmutableArray<int> Channels)
    {
        public ImmutableArray<int> Kernels { get; init; } = [7, 7, 7, 7];

        public Stem Stem { get; init; } = Stem.Patch;

        /// <summary>Pixels of a patch's side in the stem of one convolution.</summary>
        public int PatchSize { get; init; } = 4;

        /// <summary>The blocks' perceptrons are 1×1 convolutions and no channels-last linear layers.</summary>
        public bool ConvMlp { get; init; }

        /// <summary>Global response norm in the perceptrons (V2).</summary>
        public bool GlobalResponseNorm { get; init; }

        public bool LayerScale { get; init; } = true;

        public UnaryKind Act { get; init; } = UnaryKind.Gelu;

        public Norm Norm { get; init; } = Norm.LayerNorm;

        public float NormEps { get; init; } = 1e-6f;

        /// <summary>The last norm stands before the pooling and not behind it.</summary>
        public bool HeadNormFirst { get; init; }

        public int? HeadHidden { get; init; }

        public NormLayer MapNorm => Norm switch
        {
            Norm.RmsNorm => Norms.RmsNorm2d(NormEps),
            Norm.SimpleNorm => Norms.SimpleNorm2d(NormEps),
            _ => Norms.LayerNorm2d(NormEps),
        };
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        if (config.HeadNormFirst && config.HeadHidden is { } hidden)
            throw new GraphException($"A hidden layer of the head ('head_hidden_size' {hidden}) and the norm before the pooling ('head_norm_first') exclude each other; take one of them.");
        var schedule = new StrideSchedule(options, stem: config.Stem == Stem.Patch ? config.PatchSize : 4);
        Node x = BuildStem(b, config, b.Input);
        var levels = new List<FeatureLevel>();
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            int stride = schedule.Next(stage == 0 && schedule.Reduction != 2 ? 1 : 2);
            using (b.Scope($"stages.{stage}"))
            {
                x = Downsample(b, config, x, config.Channels[stage], stride, schedule.Dilation);
                for (int i = 0; i < config.Depths[stage]; i++)
                {
                    using (b.Scope($"blocks.{i}"))
                        x = Block(b, config, x, config.Kernels[stage], schedule.Dilation);
                }
            }
            levels.Add(new FeatureLevel(config.Channels[stage], schedule.Reduction, $"stages.{stage}", x));
        }

        Node features = config.HeadNormFirst ? config.MapNorm(b, "norm_pre", x) : b.Identity("norm_pre", x);
        (Node PreLogits, Node Logits) head = config.HeadNormFirst
            ? ClassifierHeads.Pool(b, features, options.NumClasses, options.GlobalPool)
            : ClassifierHeads.PoolNormMlp(b, features, options.NumClasses, options.GlobalPool, config.MapNorm, config.HeadHidden, ActLayers.Timm(UnaryKind.Gelu));
        return BackboneGraph.OfLevels(b, levels, features, head) with
        {
            HeadHiddenSize = config.HeadHidden ?? x.Shape[0],
            // timm norms the last stage alone: the norm fits no other.
            Intermediates = [.. levels.Select(l => new IntermediateLevel(l.Node, Norm: l.Node == x ? (_, _) => features : null))],
        };
    }

    private static Node BuildStem(GraphBuilder b, Config config, Node x)
    {
        int channels = config.Channels[0];
        using (b.Scope("stem"))
        {
            if (config.Stem == Stem.Patch)
                return config.MapNorm(b, "1", b.Conv2d("0", x, channels, config.PatchSize, stride: config.PatchSize, bias: true));
            int firstChannels = config.Stem == Stem.OverlapTiered ? ChannelAttention.MakeDivisible(channels / 2) : channels;
            x = b.Conv2d("0", x, firstChannels, 3, stride: 2, padding: 1, bias: true);
            int next = 1;
            if (config.Stem == Stem.OverlapAct)
                x = ActLayers.Timm(config.Act)(b, $"{next++}", x);
            x = b.Conv2d($"{next++}", x, channels, 3, stride: 2, padding: 1, bias: true);
            return config.MapNorm(b, $"{next}", x);
        }
    }

    /// <summary>The change of resolution and width before a stage's blocks.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="config">The variant.</param>
    /// <param name="x">The map.</param>
    /// <param name="channels">Channels of the stage.</param>
    /// <param name="stride">Its stride, 1 where a dilation stands in for it.</param>
    /// <param name="dilation">The dilation of its blocks.</param>
    private static Node Downsample(GraphBuilder b, Config config, Node x, int channels, int stride, int dilation)
    {
        int firstDilation = dilation > 2 ? 2 : 1;
        if (x.Shape[0] == channels && stride == 1 && firstDilation == dilation)
            return b.Identity("downsample", x);
        int kernel = stride > 1 || firstDilation != dilation ? 2 : 1;
        // A dilated 2×2 window keeps the size with as much padding in all as it spans: TensorFlow's SAME.
        int total = dilation > 1 ? firstDilation * (kernel - 1) : 0;
        var padding = new Padding(total / 2, total / 2, total - total / 2, total - total / 2);
        using (b.Scope("downsample"))
            return b.Conv2d("1", config.MapNorm(b, "0", x), channels, kernel, stride, padding, firstDilation, bias: true);
    }

    private static Node Block(GraphBuilder b, Config config, Node x, int kernel, int dilation)
    {
        Node shortcut = x;
        int channels = x.Shape[0];
        x = b.Conv2d("conv_dw", x, channels, kernel, padding: dilation * (kernel - 1) / 2, dilation: dilation, groups: channels, bias: true);
        if (!config.ConvMlp)
            x = b.Permute(x, [1, 2, 0]);
        x = config.ConvMlp ? config.MapNorm(b, "norm", x) : Norms.LayerNorm(config.NormEps)(b, "norm", x);
        ActLayer act = ActLayers.Timm(config.Act);
        x = config.GlobalResponseNorm ? Mlp.GlobalResponseNorm(b, "mlp", x, channels * 4, act, config.ConvMlp) : Mlp.Build(b, "mlp", x, channels * 4, act, useConv: config.ConvMlp);
        if (!config.ConvMlp)
            x = b.Permute(x, [2, 0, 1]);
        if (config.LayerScale)
            x = b.Multiply(x, b.Reshape(b.Parameter("gamma", [channels]), [channels, 1, 1]));
        x = b.Identity("drop_path", x);
        return b.Add(x, b.Identity("shortcut", shortcut));
    }

    /// <summary>Files of the authors (linear layers for 1×1 convolutions), of OpenCLIP and of torchvision.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        if (c.Has("visual.trunk.stem.0.weight"))
        {
            OpenClip(c);
            return;
        }
        c.Drop(@"^(projectors|norms)\."); // of distillation
        c.Rename(("downsample_layers.0.", "stem."), ("features.0.", "stem."), ("classifier.0.", "head.norm."), ("classifier.2.", "head.fc."));
        c.RenameMatches(
            (@"^stages\.(\d+)\.(\d+)\.", "stages.$1.blocks.$2."), (@"^downsample_layers\.(\d+)\.", "stages.$1.downsample."),
            (@"^head\.(?!fc|norm)", "head.fc."), (@"^norm\.", "head.norm."));
        c.RenameMatches(@"^features\.(\d+)\.(\d+)\.(block)?", m => Checkpoint.Number(m.Groups[1]) is var i && i % 2 == 0
            ? $"stages.{i / 2}.downsample.{m.Groups[2]}." : $"stages.{i / 2}.blocks.{m.Groups[2]}.{m.Groups[3]}");
        c.Rename(
            ("dwconv", "conv_dw"), ("pwconv", "mlp.fc"), ("grn.beta", "mlp.grn.bias"), ("grn.gamma", "mlp.grn.weight"),
            ("block.0.", "conv_dw."), ("block.2.", "norm."), ("block.3.", "mlp.fc1."), ("block.5.", "mlp.fc2."), ("layer_scale", "gamma"));
        c.TakeModelShapes();
    }

    /// <summary>The projection into CLIP's space may be a perceptron, in models that have one.</summary>
    private static void OpenClip(Checkpoint c)
    {
        if (c.ModelShape("head.pre_logits.fc.weight") is not null)
            c.RenameMatches((@"^visual\.head\.mlp\.fc1\.", "visual.trunk.head.pre_logits.fc."), (@"^visual\.head\.mlp\.fc2\.", "visual.trunk.head.fc."));
        c.TakeOpenClip("head.fc");
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["depths"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["dims"] = (c, v) => c with { Channels = v.PerStage(c.Channels.Length) },
        ["kernel_sizes"] = (c, v) => c with { Kernels = v.ForStages(c.Kernels.Length) },
        ["patch_size"] = (c, v) => c with { PatchSize = v.GetInt32() },
        ["stem_type"] = (c, v) => c with { Stem = v.OneOf(("patch", Stem.Patch), ("overlap", Stem.Overlap), ("overlap_tiered", Stem.OverlapTiered), ("overlap_act", Stem.OverlapAct)) },
        ["ls_init_value"] = (c, _) => c with { LayerScale = true }, // also where they begin at 0
        ["conv_mlp"] = (c, v) => c with { ConvMlp = v.GetBoolean() },
        ["use_grn"] = (c, v) => c with { GlobalResponseNorm = v.GetBoolean() },
        ["act_layer"] = (c, v) => c with { Act = v.Activation() },
        ["norm_eps"] = (c, v) => c with { NormEps = v.GetSingle() },
        ["head_norm_first"] = (c, v) => c with { HeadNormFirst = v.GetBoolean() },
        ["head_hidden_size"] = (c, v) => c with { HeadHidden = v.GetInt32() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Remap = Remap,
        Arguments = Arguments,
        ["convnext_zepto_rms"] = new([2, 2, 4, 2], [32, 64, 128, 256]) { ConvMlp = true, Norm = Norm.SimpleNorm },
        ["convnext_zepto_rms_ols"] = new([2, 2, 4, 2], [32, 64, 128, 256]) { Stem = Stem.OverlapAct, ConvMlp = true, Norm = Norm.SimpleNorm },
        ["convnext_atto"] = new([2, 2, 6, 2], [40, 80, 160, 320]) { ConvMlp = true },
        ["convnext_atto_ols"] = new([2, 2, 6, 2], [40, 80, 160, 320]) { Stem = Stem.OverlapTiered, ConvMlp = true },
        ["convnext_atto_rms"] = new([2, 2, 6, 2], [40, 80, 160, 320]) { ConvMlp = true, Norm = Norm.RmsNorm },
        ["convnext_femto"] = new([2, 2, 6, 2], [48, 96, 192, 384]) { ConvMlp = true },
        ["convnext_femto_ols"] = new([2, 2, 6, 2], [48, 96, 192, 384]) { Stem = Stem.OverlapTiered, ConvMlp = true },
        ["convnext_pico"] = new([2, 2, 6, 2], [64, 128, 256, 512]) { ConvMlp = true },
        ["convnext_pico_ols"] = new([2, 2, 6, 2], [64, 128, 256, 512]) { Stem = Stem.OverlapTiered, ConvMlp = true },
        ["convnext_nano"] = new([2, 2, 8, 2], [80, 160, 320, 640]) { ConvMlp = true },
        ["convnext_nano_ols"] = new([2, 2, 8, 2], [80, 160, 320, 640]) { Stem = Stem.Overlap, ConvMlp = true },
        ["convnext_tiny_hnf"] = new([3, 3, 9, 3], [96, 192, 384, 768]) { ConvMlp = true, HeadNormFirst = true },
        ["convnext_tiny"] = new([3, 3, 9, 3], [96, 192, 384, 768]),
        ["convnext_small"] = new([3, 3, 27, 3], [96, 192, 384, 768]),
        ["convnext_base"] = new([3, 3, 27, 3], [128, 256, 512, 1024]),
        ["convnext_large"] = new([3, 3, 27, 3], [192, 384, 768, 1536]),
        ["convnext_large_mlp"] = new([3, 3, 27, 3], [192, 384, 768, 1536]) { HeadHidden = 1536 },
        ["convnext_xlarge"] = new([3, 3, 27, 3], [256, 512, 1024, 2048]),
        ["convnext_xxlarge"] = new([3, 4, 30, 3], [384, 768, 1536, 3072]) { NormEps = 1e-5f },
        ["convnextv2_atto"] = new([2, 2, 6, 2], [40, 80, 160, 320]) { ConvMlp = true, GlobalResponseNorm = true, LayerScale = false },
        ["convnextv2_femto"] = new([2, 2, 6, 2], [48, 96, 192, 384]) { ConvMlp = true, GlobalResponseNorm = true, LayerScale = false },
        ["convnextv2_pico"] = new([2, 2, 6, 2], [64, 128, 256, 512]) { ConvMlp = true, GlobalResponseNorm = true, LayerScale = false },
        ["convnextv2_nano"] = new([2, 2, 8, 2], [80, 160, 320, 640]) { ConvMlp = true, GlobalResponseNorm = true, LayerScale = false },
        ["convnextv2_tiny"] = new([3, 3, 9, 3], [96, 192, 384, 768]) { GlobalResponseNorm = true, LayerScale = false },
        ["convnextv2_small"] = new([3, 3, 27, 3], [96, 192, 384, 768]) { GlobalResponseNorm = true, LayerScale = false },
        ["convnextv2_base"] = new([3, 3, 27, 3], [128, 256, 512, 1024]) { GlobalResponseNorm = true, LayerScale = false },
        ["convnextv2_large"] = new([3, 3, 27, 3], [192, 384, 768, 1536]) { GlobalResponseNorm = true, LayerScale = false },
        ["convnextv2_huge"] = new([3, 3, 27, 3], [352, 704, 1408, 2816]) { GlobalResponseNorm = true, LayerScale = false },
        ["test_convnext"] = new([1, 2, 4, 2], [24, 32, 48, 64]) { Act = UnaryKind.GeluTanh, NormEps = 1e-5f },
        ["test_convnext2"] = new([1, 1, 1, 1], [32, 64, 96, 128]) { Act = UnaryKind.GeluTanh, NormEps = 1e-5f },
        ["test_convnext3"] = new([1, 1, 1, 1], [32, 64, 96, 128]) { Kernels = [7, 5, 5, 3], Act = UnaryKind.Silu, NormEps = 1e-5f },
    };
}
