using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// torchvision's EfficientNet and EfficientNetV2, with torchvision's module and node names.
/// torchvision: <c>models/efficientnet.py</c>. Papers: EfficientNet, https://arxiv.org/abs/1905.11946; EfficientNetV2, https://arxiv.org/abs/2104.00298
/// </summary>
internal static class TorchvisionEfficientNet
{
    /// <summary>Blocks alike: how many times wider they are inside, kernel, the first one's stride, channels of the result, their number.</summary>
    /// <param name="Expansion">Width inside, in input widths.</param>
    /// <param name="Kernel">Kernel of the (depthwise) convolution.</param>
    /// <param name="Stride">Stride of the first block.</param>
    /// <param name="Channels">Channels of the result.</param>
    /// <param name="Blocks">Number of blocks.</param>
    /// <param name="Fused">One full convolution in place of the 1×1 and the depthwise one, and no squeeze-excite (EfficientNetV2).</param>
    internal readonly record struct Stage(int Expansion, int Kernel, int Stride, int Channels, int Blocks, bool Fused = false);

    /// <summary>What tells one variant from another.</summary>
    /// <param name="StemChannels">Channels of the first convolution.</param>
    /// <param name="Stages">The stages.</param>
    /// <param name="LastChannels">Channels of the last convolution; four times the last stage's if left out.</param>
    internal sealed record Config(int StemChannels, ImmutableArray<Stage> Stages, int? LastChannels = null)
    {
        /// <summary>Added to the variance in batch norms.</summary>
        public float NormEps { get; init; } = 1e-3f;
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        NormLayer norm = Norms.BatchNormWith(config.NormEps);
        int layer = 0, reduction = 2;
        var levels = new List<FeatureLevel>();
        Node x = Conv2dNormActivation.Build(b, Next(), b.Input, config.StemChannels, 3, norm, UnaryKind.Silu, stride: 2);
        foreach (Stage stage in config.Stages)
        {
            string name = Next();
            for (int i = 0; i < stage.Blocks; i++)
            {
                using (b.Scope($"{name}.{i}"))
                    x = Block(b, x, i == 0 ? stage : stage with { Stride = 1 }, norm);
            }
            levels.SetLast(reduction *= stage.Stride, name, x);
        }
        x = Conv2dNormActivation.Build(b, Next(), x, config.LastChannels ?? 4 * x.Shape[0], 1, norm, UnaryKind.Silu);
        Node pooled = TorchvisionHead.Pool(b, x, options);
        return BackboneGraph.OfLevels(b, levels, x, (pooled, TorchvisionHead.DropoutLinear(b, pooled, options))) with { Intermediates = null };

        string Next() => $"features.{layer++}";
    }

    /// <summary>MBConv, or FusedMBConv.</summary>
    private static Node Block(GraphBuilder b, Node x, Stage stage, NormLayer norm)
    {
        Node identity = x;
        int layer = 0, channels = x.Shape[0], width = ChannelAttention.MakeDivisible(channels * stage.Expansion);
        using (b.Scope("block"))
        {
            if (stage.Fused)
            {
                bool expands = width != channels;
                x = Layer(expands ? width : stage.Channels, stage.Kernel, UnaryKind.Silu, stage.Stride);
                x = expands ? Layer(stage.Channels, 1, act: null) : x;
            }
            else
            {
                x = width != channels ? Layer(width, 1, UnaryKind.Silu) : x;
                x = Layer(width, stage.Kernel, UnaryKind.Silu, stage.Stride, groups: width);
                x = SqueezeExcitation.Build(b, $"{layer++}", x, Math.Max(1, channels / 4), UnaryKind.Silu);
                x = Layer(stage.Channels, 1, act: null);
            }
        }
        return stage.Stride == 1 && channels == stage.Channels ? b.Add(b.Identity("stochastic_depth", x), identity) : x;

        Node Layer(int outChannels, int kernel, UnaryKind? act, int stride = 1, int groups = 1)
            => Conv2dNormActivation.Build(b, $"{layer++}", x, outChannels, kernel, norm, act, stride, groups: groups);
    }

    /// <summary>A variant of the first EfficientNet, by the factors of its widths and depths.</summary>
    private static Config Scaled(double width, double depth)
    {
        ImmutableArray<Stage> stages = [new(1, 3, 1, 16, 1), new(6, 3, 2, 24, 2), new(6, 5, 2, 40, 2), new(6, 3, 2, 80, 3), new(6, 5, 1, 112, 3), new(6, 5, 2, 192, 4), new(6, 3, 1, 320, 1)];
        return new(Channels(32), [.. stages.Select(s => s with { Channels = Channels(s.Channels), Blocks = (int)Math.Ceiling(s.Blocks * depth) })]);

        int Channels(int channels) => ChannelAttention.MakeDivisible(channels * width);
    }

    public static ModelFamily<Config> Models => new(Build)
    {
        ["torchvision/efficientnet_b0"] = Scaled(1.0, 1.0) with { NormEps = 1e-5f },
        ["torchvision/efficientnet_b1"] = Scaled(1.0, 1.1) with { NormEps = 1e-5f },
        ["torchvision/efficientnet_b2"] = Scaled(1.1, 1.2) with { NormEps = 1e-5f },
        ["torchvision/efficientnet_b3"] = Scaled(1.2, 1.4) with { NormEps = 1e-5f },
        ["torchvision/efficientnet_b4"] = Scaled(1.4, 1.8) with { NormEps = 1e-5f },
        ["torchvision/efficientnet_b5"] = Scaled(1.6, 2.2),
        ["torchvision/efficientnet_b6"] = Scaled(1.8, 2.6),
        ["torchvision/efficientnet_b7"] = Scaled(2.0, 3.1),
        ["torchvision/efficientnet_v2_s"] = new(24,
        [
            new(1, 3, 1, 24, 2, Fused: true), new(4, 3, 2, 48, 4, Fused: true), new(4, 3, 2, 64, 4, Fused: true),
            new(4, 3, 2, 128, 6), new(6, 3, 1, 160, 9), new(6, 3, 2, 256, 15),
        ], LastChannels: 1280),
        ["torchvision/efficientnet_v2_m"] = new(24,
        [
            new(1, 3, 1, 24, 3, Fused: true), new(4, 3, 2, 48, 5, Fused: true), new(4, 3, 2, 80, 5, Fused: true),
            new(4, 3, 2, 160, 7), new(6, 3, 1, 176, 14), new(6, 3, 2, 304, 18), new(6, 3, 1, 512, 5),
        ], LastChannels: 1280),
        ["torchvision/efficientnet_v2_l"] = new(32,
        [
            new(1, 3, 1, 32, 4, Fused: true), new(4, 3, 2, 64, 7, Fused: true), new(4, 3, 2, 96, 7, Fused: true),
            new(4, 3, 2, 192, 10), new(6, 3, 1, 224, 19), new(6, 3, 2, 384, 25), new(6, 3, 1, 640, 7),
        ], LastChannels: 1280),
    };
}
