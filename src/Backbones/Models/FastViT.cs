using System.Collections.Immutable;
using System.Text.Json;
using System.Text.RegularExpressions;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// FastViT, and MobileCLIP's image encoders (mci): mixers and convolutions of parallel branches that can be merged, attention in the last stages.
/// timm: <c>fastvit.py</c>. Papers: FastViT, https://arxiv.org/abs/2303.14189; MobileOne, https://arxiv.org/abs/2206.04040; MobileCLIP, https://arxiv.org/abs/2311.17049
/// </summary>
internal static class FastViT
{
    /// <summary>What tells one variant from another: channels and blocks of the stages, width of their perceptrons relative to them.</summary>
    internal sealed record Config(ImmutableArray<int> Widths, ImmutableArray<int> Depths, double MlpRatio)
    {
        /// <summary>The same stage by stage.</summary>
        public ImmutableArray<double> MlpRatios { get; init; } = [.. Widths.Select(_ => MlpRatio)];

        /// <summary>The stages from this one on have attention and a position encoding.</summary>
        public int FirstAttentionStage { get; init; } = int.MaxValue;

        /// <summary>The downsampling before these stages has a squeeze-excite.</summary>
        public ImmutableArray<int> SqueezedStages { get; init; } = [];

        /// <summary>An activation behind the large kernels.</summary>
        public bool LargeKernelAct { get; init; }

        /// <summary>Norm before attention.</summary>
        public NormLayer Norm { get; init; } = Norms.BatchNorm;

        /// <summary>The stem's convolutions have a 1×1 branch.</summary>
        public bool StemScaleBranch { get; init; } = true;

        /// <summary>Kernel of the mixers without attention.</summary>
        public int MixerKernel { get; init; } = 3;

        /// <summary>The larger kernel between stages.</summary>
        public int DownsampleKernel { get; init; } = 7;

        /// <summary>Channels of the result, relative to the last stage's.</summary>
        public double HeadRatio { get; init; } = 2;
    }

