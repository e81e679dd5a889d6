using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>Channel attention of a block: x <c>[C, H, W]</c> is scaled, with <paramref name="ratio"/> · <paramref name="channels"/> channels inside.</summary>
/// <param name="b">The builder, in the block's scope.</param>
/// <param name="x">The map.</param>
/// <param name="channels">Channels of the map before pruning.</param>
/// <param name="ratio">Width inside.</param>
/// <param name="act">The block's activation.</param>
internal delegate Node EfficientNetAttention(GraphBuilder b, Node x, int channels, double ratio, UnaryKind act);

/// <summary>What tells one variant of <see cref="EfficientNet"/> or <see cref="MobileNetV3"/> from another; the defaults are EfficientNet's arguments.</summary>
/// <param name="Stages">Block definitions stage by stage, those of a stage with a space between them.</param>
internal sealed record EfficientNetConfig(ImmutableArray<string> Stages)
{
    /// <summary>Channel multiplier.</summary>
    public double Width { get; init; } = 1;

    /// <summary>What scaled channels are a multiple of.</summary>
    public int ChannelDivisor { get; init; } = 8;

    /// <summary>How much of the scaled channels rounding has to leave.</summary>
    public double RoundLimit { get; init; } = 0.9;

    /// <summary>Depth multiplier of each stage; the last one for all that follow.</summary>
    public ImmutableArray<double> Depth { get; init; } = [1];

    /// <summary>Scaled depths are rounded, not rounded up.</summary>
    public bool RoundDepth { get; init; }

    /// <summary>First and last stage are not scaled in depth.</summary>
    public bool FixFirstLast { get; init; }

    /// <summary>Multiplier of the experts of conditional convolutions.</summary>
    public int ExpertsMultiplier { get; init; } = 1;

    /// <summary>Channels of a group of the convolutions that have groups; null for the blocks' own.</summary>
    public int? GroupSize { get; init; }

    public int StemSize { get; init; } = 32;

    public int StemKernel { get; init; } = 3;

    /// <summary>The stem is not scaled in width.</summary>
    public bool FixStem { get; init; }

    /// <summary>Channels of the head's convolution; 0 for none.</summary>
    public int Features { get; init; } = 1280;

    public UnaryKind Act { get; init; } = UnaryKind.Relu;

    public NormActLayer Norm { get; init; } = NormActs.BatchNorm;

    public PadType Pad { get; init; } = PadType.Symmetric;

    /// <summary>What strided convolutions leave their stride to; null for none.</summary>
    public AaLayer? AntiAlias { get; init; }

    public EfficientNetAttention Attention { get; init; } = EfficientNetBlocks.SqueezeExcite();

    /// <summary>The attention's width is reckoned from the channels inside the block and not from its input.</summary>
    public bool AttentionFromExpansion { get; init; }

    /// <summary>A learned factor for each channel at the end of MobileNetV4's blocks.</summary>
    public bool LayerScale { get; init; }

    /// <summary>A bias in the head's convolution (MobileNetV3).</summary>
    public bool HeadBias { get; init; } = true;

    /// <summary>A norm behind the head's convolution (MobileNetV4).</summary>
    public bool HeadNorm { get; init; }

    /// <summary>TensorFlow's padding and eps, for weights that were trained there.</summary>
    public EfficientNetConfig AsTensorFlow() => this with { Pad = PadType.Same, Norm = NormActs.BatchNormWith(TensorFlowEps) };

    /// <summary>What the entry points take: widths and depths are a variant's own there.</summary>
    public static IReadOnlyDictionary<string, Func<EfficientNetConfig, JsonElement, EfficientNetConfig>> Arguments { get; } = new Dictionary<string, Func<EfficientNetConfig, JsonElement, EfficientNetConfig>>
    {
        ["act_layer"] = (c, v) => c with { Act = v.Activation() },
        ["pad_type"] = (c, v) => c with { Pad = v.OneOf(("", PadType.Symmetric), ("same", PadType.Same)) },
    };

    /// <summary>TensorFlow's eps of batch normalisation.</summary>
    public const float TensorFlowEps = 1e-3f;

    /// <summary>Channels scaled in width. timm: <c>round_channels</c>.</summary>
    public int RoundChannels(int channels) => ChannelAttention.MakeDivisible(channels * Width, ChannelDivisor, roundLimit: RoundLimit);
}
