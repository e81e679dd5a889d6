using Backbones.Graphs;
using Backbones.Layers;
using static Backbones.Models.VisionTransformer;

namespace Backbones.Models;

/// <summary>
/// DeiT and DeiT III: vision transformers, some with a second token and classifier that learned from a teacher.
/// timm: <c>deit.py</c>. Papers: Training data-efficient image transformers, https://arxiv.org/abs/2012.12877; DeiT III, https://arxiv.org/abs/2204.07118
/// </summary>
public static class DeiT
{
    /// <summary>The mean of both classifiers' results, each on its own token. Without classes it is the mean of the tokens.</summary>
    internal static (Node PreLogits, Node Logits) DistilledHead(GraphBuilder b, Node tokens, int numClasses)
    {
        Node classToken = Token(0), distillationToken = Token(1);
        // FX traces only the way to the logits: the mean of the tokens has no name there.
        Node preLogits = b.Affine(b.Add(classToken, distillationToken, "#tokens"), 0.5f, target: "#pre_logits");
        Node sum = b.Add(Classifier.Fc(b, "head", classToken, numClasses), Classifier.Fc(b, "head_dist", distillationToken, numClasses));
        return (preLogits, b.Affine(sum, 0.5f, target: "truediv"));

        Node Token(int i) => b.Reshape(b.Slice(tokens, 0, i, 1), [tokens.Shape[1]]);
    }

    /// <summary>All variants.</summary>
    public static IEnumerable<ModelEntry> Models =>
    [
        Model("deit_tiny_patch16_224", Tiny(16)),
        Model("deit_small_patch16_224", Small(16)),
        Model("deit_base_patch16_224", Base(16)),
        Model("deit_base_patch16_384", Base(16) with { ImageSize = 384 }),
        Model("deit_tiny_distilled_patch16_224", Tiny(16) with { DistillationToken = true }),
        Model("deit_small_distilled_patch16_224", Small(16) with { DistillationToken = true }),
        Model("deit_base_distilled_patch16_224", Base(16) with { DistillationToken = true }),
        Model("deit_base_distilled_patch16_384", Base(16) with { DistillationToken = true, ImageSize = 384 }),
        Model("deit3_small_patch16_224", DeiT3(Small(16))),
        Model("deit3_small_patch16_384", DeiT3(Small(16)) with { ImageSize = 384 }),
        Model("deit3_medium_patch16_224", DeiT3(Medium(16))),
        Model("deit3_base_patch16_224", DeiT3(Base(16))),
        Model("deit3_base_patch16_384", DeiT3(Base(16)) with { ImageSize = 384 }),
        Model("deit3_large_patch16_224", DeiT3(Large(16))),
        Model("deit3_large_patch16_384", DeiT3(Large(16)) with { ImageSize = 384 }),
        Model("deit3_huge_patch14_224", DeiT3(Huge(14))),
    ];

    private static Config DeiT3(Config size) => size with { LayerScale = true, NoEmbedClass = true };
}
