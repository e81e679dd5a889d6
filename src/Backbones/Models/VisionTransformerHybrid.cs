using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// Vision transformers over the feature map of a convolutional network: ResNetV2 with standardised weights, ResNet-D, or MobileCLIP's stem.
/// timm: <c>vision_transformer_hybrid.py</c>. Papers: An Image is Worth 16x16 Words, https://arxiv.org/abs/2010.11929; How to train your ViT?,
/// https://arxiv.org/abs/2106.10270; MobileCLIP, https://arxiv.org/abs/2311.17049
/// </summary>
internal static class VisionTransformerHybrid
{
    /// <summary>The network in its scope: an image to a map <c>[C, H, W]</c>.</summary>
    private delegate Node BackboneLayers(GraphBuilder b, Node image, ModelOptions options);

    private static readonly ResNetV2.Config s_resNetV2 = new([])
    {
        Stem = ResNetV2.Stem.Same,
        Block = ResNetV2.Block.Bottleneck,
        Norm = NormActs.GroupNorm32,
        Conv = ConvLayers.Standardized(1e-8f, PadType.Same),
    };

    private static VisionTransformer.EmbeddingLayers Hybrid(BackboneLayers backbone, int patchSize = 1, bool project = true) => (b, config, image, options)
        => HybridEmbed.Build(b, "patch_embed", image, (b, x) => backbone(b, x, options), project ? config.Width : null, patchSize);

    private static BackboneLayers ResNetV2Stages(params ImmutableArray<int> layers) => (b, image, options) =>
    {
        Node x = ResNetV2.Stages(b, s_resNetV2 with { Layers = layers }, image, options)[^1].Node;
        x = b.Identity("norm", x);
        using (b.Scope("head"))
            return ClassifierHeads.PoolConv(b, x, 0, "").Logits;
    };

    private static Node ResNetV2Stem(GraphBuilder b, Node image, ModelOptions options) => ResNetV2.StemLayers(b, s_resNetV2, image, 64).Pooled;

    private static BackboneLayers ResNetD(params ImmutableArray<int> layers) => (b, image, options) => ResNet.Stages(
        b, new(ResNet.Block.Bottleneck, layers) { Stem = ResNet.Stem.Deep, StemWidth = 32, AvgDown = true }, image, options)[^1].Node;

    /// <summary>timm's ConvStem as MobileCLIP has it: patches of 4, 2 and 2 pixels; norm and activation behind all but the last.</summary>
    private static Node MobileClipStem(GraphBuilder b, Node image, ModelOptions options)
    {
        Node x = Layer("0", image, 4);
        x = Layer("1", x, 2);
        using (b.Scope("2"))
            return b.Conv2d("conv", x, 768, 2, 2, bias: true);

        Node Layer(string name, Node x, int patch)
        {
            using (b.Scope(name))
                return NormActs.BatchNorm(b, "bn", b.Conv2d("conv", x, 192, patch, patch), UnaryKind.Gelu);
        }
    }

    private static VisionTransformer.Config Tiny { get; } = new(32, 192, 12, 3) { Embedding = Hybrid(ResNetV2Stem, patchSize: 8) };

    private static VisionTransformer.Config OfResNet(int reduction, int width, int depth, int heads, BackboneLayers backbone, double mlpRatio = 4)
        => new(reduction, width, depth, heads, mlpRatio) { Embedding = Hybrid(backbone) };

    /// <summary>MobileCLIP's files, and those that <see cref="VisionTransformer"/> knows.</summary>
    private static void Remap(Checkpoint c, VisionTransformer.Config config)
    {
        const string MobileClip = "image_encoder.model.";
        if (c.HasMatch($"^{Regex.Escape(MobileClip)}patch_emb"))
        {
            c.Take(MobileClip);
            c.RenameMatches((@"^pos_embed\.pos_embed\.pos_embed$", "pos_embed"));
            c.Change("^pos_embed$", x => x.Shape.Rank == 4 ? c.Ops.Reshape(x, [.. x.Shape.Dimensions[1..]]) : x);
            c.Rename(
                ("patch_emb.", "patch_embed.backbone."), ("block.conv", "conv"), ("block.norm", "bn"), ("post_transformer_norm.", "norm."), ("pre_norm_mha.0", "norm1"), ("pre_norm_mha.1", "attn"),
                ("pre_norm_ffn.0", "norm2"), ("pre_norm_ffn.1", "mlp.fc1"), ("pre_norm_ffn.4", "mlp.fc2"), ("qkv_proj.", "qkv."), ("out_proj.", "proj."), ("transformer.", "blocks."));
            if (c.Has("classifier.proj"))
            {
                // A projection is a classifier without bias, turned.
                Node projection = c.Pop("classifier.proj");
                c["head.bias"] = c.Zeros([projection.Shape[1]]);
                c["head.weight"] = c.Ops.Transpose(projection, 0, 1);
            }
        }
        VisionTransformer.Remap(c, config);
    }

    public static ModelFamily<VisionTransformer.Config> Models => new(VisionTransformer.Build)
    {
        GlobalPool = config => config.GlobalPool,
        Remap = Remap,
        // Patches are the network's pixels here.
        Arguments = VisionTransformer.Arguments.Where(a => a.Key is not ("patch_size" or "dynamic_img_pad" or "embed_norm_layer")).ToDictionary(),
        ["vit_tiny_r_s16_p8_224"] = Tiny,
        ["vit_tiny_r_s16_p8_384"] = Tiny,
        ["vit_small_r26_s32_224"] = OfResNet(32, 384, 12, 6, ResNetV2Stages(2, 2, 2, 2)),
        ["vit_small_r26_s32_384"] = OfResNet(32, 384, 12, 6, ResNetV2Stages(2, 2, 2, 2)),
        ["vit_base_r26_s32_224"] = OfResNet(32, 768, 12, 12, ResNetV2Stages(2, 2, 2, 2)),
        ["vit_base_r50_s16_224"] = OfResNet(16, 768, 12, 12, ResNetV2Stages(3, 4, 9)),
        ["vit_base_r50_s16_384"] = OfResNet(16, 768, 12, 12, ResNetV2Stages(3, 4, 9)),
        ["vit_large_r50_s32_224"] = OfResNet(32, 1024, 24, 16, ResNetV2Stages(3, 4, 6, 3)),
        ["vit_large_r50_s32_384"] = OfResNet(32, 1024, 24, 16, ResNetV2Stages(3, 4, 6, 3)),
        ["vit_small_resnet26d_224"] = OfResNet(32, 768, 8, 8, ResNetD(2, 2, 2, 2), mlpRatio: 3),
        ["vit_small_resnet50d_s16_224"] = OfResNet(16, 768, 8, 8, ResNetD(3, 4, 6), mlpRatio: 3),
        ["vit_base_resnet26d_224"] = OfResNet(32, 768, 12, 12, ResNetD(2, 2, 2, 2)),
        ["vit_base_resnet50d_224"] = OfResNet(32, 768, 12, 12, ResNetD(3, 4, 6, 3)),
        ["vit_base_mci_224"] = new(16, 768, 12, 12) { NoEmbedClass = true, Embedding = Hybrid(MobileClipStem, project: false) },
    };
}
