using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>
/// ConvMixer: depthwise and 1×1 convolutions over patches, at one resolution. timm's model has neither a pyramid nor intermediates.
/// timm: <c>convmixer.py</c>. Paper: Patches Are All You Need?, https://arxiv.org/abs/2201.09792
/// </summary>
internal static class ConvMixer
{
    /// <summary>What tells one variant from another.</summary>
    internal sealed record Config(int Width, int Depth, int Kernel, int PatchSize, UnaryKind Act = UnaryKind.Gelu);

    private static BackboneGraph Build(GraphBuilder b, Config config, ModelOptions options)
    {
        options.RequireOutputStride(32);
        Node x = ActNorm(b, "stem.1", "stem.2", config, b.Conv2d("stem.0", b.Input, config.Width, config.PatchSize, config.PatchSize, bias: true));
        for (int i = 0; i < config.Depth; i++)
        {
            using (b.Scope($"blocks.{i}"))
            {
                Node mixed;
                using (b.Scope("0"))
                {
                    mixed = b.Conv2d("fn.0", x, config.Width, config.Kernel, padding: config.Kernel / 2, groups: config.Width, bias: true);
                    x = b.Add(ActNorm(b, "fn.1", "fn.2", config, mixed), x);
                }
                x = ActNorm(b, "2", "3", config, b.Conv2d("1", x, config.Width, 1, bias: true));
            }
        }
        return BackboneGraph.OfLevels(b, [], x, Head(b, x, options.NumClasses, options.GlobalPool)) with { Intermediates = null };
    }

    private static Node ActNorm(GraphBuilder b, string act, string norm, Config config, Node x) => b.BatchNorm(norm, b.Act(act, x, config.Act));

    private static (Node PreLogits, Node Logits) Head(GraphBuilder b, Node x, int numClasses, string pool)
    {
        Classifier.RequirePool(x, numClasses, pool);
        x = GlobalPool.Pool(b, "pooling", x, pool, flatten: true);
        // Without pooling this head flattens the whole map.
        x = b.Identity("head_drop", pool.Length > 0 ? x : b.Flatten(x));
        return (x, Classifier.Fc(b, "head", x, numClasses));
    }

    public static ModelFamily<Config> Models => new(Build)
    {
        ["convmixer_1536_20"] = new(1536, 20, 9, 7),
        ["convmixer_768_32"] = new(768, 32, 7, 7, UnaryKind.Relu),
        ["convmixer_1024_20_ks9_p14"] = new(1024, 20, 9, 14),
    };
}
