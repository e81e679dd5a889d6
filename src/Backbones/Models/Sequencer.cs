using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// Sequencer2D: a hierarchical network whose tokens are mixed by LSTMs along the rows and columns of the map. All maps have their channels last.
/// timm: <c>sequencer.py</c>. Paper: Sequencer: Deep LSTM for Image Classification, https://arxiv.org/abs/2205.01972
/// </summary>
internal static class Sequencer
{
    private const int MlpRatio = 3;

    private static readonly NormLayer s_norm = Norms.TorchLayerNorm(1e-6f);

    /// <summary>What tells one variant from another: blocks of each stage. The rest is the same for all.</summary>
    internal sealed record Config(ImmutableArray<int> Depths)
    {
        /// <summary>Side of a stage's patches in pixels of the map before.</summary>
        public ImmutableArray<int> PatchSizes { get; init; } = [7, 2, 1, 1];

        public ImmutableArray<int> Channels { get; init; } = [192, 384, 384, 384];

        /// <summary>Hidden width of an LSTM, in each direction.</summary>
        public ImmutableArray<int> Hidden { get; init; } = [48, 96, 96, 96];
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        GlobalPool.Require(options.GlobalPool, "avg", "");
        Node x = PatchEmbed.Map(b, "stem", b.Input, config.PatchSizes[0], config.Channels[0], norm: null);
        var levels = new List<FeatureLevel>();
        int reduction = config.PatchSizes[0];
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            reduction *= stage > 0 ? config.PatchSizes[stage] : 1;
            using (b.Scope($"stages.{stage}"))
            {
                x = stage > 0 ? Downsample(b, x, config.Channels[stage], config.PatchSizes[stage]) : b.Identity("downsample", x);
                for (int i = 0; i < config.Depths[stage]; i++)
                {
                    using (b.Scope($"blocks.{i}"))
                        x = Block(b, x, config.Hidden[stage]);
                }
            }
            levels.Add(new FeatureLevel(config.Channels[stage], reduction, $"stages.{stage}", x));
        }
        int width = config.Channels[^1];
        Node features = s_norm(b, "norm", x);
        return BackboneGraph.OfLevels(b, levels, features, ClassifierHeads.Pool(b, features, options.NumClasses, options.GlobalPool, channelsLast: true)) with
        {
            NumFeatures = width,
            HeadHiddenSize = width,
            LevelLayout = FeatureLayout.Nhwc,
            Intermediates = null,
            DefaultOutIndices = [0, 1, 2],
        };
    }

    private static Node Downsample(GraphBuilder b, Node x, int channels, int patch)
    {
        using (b.Scope("downsample"))
            return b.Permute(b.Conv2d("down", b.Permute(x, [2, 0, 1]), channels, patch, patch, bias: true), [1, 2, 0]);
    }

    private static Node Block(GraphBuilder b, Node x, int hidden)
    {
        x = b.Add(x, b.Identity("drop_path", Lstm2d(b, "rnn_tokens", s_norm(b, "norm1", x), hidden)));
        Node y = Mlp.Build(b, "mlp_channels", s_norm(b, "norm2", x), MlpRatio * x.Shape[2], ActLayers.Torch(UnaryKind.Gelu));
        return b.Add(x, b.Identity("drop_path", y));
    }

    /// <summary>Bidirectional LSTMs along the columns and along the rows of a map <c>[H, W, C]</c>, whose results together are projected back to C.</summary>
    private static Node Lstm2d(GraphBuilder b, string name, Node x, int hidden)
    {
        using (b.Scope(name))
        {
            b.Declare("fc");
            Node vertical = b.Permute(b.Lstm("rnn_v", b.Permute(x, [1, 0, 2]), hidden), [1, 0, 2]);
            Node horizontal = b.Lstm("rnn_h", x, hidden);
            return b.Linear("fc", b.Concat(2, [vertical, horizontal]), x.Shape[2]);
        }
    }

    /// <summary>The authors' files: a stage is a list of blocks, and the halving its last.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        c.RenameMatches(@"^blocks\.(\d+)\.\d+\.down", m => $"stages.{Checkpoint.Number(m.Groups[1]) + 1}.downsample.down");
        c.RenameMatches((@"^blocks\.(\d+)\.(\d+)\.", "stages.$1.blocks.$2."), (@"^head\.", "head.fc."));
    }

    public static ModelFamily<Config> Models => new(Build)
    {
        Remap = Remap,
        ["sequencer2d_s"] = new([4, 3, 8, 3]),
        ["sequencer2d_m"] = new([4, 3, 14, 3]),
        ["sequencer2d_l"] = new([8, 8, 16, 4]),
    };
}
