using System.Collections.Immutable;
using System.Globalization;
using Backbones.Graphs;

namespace Backbones.Models;

/// <summary>The kinds of blocks, with the letters that stand for them in a definition.</summary>
internal enum EfficientNetBlockKind
{
    /// <summary><c>ds</c>, <c>dsa</c> (with an activation at the end).</summary>
    DepthwiseSeparable,
    /// <summary><c>ir</c>.</summary>
    InvertedResidual,
    /// <summary><c>er</c>.</summary>
    EdgeResidual,
    /// <summary><c>cn</c>.</summary>
    ConvBnAct,
    /// <summary><c>uir</c>.</summary>
    UniversalInvertedResidual,
    /// <summary><c>mqa</c>.</summary>
    MobileAttention,
}

/// <summary>
/// One block as its definition says, such as <c>ir_r2_k3_s2_e6_c24_se0.25</c>: the kind, then letters and numbers in any order.
/// timm: <c>_efficientnet_builder.py</c>, <c>_decode_block_str</c>.
/// </summary>
/// <param name="Kind">The kind of block.</param>
internal sealed record EfficientNetBlockArgs(EfficientNetBlockKind Kind)
{
    /// <summary><c>c</c>: channels of the result, before the width multiplier.</summary>
    public int Channels { get; private init; }

    /// <summary><c>k</c>: sizes of the depthwise (or expanding) kernel; several for a mixed convolution.</summary>
    public ImmutableArray<int> Kernels { get; private init; } = [3];

    /// <summary><c>a</c>: sizes of the first convolution's kernel where it is not that one; 0 for no such convolution.</summary>
    public ImmutableArray<int> StartKernels { get; private init; } = [];

    /// <summary><c>p</c>: sizes of the last convolution's kernel.</summary>
    public ImmutableArray<int> EndKernels { get; private init; } = [];

    /// <summary><c>s</c>: stride of the first of the repeated blocks.</summary>
    public int Stride { get; private init; } = 1;

    /// <summary><c>e</c>: width inside the block, relative to its input.</summary>
    public double Expansion { get; private init; } = 1;

    /// <summary><c>se</c>: width inside the squeeze-excite; 0 for none.</summary>
    public double SqueezeExcite { get; private init; }

    /// <summary><c>nre</c>, <c>nr6</c>, <c>nhs</c>, <c>nsw</c>, <c>nmi</c>: activation; null for the model's.</summary>
    public UnaryKind? Act { get; private init; }

    /// <summary><c>skip</c>, <c>noskip</c>; null for the kind's own way.</summary>
    public bool? Skip { get; private init; }

    /// <summary>An activation at the end (<c>dsa</c>).</summary>
    public bool EndAct { get; private init; }

    /// <summary><c>gs</c>: channels of a group; 1 for depthwise, 0 for one group; null for the kind's own.</summary>
    public int? GroupSize { get; private init; }

    /// <summary><c>fc</c>: the input's channels that the expansion is reckoned from; 0 for the real ones.</summary>
    public int ExpansionChannels { get; private init; }

    /// <summary><c>cc</c>: experts of conditional convolutions; 0 for plain ones.</summary>
    public int Experts { get; private init; }

    /// <summary><c>d</c> of <c>ds</c>: space-to-depth starts here.</summary>
    public bool SpaceToDepth { get; private init; }

    /// <summary><c>h</c>: attention heads.</summary>
    public int Heads { get; private init; }

    /// <summary><c>d</c> of <c>mqa</c>: length of a query, a key and a value.</summary>
    public int HeadDim { get; private init; }

    /// <summary><c>v</c>: stride of the keys and values.</summary>
    public int KeyValueStride { get; private init; } = 1;

    /// <summary>All blocks of all stages, with repeats scaled by the depth multiplier. timm: <c>decode_arch_def</c>.</summary>
    /// <param name="config">Definitions and what changes them.</param>
    /// <exception cref="FormatException">A definition that is none.</exception>
    public static ImmutableArray<ImmutableArray<EfficientNetBlockArgs>> Decode(EfficientNetConfig config)
    {
        var stages = ImmutableArray.CreateBuilder<ImmutableArray<EfficientNetBlockArgs>>();
        for (int i = 0; i < config.Stages.Length; i++)
        {
            bool isFixed = config.FixFirstLast && (i == 0 || i == config.Stages.Length - 1);
            double depth = isFixed ? 1 : config.Depth[Math.Min(i, config.Depth.Length - 1)];
            (EfficientNetBlockArgs Args, int Repeats)[] blocks = [.. config.Stages[i].Split(' ').Select(Parse)];
            int[] repeats = ScaleRepeats([.. blocks.Select(b => b.Repeats)], depth, config.RoundDepth);
            stages.Add([.. blocks.SelectMany((b, k) => Enumerable.Repeat(b.Args with
            {
                Experts = b.Args.Experts * config.ExpertsMultiplier,
                GroupSize = b.Args.GroupSize ?? config.GroupSize,
            }, repeats[k]))]);
        }
        return stages.ToImmutable();
    }

