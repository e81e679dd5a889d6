using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// RegNet X (grouped bottlenecks), Y (with squeeze-excite), V (the same, activated before each convolution) and Z (inverted bottlenecks):
/// stage widths come from a linear function of the block's number.
/// timm: <c>regnet.py</c>. Papers: Designing Network Design Spaces, https://arxiv.org/abs/2003.13678; Fast and Accurate Model Scaling,
/// https://arxiv.org/abs/2103.06877
/// </summary>
internal static class RegNet
{
    private const int StageCount = 4;

    internal enum Shortcut
    {
        /// <summary>A strided 1×1 convolution.</summary>
        Conv,
        /// <summary>Average pooling and a 1×1 convolution.</summary>
        Pool,
        /// <summary>No shortcut where the size or the width changes.</summary>
        None,
    }

    /// <summary>What tells one variant from another: the paper's depth, initial width w0, slope wa, multiplier wm and group width.</summary>
    internal sealed record Config(int Depth, int InitialWidth, float Slope, float Multiplier, int GroupWidth)
    {
        /// <summary>Width of a block's 3×3 convolution, relative to the block's.</summary>
        public float BottleneckRatio { get; init; } = 1;

        /// <summary>Width of the squeeze-excite, relative to the block's input; 0 for none.</summary>
        public float SqueezeRatio { get; init; }

        /// <summary>Widths are rounded to multiples of the group width as torchvision does: not down by more than a tenth.</summary>
        public bool TorchvisionRounding { get; init; }

        public Shortcut Shortcut { get; init; } = Shortcut.Conv;

        /// <summary>No activation behind the addition.</summary>
        public bool LinearOut { get; init; }

        /// <summary>Norm and activation stand before each convolution.</summary>
        public bool PreAct { get; init; }

        /// <summary>Channels of a last 1×1 convolution; 0 for none.</summary>
        public int HeadWidth { get; init; }

        public UnaryKind Act { get; init; } = UnaryKind.Relu;

        public NormActLayer Norm { get; init; } = NormActs.BatchNorm;
    }

    internal readonly record struct Stage(int Depth, int Width, int GroupWidth);

    private sealed record BlockArgs(int Width, int GroupWidth, int Stride, int Dilation, bool HasShortcutLayer);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        var schedule = new StrideSchedule(options, stem: 2);
        Node x = config.PreAct ? b.Conv2d("stem", b.Input, 32, 3, stride: 2, padding: 1) : ConvNormAct.Build(b, "stem", b.Input, 32, 3, config.Norm, config.Act, stride: 2);
        var levels = new List<FeatureLevel> { new(32, 2, "stem", x) };

        ImmutableArray<Stage> stages = StagesOf(config);
        if (stages.Length != StageCount)
            throw new GraphException($"The depth {config.Depth} with the numbers w0, wa and wm comes to {stages.Length} stages; a RegNet has {StageCount}.");
        foreach ((int number, Stage stage) in stages.Index())
        {
            int stride = schedule.Next(2);
            string name = $"s{number + 1}";
            using (b.Scope(name))
                x = BuildStage(b, config, x, stage, stride, schedule.Dilation);
            levels.Add(new FeatureLevel(stage.Width, schedule.Reduction, name, x));
        }

