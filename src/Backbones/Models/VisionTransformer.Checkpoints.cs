using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <content>Checkpoints of other layouts: those of OpenAI, OpenCLIP, Meta (DINOv2, MAE), Apple, Microsoft and Google.</content>
internal static partial class VisionTransformer
{
    internal static void Remap(Checkpoint c, Config config)
    {
        if (c.HasMatch("(^|/)embedding/kernel$"))
        {
            FlaxCheckpoint.Remap(c, config);
            return;
        }
        if (c.Has("visual.class_embedding"))
            OpenAiClip(c);
        else if (c.HasMatch(@"^visual\.trunk\."))
            c.TakeOpenClip("head");
        else if (c.HasMatch(@"^beit3\."))
            Beit3(c);
        else if (c.Has("preprocessor.patchifier.proj.weight"))
            AimV2(c);
        else if (c.Has("vision_encoder.patch_embed.proj.weight"))
            c.Take("vision_encoder."); // TIPSv2's, beside its text encoder
        DinoV2(c);
        c.Drop(@"^decoder_", "pre_logits"); // the decoder of a masked autoencoder; a layer that timm has no more
        c.RenameMatches((@"\.gamma_(\d)$", ".ls$1.gamma"));
        if (c.ModelShape("attn_pool.latent") is null)
            c.Drop(@"^attn_pool\.");
        // Linear over patches, for which timm has a convolution.
        c.Change(@"^patch_embed\.proj\.weight$", w => w.Shape.Rank == 2 ? c.Ops.Reshape(w, [w.Shape[0], w.Shape[1] / (config.PatchSize * config.PatchSize), config.PatchSize, config.PatchSize]) : w);
    }

    private static void OpenAiClip(Checkpoint c)
    {
        c.Take("visual.");
        c.Rename(
            ("conv1", "patch_embed.proj"), ("positional_embedding", "pos_embed"), ("transformer.resblocks.", "blocks."), ("ln_pre", "norm_pre"), ("ln_post", "norm"), ("ln_", "norm"),
            ("in_proj_", "qkv."), ("out_proj", "proj"), ("mlp.c_fc", "mlp.fc1"), ("mlp.c_proj", "mlp.fc2"), ("class_embedding", "cls_token"));
        c.Change("^cls_token$", x => c.Ops.Reshape(x, [1, 1, .. x.Shape]));
        c.Change("^pos_embed$", x => c.Ops.Reshape(x, [1, .. x.Shape]));
        if (!c.Has("proj"))
            return;
        c["head.weight"] = c.Ops.Transpose(c.Pop("proj"), 0, 1);
        c["head.bias"] = c.Zeros([c["head.weight"].Shape[0]]);
    }

    /// <summary>With registers no token has a position; the class token's is added to it.</summary>
    private static void DinoV2(Checkpoint c)
    {
        c.Drop("^mask_token$");
        if (c.Has("register_tokens"))
        {
            Node positions = c["pos_embed"];
            c["reg_token"] = c.Pop("register_tokens");
            c["cls_token"] = c.Ops.Add(c["cls_token"], c.Ops.Slice(positions, 1, 0, 1));
            c["pos_embed"] = c.Ops.Slice(positions, 1, 1, positions.Shape[1] - 1);
        }
        c.Rename((".mlp.w12.", ".mlp.fc1."), (".mlp.w3.", ".mlp.fc2."));
    }

    private static void AimV2(Checkpoint c) => c.Rename(
        ("norm_1", "norm1"), ("norm_2", "norm2"), ("preprocessor.patchifier.", "patch_embed."), ("preprocessor.pos_embed", "pos_embed"), ("post_trunk_norm.", "norm."), ("trunk.", ""),
        ("mlp.fc1", "mlp.fc1_g"), ("mlp.fc3", "mlp.fc1_x"));

    /// <summary>Branch A is that of images; its first two positions are of no patch and no class token.</summary>
    private static void Beit3(Checkpoint c)
    {
        c.Drop(@"\.B\.", @"^beit3\.text_embed\.", "mask_token");
        c.Rename(
            ("beit3.", ""), ("vision_embed.cls_token", "cls_token"), ("vision_embed.", "patch_embed."), ("encoder.", ""), ("layers.", "blocks."), ("ffn_layernorm.", "norm."), ("ffn.", "mlp."),
            ("self_attn_layer_norm.", "norm1."), ("self_attn.", "attn."), ("final_layer_norm.", "norm2."), ("inner_attn_ln", "norm"), ("out_proj", "proj"), (".A.", "."));
        c.Join(".qkv.", ".q_proj.", ".k_proj.", ".v_proj.");
        Node positions = c.Pop("embed_positions.weight");
        positions = c.Ops.Slice(positions, 0, 2, positions.Shape[0] - 2);
        c["pos_embed"] = c.Ops.Reshape(positions, [1, .. positions.Shape]);
    }
}