    private static (EfficientNetBlockArgs Args, int Repeats) Parse(string definition)
    {
        string[] parts = definition.Split('_');
        var args = new EfficientNetBlockArgs(parts[0] switch
        {
            "ds" or "dsa" => EfficientNetBlockKind.DepthwiseSeparable,
            "ir" => EfficientNetBlockKind.InvertedResidual,
            "er" => EfficientNetBlockKind.EdgeResidual,
            "cn" => EfficientNetBlockKind.ConvBnAct,
            "uir" => EfficientNetBlockKind.UniversalInvertedResidual,
            "mqa" => EfficientNetBlockKind.MobileAttention,
            _ => throw new FormatException($"Unknown kind of block '{parts[0]}' in '{definition}'; valid kinds are cn, ds, dsa, er, ir, mqa and uir."),
        })
        {
            EndAct = parts[0] == "dsa",
        };
        int repeats = 1;
        foreach (string part in parts[1..])
        {
            int digit = part.AsSpan().IndexOfAnyInRange('0', '9');
            if (digit > 0 && part[..digit] == "r")
                repeats = Integer(part[digit..]);
            else
                args = args.With(part, digit < 0 ? part : part[..digit], digit < 0 ? "" : part[digit..]);
        }
        return (args, repeats);
    }

    private EfficientNetBlockArgs With(string part, string letters, string number) => letters switch
    {
        "noskip" => this with { Skip = false },
        "skip" => this with { Skip = true },
        "nre" => this with { Act = UnaryKind.Relu },
        "nr" when part == "nr6" => this with { Act = UnaryKind.Relu6 },
        "nhs" => this with { Act = UnaryKind.HardSwish },
        "nsw" => this with { Act = UnaryKind.Silu },
        "nmi" => this with { Act = UnaryKind.Mish },
        "c" => this with { Channels = Integer(number) },
        "k" => this with { Kernels = Integers(number) },
        "a" => this with { StartKernels = Integers(number) },
        "p" => this with { EndKernels = Integers(number) },
        "s" => this with { Stride = Integer(number) },
        "e" => this with { Expansion = double.Parse(number, CultureInfo.InvariantCulture) },
        "se" => this with { SqueezeExcite = double.Parse(number, CultureInfo.InvariantCulture) },
        "gs" => this with { GroupSize = Integer(number) },
        "fc" => this with { ExpansionChannels = Integer(number) },
        "cc" => this with { Experts = Integer(number) },
        "d" when Kind == EfficientNetBlockKind.MobileAttention => this with { HeadDim = Integer(number) },
        "d" when Kind == EfficientNetBlockKind.DepthwiseSeparable => this with { SpaceToDepth = Integer(number) > 0 },
        "h" => this with { Heads = Integer(number) },
        "v" => this with { KeyValueStride = Integer(number) },
        _ => throw new FormatException($"Unknown setting '{part}' of a block; valid settings are r, c, k, a, p, s, e, se, gs, fc, cc, d, h and v with a number, nre, nr6, nhs, nsw, nmi, skip and noskip."),
    };

    /// <summary>Scales the repeats of a stage as a whole and hands them out from the last definition to the first, which is the last to grow.</summary>
    private static int[] ScaleRepeats(int[] repeats, double depth, bool round)
    {
        int left = repeats.Sum();
        int scaledLeft = round ? Math.Max(1, (int)Math.Round(left * depth)) : (int)Math.Ceiling(left * depth);
        var scaled = new int[repeats.Length];
        for (int i = repeats.Length - 1; i >= 0; i--)
        {
            scaled[i] = Math.Max(1, (int)Math.Round(repeats[i] / (double)left * scaledLeft));
            left -= repeats[i];
            scaledLeft -= scaled[i];
        }
        return scaled;
    }

    private static int Integer(string number) => int.Parse(number, NumberStyles.None, CultureInfo.InvariantCulture);

    private static ImmutableArray<int> Integers(string numbers) => [.. numbers.Split('.').Select(Integer)];
}