        x = config.HeadWidth > 0 ? ConvNormAct.Build(b, "final_conv", x, config.HeadWidth, 1, config.Norm, config.Act)
            : config.LinearOut || config.PreAct ? ActLayers.Timm(config.Act)(b, "final_conv", x)
            : b.Identity("final_conv", x);
        return BackboneGraph.OfLevels(b, levels, x, ClassifierHeads.Pool(b, x, options.NumClasses, options.GlobalPool));
    }

    /// <summary>The stages that a variant's numbers come to (the paper's section 3.3): block widths on a line, snapped to powers of the multiplier, then to whole groups.</summary>
    internal static ImmutableArray<Stage> StagesOf(Config config)
    {
        var stages = ImmutableArray.CreateBuilder<Stage>();
        foreach (IGrouping<int, int> blocks in Enumerable.Range(0, config.Depth).Select(WidthOf).GroupBy(width => width).OrderBy(group => group.Key))
        {
            int inner = (int)(blocks.Key * config.BottleneckRatio), group = Math.Min(config.GroupWidth, inner);
            inner = config.TorchvisionRounding ? ChannelAttention.MakeDivisible(inner, group) : (int)Math.Round((double)inner / group) * group;
            stages.Add(new Stage(blocks.Count(), (int)(inner / config.BottleneckRatio), group));
        }
        return stages.ToImmutable();

        int WidthOf(int block)
        {
            float linear = block * config.Slope + config.InitialWidth;
            float power = MathF.Round(MathF.Log(linear / config.InitialWidth) / MathF.Log(config.Multiplier));
            return (int)(MathF.Round(config.InitialWidth * MathF.Pow(config.Multiplier, power) / 8) * 8);
        }
    }

    private static Node BuildStage(GraphBuilder b, Config config, Node x, Stage stage, int stride, int dilation)
    {
        int blockDilation = dilation > 2 ? 2 : 1;
        for (int i = 0; i < stage.Depth; i++)
        {
            int blockStride = i == 0 ? stride : 1;
            bool changes = x.Shape[0] != stage.Width || blockStride != 1 || blockDilation != dilation;
            var args = new BlockArgs(stage.Width, stage.GroupWidth, blockStride, blockDilation, changes);
            using (b.Scope($"b{i + 1}"))
                x = config.PreAct ? PreActBottleneck(b, config, x, args) : Bottleneck(b, config, x, args);
            blockDilation = dilation;
        }
        return x;
    }

    private static Node Bottleneck(GraphBuilder b, Config config, Node x, BlockArgs args)
    {
        Node shortcut = x;
        int inner = InnerWidth(config, args);
        x = ConvNormAct.Build(b, "conv1", x, inner, 1, config.Norm, config.Act);
        x = ConvNormAct.Build(b, "conv2", x, inner, 3, config.Norm, config.Act, args.Stride, args.Dilation, inner / args.GroupWidth);
        x = SqueezeExcite(b, config, x, shortcut);
        x = ConvNormAct.Build(b, "conv3", x, args.Width, 1, config.Norm, act: null);
        x = AddShortcut(b, config, x, shortcut, args);
        return config.LinearOut ? b.Identity("act3", x) : ActLayers.Timm(config.Act)(b, "act3", x);
    }

    private static Node PreActBottleneck(GraphBuilder b, Config config, Node x, BlockArgs args)
    {
        int inner = InnerWidth(config, args);
        Node shortcut = x = config.Norm(b, "norm1", x, config.Act);
        x = b.Conv2d("conv1", x, inner, 1);
        x = config.Norm(b, "norm2", x, config.Act);
        x = Conv2dPadding.Conv2d(b, "conv2", x, inner, 3, PadType.Symmetric, args.Stride, args.Dilation, inner / args.GroupWidth);
        x = SqueezeExcite(b, config, x, shortcut);
        x = config.Norm(b, "norm3", x, config.Act);
        x = b.Conv2d("conv3", x, args.Width, 1);
        return AddShortcut(b, config, x, shortcut, args);
    }

    private static int InnerWidth(Config config, BlockArgs args) => (int)MathF.Round(args.Width * config.BottleneckRatio);

    private static Node SqueezeExcite(GraphBuilder b, Config config, Node x, Node blockInput) => config.SqueezeRatio == 0
        ? b.Identity("se", x)
        : ChannelAttention.SqueezeExcite(b, "se", x, reducedChannels: (int)MathF.Round(blockInput.Shape[0] * config.SqueezeRatio), act: config.Act);

    private static Node AddShortcut(GraphBuilder b, Config config, Node x, Node shortcut, BlockArgs args)
    {
        if (args.HasShortcutLayer && config.Shortcut == Shortcut.None)
            return x;
        x = b.Identity("drop_path", x);
        return b.Add(x, args.HasShortcutLayer ? ShortcutLayer(b, config, shortcut, args) : b.Identity("downsample", shortcut));
    }

    private static Node ShortcutLayer(GraphBuilder b, Config config, Node x, BlockArgs args)
    {
        if (config.Shortcut == Shortcut.Conv)
        {
            return config.PreAct ? b.Conv2d("downsample", x, args.Width, 1, args.Stride)
                : ConvNormAct.Build(b, "downsample", x, args.Width, 1, config.Norm, act: null, args.Stride);
        }
        using (b.Scope("downsample"))
        {
            x = DownsamplePool.Build(b, "0", x, args.Stride, args.Dilation);
            return config.PreAct ? b.Conv2d("1", x, args.Width, 1) : ConvNormAct.Build(b, "1", x, args.Width, 1, config.Norm, act: null);
        }
    }

    /// <summary>Files of torchvision, and of Classy Vision and VISSL (SEER), which have blocks by the same names in another trunk.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        c.Drop("projection_head", "prototypes");
        c.Rename(("trunk._feature_blocks.conv1.stem.", "stem."), ("heads.0.clf.0.", "head.fc."));
        c.RenameMatches((@"^stem\.0\.", "stem.conv."), (@"^stem\.1\.", "stem.bn."), (@"^fc\.", "head.fc."));
        c.RenameMatches(@"^(?:trunk_output\.block\d|trunk\._feature_blocks\.res\d)\.block(\d)-(\d+)\.", m => $"s{m.Groups[1]}.b{Checkpoint.Number(m.Groups[2]) + 1}.");
        c.RenameMatches(
            (@"\.f\.a\.0\.", ".conv1.conv."), (@"\.f\.a\.1\.", ".conv1.bn."), (@"\.f\.b\.0\.", ".conv2.conv."), (@"\.f\.b\.1\.", ".conv2.bn."),
            (@"\.f\.c\.0\.", ".conv3.conv."), (@"\.f\.c\.1\.", ".conv3.bn."), (@"\.f\.c\.", ".conv3.conv."), (@"\.f\.final_bn\.", ".conv3.bn."),
            (@"\.f\.se\.excitation\.0\.", ".se.fc1."), (@"\.f\.se\.excitation\.2\.", ".se.fc2."), (@"\.f\.se\.", ".se."),
            (@"\.proj\.0\.", ".downsample.conv."), (@"\.proj\.1\.", ".downsample.bn."), (@"\.proj\.", ".downsample.conv."), (@"(s\d\.b\d+)\.bn\.", "$1.downsample.bn."));
    }

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["depth"] = (c, v) => c with { Depth = v.Number() },
        ["w0"] = (c, v) => c with { InitialWidth = v.Number(n => n % 8 == 0, "a multiple of 8") },
        ["wa"] = (c, v) => c with { Slope = v.GetSingle() },
        ["wm"] = (c, v) => c with { Multiplier = v.GetSingle() is var m and > 1 ? m : throw new ArgumentValueException("above 1") },
        ["group_size"] = (c, v) => c with { GroupWidth = v.GetInt32() },
        ["bottle_ratio"] = (c, v) => c with { BottleneckRatio = v.GetSingle() },
        ["se_ratio"] = (c, v) => c with { SqueezeRatio = v.GetSingle() },
        ["downsample"] = (c, v) => c with { Shortcut = v.OneOf(("conv1x1", Shortcut.Conv), ("avg", Shortcut.Pool)) },
        ["linear_out"] = (c, v) => c with { LinearOut = v.GetBoolean() },
        ["preact"] = (c, v) => c with { PreAct = v.GetBoolean() },
        ["num_features"] = (c, v) => c with { HeadWidth = v.GetInt32() },
        ["act_layer"] = (c, v) => c with { Act = v.Activation() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Remap = Remap,
        Arguments = Arguments,
        ["regnetx_002"] = new(13, 24, 36.44f, 2.49f, 8),
        ["regnetx_004"] = new(22, 24, 24.48f, 2.54f, 16),
        ["regnetx_004_tv"] = new(22, 24, 24.48f, 2.54f, 16) { TorchvisionRounding = true },
        ["regnetx_006"] = new(16, 48, 36.97f, 2.24f, 24),
        ["regnetx_008"] = new(16, 56, 35.73f, 2.28f, 16),
        ["regnetx_016"] = new(18, 80, 34.01f, 2.25f, 24),
        ["regnetx_032"] = new(25, 88, 26.31f, 2.25f, 48),
        ["regnetx_040"] = new(23, 96, 38.65f, 2.43f, 40),
        ["regnetx_064"] = new(17, 184, 60.83f, 2.07f, 56),
        ["regnetx_080"] = new(23, 80, 49.56f, 2.88f, 120),
        ["regnetx_120"] = new(19, 168, 73.36f, 2.37f, 112),
        ["regnetx_160"] = new(22, 216, 55.59f, 2.1f, 128),
        ["regnetx_320"] = new(23, 320, 69.86f, 2f, 168),
        ["regnety_002"] = new(13, 24, 36.44f, 2.49f, 8) { SqueezeRatio = 0.25f },
        ["regnety_004"] = new(16, 48, 27.89f, 2.09f, 8) { SqueezeRatio = 0.25f },
        ["regnety_006"] = new(15, 48, 32.54f, 2.32f, 16) { SqueezeRatio = 0.25f },
        ["regnety_008"] = new(14, 56, 38.84f, 2.4f, 16) { SqueezeRatio = 0.25f },
        ["regnety_008_tv"] = new(14, 56, 38.84f, 2.4f, 16) { SqueezeRatio = 0.25f, TorchvisionRounding = true },
        ["regnety_016"] = new(27, 48, 20.71f, 2.65f, 24) { SqueezeRatio = 0.25f },
        ["regnety_032"] = new(21, 80, 42.63f, 2.66f, 24) { SqueezeRatio = 0.25f },
        ["regnety_040"] = new(22, 96, 31.41f, 2.24f, 64) { SqueezeRatio = 0.25f },
        ["regnety_064"] = new(25, 112, 33.22f, 2.27f, 72) { SqueezeRatio = 0.25f },
        ["regnety_080"] = new(17, 192, 76.82f, 2.19f, 56) { SqueezeRatio = 0.25f },
        ["regnety_080_tv"] = new(17, 192, 76.82f, 2.19f, 56) { SqueezeRatio = 0.25f, TorchvisionRounding = true },
        ["regnety_120"] = new(19, 168, 73.36f, 2.37f, 112) { SqueezeRatio = 0.25f },
        ["regnety_160"] = new(18, 200, 106.23f, 2.48f, 112) { SqueezeRatio = 0.25f },
        ["regnety_320"] = new(20, 232, 115.89f, 2.53f, 232) { SqueezeRatio = 0.25f },
        ["regnety_640"] = new(20, 352, 147.48f, 2.4f, 328) { SqueezeRatio = 0.25f },
        ["regnety_1280"] = new(27, 456, 160.83f, 2.52f, 264) { SqueezeRatio = 0.25f },
        ["regnety_2560"] = new(27, 640, 230.83f, 2.53f, 373) { SqueezeRatio = 0.25f },
        ["regnety_040_sgn"] = new(22, 96, 31.41f, 2.24f, 64) { SqueezeRatio = 0.25f, Act = UnaryKind.Silu, Norm = NormActs.GroupNorm(16) },
        ["regnetv_040"] = new(22, 96, 31.41f, 2.24f, 64) { SqueezeRatio = 0.25f, PreAct = true, Act = UnaryKind.Silu },
        ["regnetv_064"] = new(25, 112, 33.22f, 2.27f, 72) { SqueezeRatio = 0.25f, PreAct = true, Act = UnaryKind.Silu, Shortcut = Shortcut.Pool },
        ["regnetz_005"] = Z(21, 16, 10.7f, 2.51f, 4) with { HeadWidth = 1024 },
        ["regnetz_040"] = Z(28, 48, 14.5f, 2.226f, 8),
        ["regnetz_040_h"] = Z(28, 48, 14.5f, 2.226f, 8) with { HeadWidth = 1536 },
    };

    private static Config Z(int depth, int initialWidth, float slope, float multiplier, int groupWidth) => new(depth, initialWidth, slope, multiplier, groupWidth)
    {
        BottleneckRatio = 4,
        SqueezeRatio = 0.25f,
        Shortcut = Shortcut.None,
        LinearOut = true,
        Act = UnaryKind.Silu,
    };
}
