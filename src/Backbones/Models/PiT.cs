using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// PiT: a vision transformer whose map of tokens is halved twice.
/// timm: <c>pit.py</c>. Paper: Rethinking Spatial Dimensions of Vision Transformers, https://arxiv.org/abs/2103.16302
/// </summary>
internal static class PiT
{
    /// <summary>What tells one variant from another.</summary>
    /// <param name="PatchSize">Pixels of a patch's side; patches overlap.</param>
    /// <param name="Stride">Pixels from one patch to the next.</param>
    /// <param name="HeadWidth">Channels of a head.</param>
    /// <param name="Depths">Blocks of each stage.</param>
    /// <param name="Heads">Heads of each stage.</param>
    internal sealed record Config(int PatchSize, int Stride, int HeadWidth, ImmutableArray<int> Depths, ImmutableArray<int> Heads)
    {
        /// <summary>Channels of a head stage by stage.</summary>
        public ImmutableArray<int> HeadWidths { get; init; } = [.. Depths.Select(_ => HeadWidth)];

        public double MlpRatio { get; init; } = 4;

        /// <summary>A second token and classifier that learned from a teacher.</summary>
        public bool Distilled { get; init; }
    }

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        int width = config.HeadWidths[0] * config.Heads[0], count = config.Distilled ? 2 : 1;
        Node x = b.Conv2d("patch_embed.conv", b.Input, width, config.PatchSize, config.Stride, bias: true);
        x = b.Add(x, b.Reshape(b.Parameter("pos_embed", [1, .. x.Shape]), x.Shape));
        x = b.Identity("pos_drop", x);
        Node tokens = b.Reshape(b.Parameter("cls_token", [1, count, width]), [count, width]);

        var levels = new List<FeatureLevel>();
        var intermediates = ImmutableArray.CreateBuilder<IntermediateLevel>();
        for (int stage = 0; stage < config.Depths.Length; stage++)
        {
            using (b.Scope($"transformers.{stage}"))
                (x, tokens) = Stage(b, config, x, tokens, stage);
            // timm counts one less than the stride, whatever the maps are.
            levels.Add(new FeatureLevel(x.Shape[0], (config.Stride - 1) << stage, $"transformers.{stage}", x));
            intermediates.Add(new IntermediateLevel(x, Final: tokens));
        }
        tokens = b.LayerNorm("norm", tokens, 1e-6f);
        return BackboneGraph.OfLevels(b, levels, tokens, Head(b, config, tokens, options)) with
        {
            NumFeatures = tokens.Shape[1],
            HeadHiddenSize = tokens.Shape[1],
            Intermediates = intermediates.ToImmutable(),
        };
    }

    /// <summary>A map <c>[C, H, W]</c> and class tokens <c>[P, C]</c>, halved from the second stage on, through the stage's blocks.</summary>
    private static (Node Map, Node Tokens) Stage(GraphBuilder b, Config config, Node x, Node tokens, int stage)
    {
        int width = config.HeadWidths[stage] * config.Heads[stage], count = tokens.Shape[0];
        if (stage > 0)
        {
            using (b.Scope("pool"))
            {
                x = b.Conv2d("conv", x, width, 3, 2, 1, groups: x.Shape[0], bias: true);
                tokens = b.Linear("fc", tokens, width);
            }
        }
        Shape map = x.Shape;
        x = b.Concat(0, [tokens, b.Transpose(b.Flatten(x, 1), 0, 1)]);
        x = b.Identity("norm", x);
        var block = new VisionTransformer.Config(config.PatchSize, width, config.Depths[stage], config.Heads[stage]) { Norm = Norms.TorchLayerNorm(1e-6f), MlpRatio = config.MlpRatio };
        for (int i = 0; i < config.Depths[stage]; i++)
        {
            using (b.Scope($"blocks.{i}"))
                x = block.Block(b, block, x, i);
        }
        tokens = b.Slice(x, 0, 0, count);
        return (b.Reshape(b.Transpose(TokenPool.WithoutPrefix(b, x, count), 0, 1), map), tokens);
    }

    private static (Node PreLogits, Node Logits) Head(GraphBuilder b, Config config, Node tokens, ModelOptions options)
    {
        TokenPool.Require(options.CreatedPool, "token");
        TokenPool.Require(options.GlobalPool, "token", "");
        if (!config.Distilled)
        {
            Node x = b.Identity("head_drop", TokenPool.Pool(b, tokens, options.GlobalPool, prefixTokens: 1));
            return (x, Classifier.Fc(b, "head", x, options.NumClasses));
        }
        // The mean of both classifiers' results; without classes that of the tokens.
        Node classToken = b.Identity("head_drop", Token(0)), distillationToken = b.Identity("head_drop", Token(1));
        Node preLogits = b.Affine(b.Add(classToken, distillationToken, "#tokens"), 0.5f, target: "#pre_logits");
        Node sum = b.Add(Classifier.Fc(b, "head", classToken, options.NumClasses), Classifier.Fc(b, "head_dist", distillationToken, options.NumClasses));
        return (preLogits, b.Affine(sum, 0.5f, target: "truediv"));

        Node Token(int i) => b.Reshape(b.Slice(tokens, 0, i, 1), [tokens.Shape[1]]);
    }

    /// <summary>The authors' files, where the halvings are not part of the stages.</summary>
    private static void Remap(Checkpoint c, Config config)
        => c.RenameMatches(@"^pools\.(\d+)\.", m => $"transformers.{Checkpoint.Number(m.Groups[1]) + 1}.pool.");

    private static Dictionary<string, Func<Config, JsonElement, Config>> Arguments { get; } = new()
    {
        ["patch_size"] = (c, v) => c with { PatchSize = v.GetInt32() },
        ["stride"] = (c, v) => c with { Stride = v.GetInt32() },
        ["base_dims"] = (c, v) => c with { HeadWidths = v.PerStage(c.HeadWidths.Length) },
        ["depth"] = (c, v) => c with { Depths = v.PerStage(c.Depths.Length) },
        ["heads"] = (c, v) => c with { Heads = v.PerStage(c.Heads.Length) },
        ["mlp_ratio"] = (c, v) => c with { MlpRatio = v.GetDouble() },
    };

    public static ModelFamily<Config> Models => new(Build)
    {
        Arguments = Arguments,
        Remap = Remap,
        GlobalPool = _ => "token",
        ["pit_b_224"] = Base,
        ["pit_s_224"] = Small,
        ["pit_xs_224"] = ExtraSmall,
        ["pit_ti_224"] = Tiny,
        ["pit_b_distilled_224"] = Base with { Distilled = true },
        ["pit_s_distilled_224"] = Small with { Distilled = true },
        ["pit_xs_distilled_224"] = ExtraSmall with { Distilled = true },
        ["pit_ti_distilled_224"] = Tiny with { Distilled = true },
    };

    private static Config Base { get; } = new(14, 7, 64, [3, 6, 4], [4, 8, 16]);

    private static Config Small { get; } = new(16, 8, 48, [2, 6, 4], [3, 6, 12]);

    private static Config ExtraSmall { get; } = new(16, 8, 48, [2, 6, 4], [2, 4, 8]);

    private static Config Tiny { get; } = new(16, 8, 32, [2, 6, 4], [2, 4, 8]);
}
