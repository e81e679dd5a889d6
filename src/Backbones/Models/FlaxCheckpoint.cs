using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>Vision transformers as Google's JAX code saves them (.npz): the original ViT and AugReg, also those over a ResNet, big_vision's SigLIP and FlexiViT. timm: <c>_load_weights</c> of <c>vision_transformer.py</c></summary>
internal static class FlaxCheckpoint
{
    public static void Remap(Checkpoint c, VisionTransformer.Config config)
    {
        bool isBigVision = c.HasMatch("^params/");
        foreach (string prefix in new[] { "opt/target/", "params/img/", "params/" })
        {
            if (c.Has(prefix + "embedding/kernel"))
            {
                c.Take(prefix);
                break;
            }
        }
        // Layers are numbered in a block, in two ways.
        (int mlp, int norm2) = isBigVision ? (0, 1) : (3, 2);
        if (c.Has("Transformer/encoderblock/LayerNorm_0/scale"))
            Unstack(c, config.Depth);
        string stem = c.ModelShape("patch_embed.backbone.stem.conv.weight") is null ? "patch_embed/backbone" : "patch_embed/backbone/stem";
        c.RenameMatches(@"^block(\d+)/unit(\d+)/", m => $"patch_embed/backbone/stages/{Checkpoint.Number(m.Groups[1]) - 1}/blocks/{Checkpoint.Number(m.Groups[2]) - 1}/");
        c.RenameMatches(
            ("^conv_root/", $"{stem}/conv/"), ("^gn_root/", $"{stem}/norm/"), ("/conv_proj/", "/downsample/conv/"), ("/gn_proj/", "/downsample/norm/"), (@"/gn(\d)/", "/norm$1/"),
            ("^cls$", "cls_token"), ("^(Transformer/posembed_input/)?pos_embedding$", "pos_embed"), ("^embedding/", "patch_embed/proj/"), ("^Transformer/encoder_norm/", "norm/"),
            (@"^Transformer/encoderblock_(\d+)/", "blocks/$1/"), (@"(blocks/\d+)/LayerNorm_0/", "$1/norm1/"), ($@"(blocks/\d+)/LayerNorm_{norm2}/", "$1/norm2/"),
            (@"(blocks/\d+)/MultiHeadDotProductAttention_\d/", "$1/attn/"), ($@"(blocks/\d+)/MlpBlock_{mlp}/", "$1/mlp/"),
            ("^MAPHead_0/probe$", "attn_pool/latent"), ("^MAPHead_0/MultiHeadDotProductAttention_0/", "attn_pool/"), ("^MAPHead_0/LayerNorm_0/", "attn_pool/norm/"), ("^MAPHead_0/MlpBlock_0/", "attn_pool/mlp/"),
            ("/Dense_0/", "/fc1/"), ("/Dense_1/", "/fc2/"));
        c.Change("/(query|key|value)/kernel$", w => c.Ops.Transpose(c.Ops.Reshape(w, [w.Shape[0], w.Shape[1] * w.Shape[2]]), 0, 1)); // [C, heads, d]
        c.Change("/(query|key|value)/bias$", w => c.Ops.Flatten(w));
        c.Change("/out/kernel$", w => c.Ops.Transpose(c.Ops.Reshape(w, [w.Shape[0] * w.Shape[1], w.Shape[2]]), 0, 1)); // [heads, d, C]
        c.Change("(/fc[12]|^head)/kernel$", w => c.Ops.Transpose(w, 0, 1));
        c.Change("^patch_embed/.*kernel$", w => c.Ops.Permute(w, [3, 2, 0, 1])); // [H, W, I, O]
        c.Change("^patch_embed/.*(scale|bias)$", w => w.Shape.Rank > 1 ? c.Ops.Flatten(w) : w);
        if (c.ModelShape("patch_embed.proj.weight") is { Rank: 4 } patch)
            c.Change("^patch_embed/proj/kernel$", w => PatchKernel.Resize(c.Ops, w, (patch[2], patch[3]), bilinear: true));
        c.Change("^pos_embed$", x => Resize(c, config, x));
        c.Rename(("/out/", "/proj/"), ("/kernel", ".weight"), ("/scale", ".weight"), ("/bias", ".bias"), ("/", "."));
        c.Join("attn.qkv.", "attn.query.", "attn.key.", "attn.value.");
        c.Join("attn_pool.kv.", "attn_pool.key.", "attn_pool.value.");
        c.Rename(("attn_pool.query.", "attn_pool.q."));
        c.Drop(@"^pre_logits\."); // a layer that timm has no more
        if (c.ModelShape("attn_pool.latent") is null)
            c.Drop(@"^attn_pool\.");
    }

    /// <summary>Weights of all blocks in one tensor each (<c>nn.scan</c>).</summary>
    private static void Unstack(Checkpoint c, int depth)
    {
        const string Stacked = "Transformer/encoderblock/";
        foreach (string key in c.Keys.Where(k => k.StartsWith(Stacked, StringComparison.Ordinal)).ToList())
        {
            Node all = c.Pop(key);
            if (all.Shape[0] != depth)
                throw new GraphException($"'{key}' {all.Shape} is of {all.Shape[0]} blocks, the model has {depth}.");
            for (int i = 0; i < depth; i++)
                c[$"Transformer/encoderblock_{i}/{key[Stacked.Length..]}"] = c.Ops.Reshape(c.Ops.Slice(all, 0, i, 1), [.. all.Shape.Dimensions[1..]]);
        }
    }

    /// <summary>Bilinear, as timm does with these files alone.</summary>
    private static Node Resize(Checkpoint c, VisionTransformer.Config config, Node positions)
    {
        Size2 wanted = (c.ImageSize.H / config.PatchSize, c.ImageSize.W / config.PatchSize);
        int length = positions.Shape[1] - config.PositionPrefix, side = (int)Math.Sqrt(Math.Max(length, 0));
        return length == wanted.H * wanted.W || side * side != length ? positions
            : ParameterAdapters.ResizePositions(c.Ops, positions, config.PositionPrefix, side, wanted, bilinear: true);
    }
}