    private static readonly ActLayer s_act = ActLayers.Torch(UnaryKind.Gelu), s_noAct = (b, name, x) => b.Identity(name, x);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        int width = config.Widths[0];
        Node x = MobileOne(b, "stem.0", b.Input, width, 3, s_act, stride: 2, scaleBranch: config.StemScaleBranch);
        x = MobileOne(b, "stem.1", x, width, 3, s_act, stride: 2, groups: width, scaleBranch: config.StemScaleBranch);
        x = MobileOne(b, "stem.2", x, width, 1, s_act);
        var levels = new List<FeatureLevel>();
        for (int stage = 0; stage < config.Widths.Length; stage++)
        {
            using (b.Scope($"stages.{stage}"))
                x = Stage(b, config, x, stage);
            levels.Add(new FeatureLevel(x.Shape[0], 4 << stage, $"stages.{stage}", x));
        }
        // More channels, from one group for each channel.
        x = MobileOne(b, "final_conv", x, (int)(config.HeadRatio * x.Shape[0]), 3, s_act, groups: x.Shape[0], squeezeExcite: true);
        return BackboneGraph.OfLevels(b, levels, x, ClassifierHeads.Pool(b, x, options.NumClasses, options.GlobalPool)) with { DefaultOutIndices = [0, 1, 2, 3] };
    }

    private static Node Stage(GraphBuilder b, Config config, Node x, int stage)
    {
        bool attends = stage >= config.FirstAttentionStage;
        x = stage == 0 ? b.Identity("downsample", x) : Downsample(b, config, x, config.Widths[stage], config.SqueezedStages.Contains(stage));
        x = attends ? PositionEncoding(b, x) : b.Identity("pos_emb", x);
        for (int i = 0; i < config.Depths[stage]; i++)
        {
            using (b.Scope($"blocks.{i}"))
                x = attends ? AttentionBlock(b, config, x, config.MlpRatios[stage]) : RepMixerBlock(b, config, x, config.MlpRatios[stage]);
        }
        return x;
    }

    /// <summary>Twice the channels from a large and a small depthwise kernel of stride 2.</summary>
    private static Node Downsample(GraphBuilder b, Config config, Node x, int width, bool squeezes)
    {
        int groups = x.Shape[0];
        using (b.Scope("downsample.proj"))
        {
            using (b.Scope("0"))
            {
                Node large = ConvNormAct.Build(b, "large_conv", x, width, config.DownsampleKernel, NormActs.BatchNorm, act: null, stride: 2, groups: groups);
                x = b.Add(large, ConvNormAct.Build(b, "small_conv", x, width, 3, NormActs.BatchNorm, act: null, stride: 2, groups: groups));
                x = squeezes ? ChannelAttention.SqueezeExcite(b, "se", x, reductionRatio: 0.25f) : b.Identity("se", x);
                x = (config.LargeKernelAct ? s_act : s_noAct)(b, "act", x);
            }
            return MobileOne(b, "1", x, width, 1, s_act);
        }
    }

    private static Node PositionEncoding(GraphBuilder b, Node x)
    {
        using (b.Scope("pos_emb"))
            return b.Add(b.Conv2d("pos_enc", x, x.Shape[0], 7, padding: 3, groups: x.Shape[0], bias: true), x);
    }

    private static Node RepMixerBlock(GraphBuilder b, Config config, Node x, double mlpRatio)
    {
        int channels = x.Shape[0];
        using (b.Scope("token_mixer"))
        {
            b.Declare("norm", "mixer");
            Node mixed = MobileOne(b, "mixer", x, channels, config.MixerKernel, s_noAct, groups: channels);
            Node normed = MobileOne(b, "norm", x, channels, 3, s_noAct, groups: channels, scaleBranch: false, convBranch: false);
            x = b.Add(x, LayerScale(b, "layer_scale", b.Subtract(mixed, normed)));
        }
        return b.Add(x, b.Identity("drop_path", LayerScale(b, "layer_scale", ConvMlp(b, x, mlpRatio))));
    }

    private static Node AttentionBlock(GraphBuilder b, Config config, Node x, double mlpRatio)
    {
        Node y = config.Norm(b, "norm", x);
        using (b.Scope("token_mixer"))
            y = SelfAttention(b, y);
        x = b.Add(x, b.Identity("drop_path1", LayerScale(b, "layer_scale_1", y)));
        return b.Add(x, b.Identity("drop_path2", LayerScale(b, "layer_scale_2", ConvMlp(b, x, mlpRatio))));
    }

    private static Node SelfAttention(GraphBuilder b, Node x)
    {
        const int HeadWidth = 32;
        Shape map = x.Shape;
        (int channels, int length, int heads) = (map[0], map[1] * map[2], map[0] / HeadWidth);
        x = b.Transpose(b.Flatten(x, 1), 0, 1);
        Node qkv = b.Reshape(b.Linear("qkv", x, 3 * channels, bias: false), [length, 3, heads, HeadWidth]);
        qkv = b.Permute(qkv, [1, 2, 0, 3]);
        Node q = Attention.Part(b, qkv, 0), k = Attention.Part(b, qkv, 1), v = Attention.Part(b, qkv, 2);
        // FX has mul for the number of pixels.
        b.Identity("attn_drop", Attention.Maps(b, q, k, scaleTarget: "mul_1", transposeTarget: "transpose_1"));
        x = Attention.MergeHeads(b, b.Attention(q, k, v, target: "matmul_1"), "transpose_2");
        x = b.Identity("proj_drop", b.Linear("proj", x, channels));
        return b.Reshape(b.Transpose(x, 0, 1, "transpose_3"), map);
    }

    private static Node ConvMlp(GraphBuilder b, Node x, double ratio)
    {
        int channels = x.Shape[0];
        using (b.Scope("mlp"))
        {
            x = ConvNormAct.Build(b, "conv", x, channels, 7, NormActs.BatchNorm, act: null, groups: channels);
            x = b.Identity("drop", s_act(b, "act", b.Conv2d("fc1", x, (int)(channels * ratio), 1, bias: true)));
            return b.Identity("drop", b.Conv2d("fc2", x, channels, 1, bias: true));
        }
    }

    private static Node LayerScale(GraphBuilder b, string name, Node x)
    {
        using (b.Scope(name))
            return b.Multiply(x, b.Parameter("gamma", [x.Shape[0], 1, 1]));
    }

    /// <summary>MobileOne's block: the sum of a norm alone (where the shape stays), a 1×1 convolution and the convolution itself.</summary>
    private static Node MobileOne(
        GraphBuilder b, string name, Node x, int channels, int kernel, ActLayer act,
        int stride = 1, int groups = 1, bool scaleBranch = true, bool convBranch = true, bool squeezeExcite = false)
    {
        using (b.Scope(name))
        {
            b.Declare("se", "identity", "conv_kxk", "conv_scale");
            Node? identity = x.Shape[0] == channels && stride == 1 ? b.BatchNorm("identity", x) : null;
            Node? scale = kernel > 1 && scaleBranch ? ConvNormAct.Build(b, "conv_scale", x, channels, 1, NormActs.BatchNorm, act: null, stride, groups: groups) : null;
            // Where one is missing, or both, FX adds zero in its place.
            Node? sum = scale is not null && identity is not null ? b.Add(scale, identity) : (scale ?? identity) is { } single ? b.Identity("add", single) : null;
            if (convBranch)
            {
                Node conv = ConvNormAct.Build(b, "conv_kxk.0", x, channels, kernel, NormActs.BatchNorm, act: null, stride, groups: groups);
                sum = sum is null ? b.Identity("add", conv) : b.Add(sum, conv);
            }
            x = squeezeExcite ? ChannelAttention.SqueezeExcite(b, "se", sum!, divisor: 1) : b.Identity("se", sum!);
            return act(b, "act", x);
        }
    }

    /// <summary>The authors' files (one flat network, where projections begin the stages), MobileCLIP's and OpenCLIP's, where this is the image encoder.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        if (c.HasMatch(@"^visual\.trunk\."))
        {
            c.Take("visual.trunk.");
            return;
        }
        if (c.HasMatch(@"^image_encoder\.model\."))
            c.Take("image_encoder.model.");
        c.Rename(
            ("patch_embed", "stem"), ("rbr_conv", "conv_kxk"), ("rbr_scale", "conv_scale"), ("rbr_skip", "identity"), ("conv_exp", "final_conv"),
            ("lkb_origin", "large_conv"), ("convffn", "mlp"), ("se.reduce", "se.fc1"), ("se.expand", "se.fc2"), ("dist_head", "head_dist"));
        c.RenameMatches((@"(layer_scale(_\d)?)$", "$1.gamma"));
        if (c.Has("head.proj") && c.ModelShape("head.fc.weight") is not null)
        {
            // A projection is a classifier without bias, turned.
            Node projection = c.Pop("head.proj");
            c["head.fc.bias"] = c.Zeros([projection.Shape[1]]);
            c["head.fc.weight"] = c.Ops.Transpose(projection, 0, 1);
        }
        c.RenameMatches((@"^head\.(weight|bias)$", "head.fc.$1"));

        int[] starts = [.. c.Keys.Select(k => Regex.Match(k, @"^network\.(\d+)\.proj")).Where(m => m.Success).Select(m => Checkpoint.Number(m.Groups[1])).Distinct()];
        c.RenameMatches(@"^network\.(\d+)", m => $"network.{starts.Count(start => start <= Checkpoint.Number(m.Groups[1]))}.{m.Groups[1].Value}");
        c.RenameMatches((@"^network\.(\d+)\.\d+\.proj", "stages.$1.downsample.proj"), (@"^network\.(\d+)\.\d+\.pe\.", "stages.$1.pos_emb.pos_enc."), (@"^network\.(\d+)\.\d+\.", "stages.$1.blocks."));
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["layers"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["embed_dims"] = (c, v) => c with { Widths = v.PerStage(c.Widths.Length) },
        ["mlp_ratios"] = (c, v) => c with { MlpRatios = v.RatioPerStage(c.Widths.Length) },
        ["se_downsamples"] = (c, v) => c with { SqueezedStages = v.StagesWith(c.Widths.Length) },
        ["repmixer_kernel_size"] = (c, v) => c with { MixerKernel = v.OddKernel() },
        ["down_patch_size"] = (c, v) => c with { DownsampleKernel = v.OddKernel(least: 3) },
        ["lkc_use_act"] = (c, v) => c with { LargeKernelAct = v.GetBoolean() },
        ["stem_use_scale_branch"] = (c, v) => c with { StemScaleBranch = v.GetBoolean() },
        ["cls_ratio"] = (c, v) => c with { HeadRatio = v.GetDouble() },
        // What the scales are before training.
        ["layer_scale_init_value"] = (c, _) => c,
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        Remap = Remap,
        ["fastvit_t8"] = new([48, 96, 192, 384], [2, 2, 4, 2], 3),
        ["fastvit_t12"] = new([64, 128, 256, 512], [2, 2, 6, 2], 3),
        ["fastvit_s12"] = new([64, 128, 256, 512], [2, 2, 6, 2], 4),
        ["fastvit_sa12"] = new([64, 128, 256, 512], [2, 2, 6, 2], 4) { FirstAttentionStage = 3 },
        ["fastvit_sa24"] = new([64, 128, 256, 512], [4, 4, 12, 4], 4) { FirstAttentionStage = 3 },
        ["fastvit_sa36"] = new([64, 128, 256, 512], [6, 6, 18, 6], 4) { FirstAttentionStage = 3 },
        ["fastvit_ma36"] = new([76, 152, 304, 608], [6, 6, 18, 6], 4) { FirstAttentionStage = 3 },
        ["fastvit_mci0"] = MobileClip([64, 128, 256, 512], [2, 6, 10, 2]),
        ["fastvit_mci1"] = MobileClip([64, 128, 256, 512], [4, 12, 20, 4]),
        ["fastvit_mci2"] = MobileClip([80, 160, 320, 640], [4, 12, 24, 4]),
        ["fastvit_mci3"] = MobileClip2([96, 192, 384, 768, 1536], [2, 12, 24, 4, 2]),
        ["fastvit_mci4"] = MobileClip2([128, 256, 512, 1024, 2048], [2, 12, 24, 4, 4]),
    };

    private static Config MobileClip(ImmutableArray<int> widths, ImmutableArray<int> depths)
        => new(widths, depths, 3) { FirstAttentionStage = 3, SqueezedStages = [2, 3], LargeKernelAct = true };

    private static Config MobileClip2(ImmutableArray<int> widths, ImmutableArray<int> depths)
        => new(widths, depths, 4) { FirstAttentionStage = 3, LargeKernelAct = true, Norm = Norms.LayerNorm2d(1e-5f), StemScaleBranch = false };
}
