using Backbones.Graphs;
using Backbones.Layers;
using static Backbones.Models.VisionTransformer;

namespace Backbones.Models;

/// <summary>
/// DeiT and DeiT III: vision transformers, some with a second token and classifier that learned from a teacher.
/// timm: <c>deit.py</c>. Papers: Training data-efficient image transformers, https://arxiv.org/abs/2012.12877; DeiT III, https://arxiv.org/abs/2204.07118
/// </summary>
internal static class DeiT
{
    private static Config Distilled(Config size) => size with { DistillationToken = true, Head = DistilledHead };

    private static Config DeiT3(Config size) => size with { LayerScale = true, NoEmbedClass = true };

    /// <summary>The mean of both classifiers' results, each on its own token. Without classes it is the mean of the tokens.</summary>
    private static (Node PreLogits, Node Logits) DistilledHead(GraphBuilder b, Config config, Node tokens, ModelOptions options)
    {
        if (options.CreatedPool != "token")
            throw new GraphException($"A distilled model pools by its two tokens, not by '{options.CreatedPool}'; leave the pool type at 'token'.");
        Node classToken = Token(0), distillationToken = Token(1);
        // FX traces only the way to the logits: the mean of the tokens has no name there.
        Node preLogits = b.Affine(b.Add(classToken, distillationToken, "#tokens"), 0.5f, target: "#pre_logits");
        Node sum = b.Add(Classifier.Fc(b, "head", classToken, options.NumClasses), Classifier.Fc(b, "head_dist", distillationToken, options.NumClasses));
        return (preLogits, b.Affine(sum, 0.5f, target: "truediv"));

        Node Token(int i) => b.Reshape(b.Slice(tokens, 0, i, 1), [tokens.Shape[1]]);
    }

    public static ModelFamily<Config> Models => new(Build)
    {
        GlobalPool = config => config.GlobalPool,
        Remap = Remap,
        Arguments = Arguments,
        ["deit_tiny_patch16_224"] = Tiny(16),
        ["deit_small_patch16_224"] = Small(16),
        ["deit_base_patch16_224"] = Base(16),
        ["deit_base_patch16_384"] = Base(16),
        ["deit_tiny_distilled_patch16_224"] = Distilled(Tiny(16)),
        ["deit_small_distilled_patch16_224"] = Distilled(Small(16)),
        ["deit_base_distilled_patch16_224"] = Distilled(Base(16)),
        ["deit_base_distilled_patch16_384"] = Distilled(Base(16)),
        ["deit3_small_patch16_224"] = DeiT3(Small(16)),
        ["deit3_small_patch16_384"] = DeiT3(Small(16)),
        ["deit3_medium_patch16_224"] = DeiT3(Medium(16)),
        ["deit3_base_patch16_224"] = DeiT3(Base(16)),
        ["deit3_base_patch16_384"] = DeiT3(Base(16)),
        ["deit3_large_patch16_224"] = DeiT3(Large(16)),
        ["deit3_large_patch16_384"] = DeiT3(Large(16)),
        ["deit3_huge_patch14_224"] = DeiT3(Huge(14)),
    };
}
