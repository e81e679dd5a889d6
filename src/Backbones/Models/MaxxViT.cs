using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// CoAtNet, MaxViT and timm's crossings of them with ConvNeXt: stages of convolution blocks, of global attention blocks, or of blocks that join a convolution, attention within windows
/// and attention over grids.
/// timm: <c>maxxvit.py</c>. Papers: CoAtNet, https://arxiv.org/abs/2106.04803; MaxViT, https://arxiv.org/abs/2204.01697; A ConvNet for the 2020s, https://arxiv.org/abs/2201.03545
/// </summary>
internal static partial class MaxxViT
{
    internal enum Block
    {
        /// <summary>A convolution block alone (timm's 'C').</summary>
        Conv,
        /// <summary>Attention over the whole map ('T').</summary>
        Transformer,
        /// <summary>A convolution block, attention within windows, attention over grids ('M').</summary>
        MaxVit,
        /// <summary>Two convolution blocks, then both attentions side by side ('PM').</summary>
        ParallelMaxVit,
    }

    internal enum RelPos
    {
        /// <summary>A table.</summary>
        Bias,
        /// <summary>A table as TensorFlow's models have it.</summary>
        BiasTf,
        /// <summary>A perceptron over distances.</summary>
        Mlp,
    }

    /// <summary>What tells one variant from another; the defaults are CoAtNet's.</summary>
    internal sealed record Config(ImmutableArray<int> Channels, ImmutableArray<int> Depths, int StemWidth)
    {
        /// <summary>Channels of the stem's first convolution; the second's by default.</summary>
        public int? StemFirst { get; init; }

        public bool StemBias { get; init; }

        /// <summary>The blocks of each stage; the last of them fills the rest of it.</summary>
        public ImmutableArray<ImmutableArray<Block>> Blocks { get; init; } = [[Block.Conv], [Block.Conv], [Block.Transformer], [Block.Transformer]];

        public ConvConfig Conv { get; init; } = new();

        public TransformerConfig Transformer { get; init; } = new();

        /// <summary>Width of the head's hidden layer, with the last norm behind the pooling; null for none, and the norm before.</summary>
        public int? HeadHidden { get; init; }
    }

    /// <summary>timm's MaxxVitConvCfg.</summary>
    internal sealed record ConvConfig
    {
        /// <summary>ConvNeXt blocks in place of inverted bottlenecks.</summary>
        public bool ConvNeXt { get; init; }

        /// <summary>The inner width is four times the result's and not the input's.</summary>
        public bool ExpandOutput { get; init; } = true;

        /// <summary>An activation behind the norm before the convolutions.</summary>
        public bool PreNormAct { get; init; }

        /// <summary>Biases of the last convolution and of the shortcut's.</summary>
        public bool OutputBias { get; init; } = true;

        /// <summary>A pooling takes the stride and not the depthwise convolution.</summary>
        public bool StrideByPool { get; init; }

        /// <summary>The shortcut is pooled by maximum and not by mean.</summary>
        public bool MaxPool { get; init; }

        public PadType Pad { get; init; } = PadType.Symmetric;

        /// <summary>Squeeze-excite stands before the norm of the depthwise convolution.</summary>
        public bool AttentionEarly { get; init; }

        public UnaryKind AttentionAct { get; init; } = UnaryKind.Silu;

        public double AttentionRatio { get; init; } = 0.25;

        /// <summary>A layer scale (ConvNeXt).</summary>
        public bool LayerScale { get; init; }

        public UnaryKind Act { get; init; } = UnaryKind.Gelu;

        public float NormEps { get; init; } = 1e-5f;

        public NormActLayer Norm => ConvNeXt ? NormActs.LayerNorm2dWith(NormEps) : NormActs.BatchNormWith(NormEps);
    }

    /// <summary>timm's MaxxVitTransformerCfg.</summary>
    internal sealed record TransformerConfig
    {
        /// <summary>Queries, keys and values are as wide as the result and not as the input.</summary>
        public bool ExpandFirst { get; init; } = true;

