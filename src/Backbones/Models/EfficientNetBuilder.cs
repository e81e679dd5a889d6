using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>A block in its place: its definition with stride, dilation and channels resolved. Channels are those before pruning.</summary>
/// <param name="Config">The variant.</param>
/// <param name="Args">The definition.</param>
/// <param name="InChannels">Channels of the input.</param>
/// <param name="OutChannels">Channels of the result.</param>
/// <param name="Stride">The stride, 1 where a dilation stands in for it.</param>
/// <param name="Dilation">The dilation.</param>
/// <param name="Expansion">Width inside the block, relative to its input.</param>
/// <param name="StartsSpaceToDepth">The block begins with a space-to-depth convolution.</param>
internal sealed record EfficientNetPlacedBlock(
    EfficientNetConfig Config, EfficientNetBlockArgs Args, int InChannels, int OutChannels, int Stride, int Dilation, double Expansion, bool StartsSpaceToDepth)
{
    public UnaryKind Act => Args.Act ?? Config.Act;

    /// <summary>Whether input and result have the same shape, so that one can be added to the other.</summary>
    public bool KeepsShape => Stride == 1 && InChannels == OutChannels;

    /// <summary>Whether the input is added to the result.</summary>
    public bool HasSkip => KeepsShape && Args.Skip != false;
}

/// <summary>Stem and stages that <see cref="EfficientNet"/> and <see cref="MobileNetV3"/> share. timm: <c>_efficientnet_builder.py</c>.</summary>
internal static class EfficientNetBuilder
{
    /// <summary>The trunk's result.</summary>
    /// <param name="Node">The last stage's map.</param>
    /// <param name="Channels">Its channels before pruning.</param>
    /// <param name="Levels">The pyramid.</param>
    public sealed record Trunk(Node Node, int Channels, ImmutableArray<FeatureLevel> Levels);

    /// <summary>Builds the stem and all stages.</summary>
    /// <exception cref="GraphException">An output stride that is not supported.</exception>
    public static Trunk Build(GraphBuilder b, EfficientNetConfig config, ModelOptions options)
    {
        int channels = config.FixStem ? config.StemSize : config.RoundChannels(config.StemSize);
        Node x = Conv2dPadding.Conv2d(b, "conv_stem", b.Input, channels, config.StemKernel, config.Pad, stride: 2);
        return BuildStages(b, config, options, config.Norm(b, "bn1", x, config.Act), channels);
    }

    /// <summary>Builds all stages over a stem of stride 2.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="config">The variant.</param>
    /// <param name="options">What was asked for.</param>
    /// <param name="x">The stem's map.</param>
    /// <param name="stemChannels">Its channels before pruning; null where it is not pruned.</param>
    /// <exception cref="GraphException">An output stride that is not supported.</exception>
    public static Trunk BuildStages(GraphBuilder b, EfficientNetConfig config, ModelOptions options, Node x, int? stemChannels = null)
    {
        var schedule = new StrideSchedule(options, stem: 2);
        ImmutableArray<ImmutableArray<EfficientNetBlockArgs>> stages = EfficientNetBlockArgs.Decode(config);
        int channels = stemChannels ?? x.Shape[0];
        var levels = ImmutableArray.CreateBuilder<FeatureLevel>();
        if (stages[0][0].Stride > 1)
            levels.Add(new FeatureLevel(channels, 2, "bn1", x));

        bool spaceToDepth = false;
        for (int stage = 0; stage < stages.Length; stage++)
        {
            for (int i = 0; i < stages[stage].Length; i++)
            {
                EfficientNetBlockArgs args = stages[stage][i];
                int blockStride = i == 0 ? args.Stride : 1, blockDilation = schedule.Dilation;
                double expansion = args.Expansion;
                // Space-to-depth quarters the map and multiplies its channels by four until the next stride, which it has done already.
                bool starts = !spaceToDepth && args.SpaceToDepth;
                if (spaceToDepth && blockStride > 1)
                {
                    blockStride = 1;
                    expansion /= 4;
                    spaceToDepth = false;
                }
                spaceToDepth |= starts;
                blockStride = schedule.Next(blockStride);

                int outChannels = config.RoundChannels(args.Channels) * (spaceToDepth ? 4 : 1);
                using (b.Scope($"blocks.{stage}.{i}"))
                    x = EfficientNetBlocks.Build(b, x, new EfficientNetPlacedBlock(config, args, channels, outChannels, blockStride, blockDilation, expansion, starts));
                channels = outChannels;
            }
            if (stage == stages.Length - 1 || stages[stage + 1][0].Stride > 1)
                levels.Add(new FeatureLevel(channels, schedule.Reduction, $"blocks.{stage}", x));
        }
        return new Trunk(x, channels, levels.ToImmutable());
    }
}