        public bool ShortcutBias { get; init; } = true;

        /// <summary>Maps are pooled by maximum and not by mean.</summary>
        public bool MaxPool { get; init; }

        public RelPos RelPos { get; init; } = RelPos.Bias;

        /// <summary>Width of the position bias's perceptron.</summary>
        public int RelPosDim { get; init; } = 512;

        /// <summary>No attention within windows (MaxxViT V2).</summary>
        public bool NoBlockAttention { get; init; }

        public bool LayerScale { get; init; }

        /// <summary>A head's queries, keys and values lie side by side, and not all heads' queries before all keys.</summary>
        public bool HeadFirst { get; init; } = true;

        public UnaryKind Act { get; init; } = UnaryKind.Gelu;

        public bool BatchNorm { get; init; }

        public float NormEps { get; init; } = 1e-6f;

        public NormLayer MapNorm => BatchNorm ? Norms.BatchNormWith(NormEps) : Norms.LayerNorm2d(NormEps);

        public NormLayer Norm => Norms.LayerNorm(NormEps);
    }

    /// <summary>What a block is built with: the variant, the size of windows and grids, and where adapters of tables go.</summary>
    private sealed record Context(Config Config, Size2 Window, ImmutableDictionary<string, ParameterAdapter>.Builder Adapters);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Size2 image = (b.Input.Shape[1], b.Input.Shape[2]);
        // Elsewhere convolutions round sizes up and poolings down.
        if (config.Conv.Pad == PadType.Symmetric && (image.H % 32 != 0 || image.W % 32 != 0))
            throw new GraphException($"The maps of an image of {image.H}×{image.W} cannot be halved five times; choose an image size that 32 divides.");
        var context = new Context(config, (image.H / 32, image.W / 32), ImmutableDictionary.CreateBuilder<string, ParameterAdapter>());
        Node x = Stem(b, config);
        var levels = new List<FeatureLevel> { new(config.StemWidth, 2, "stem", x) };
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            ImmutableArray<Block> kinds = config.Blocks[stage];
            for (int i = 0; i < config.Depths[stage]; i++)
            {
                using (b.Scope($"stages.{stage}.blocks.{i}"))
                    x = BuildBlock(b, context, kinds[Math.Min(i, kinds.Length - 1)], x, config.Channels[stage], i == 0 ? 2 : 1);
            }
            levels.Add(new FeatureLevel(config.Channels[stage], 4 << stage, $"stages.{stage}", x));
        }

        NormLayer norm = config.Transformer.MapNorm;
        Node features = Norms.OrIdentity(config.HeadHidden is null ? norm : null)(b, "norm", x);
        (Node PreLogits, Node Logits) head = config.HeadHidden is { } hidden
            ? ClassifierHeads.PoolNormMlp(b, features, options.NumClasses, options.GlobalPool, norm, hidden, ActLayers.Timm(UnaryKind.Tanh))
            : ClassifierHeads.Pool(b, features, options.NumClasses, options.GlobalPool);
        return BackboneGraph.OfLevels(b, levels, features, head) with
        {
            HeadHiddenSize = config.HeadHidden ?? features.Shape[0],
            // The norm fits the last stage alone.
            Intermediates = [.. levels.Select(l => new IntermediateLevel(l.Node, Norm: l.Node == x ? (_, _) => features : null))],
            Adapters = context.Adapters.ToImmutable(),
        };
    }

    private static Node Stem(GraphBuilder b, Config config)
    {
        ConvConfig conv = config.Conv;
        using (b.Scope("stem"))
        {
            Node x = Conv2dPadding.Conv2d(b, "conv1", b.Input, config.StemFirst ?? config.StemWidth, 3, conv.Pad, stride: 2, bias: config.StemBias);
            x = conv.Norm(b, "norm1", x, conv.Act);
            return Conv2dPadding.Conv2d(b, "conv2", x, config.StemWidth, 3, conv.Pad, bias: config.StemBias);
        }
    }
}
