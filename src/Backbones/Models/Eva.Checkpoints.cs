using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <content>Checkpoints in other layouts.</content>
internal static partial class Eva
{
    /// <summary>Files of EVA, of OpenCLIP, of DINOv3 and of the Perception Encoder.</summary>
    private static void Remap(Checkpoint c, Config config)
    {
        if (c.Has("visual.conv1.weight"))
            c.Take("visual.");
        if (c.Has("conv1.weight"))
        {
            PerceptionEncoder(c);
            return;
        }
        if (c.Has("visual.trunk.pos_embed"))
            c.Take("visual.trunk.");
        else if (c.Has("visual.pos_embed"))
            c.Take("visual.");

        // Embeddings that are computed; learned frequencies are not.
        c.Drop(@"rope(?!\.freqs$)");
        if (c.Has("storage_tokens"))
            Dino(c, config);
        else if (c.Has("mask_token"))
            MaskedImageModeling(c);
        c.Rename(("mlp.ffn_ln", "mlp.norm"), ("attn.inner_attn_ln", "attn.norm"), ("mlp.w12", "mlp.fc1"), ("mlp.w1", "mlp.fc1_g"), ("mlp.w2", "mlp.fc1_x"), ("mlp.w3", "mlp.fc2"));
        if (c.Has("blocks.0.attn.q_proj.weight"))
            c.Rename(("q_bias", "q_proj.bias"), ("v_bias", "v_proj.bias"));
    }

    /// <summary>Of the biases those of the keys are zeros, and of some models all are: timm has those models without.</summary>
    private static void Dino(Checkpoint c, Config config)
    {
        c.Drop(@"\.bias_mask$", "mask_token$", @"^projectors\.", "^local_cls_norm");
        if (config.QkvBias)
            c.Split(@"\.qkv\.bias$", ".q_bias", null, ".v_bias");
        else
            c.Drop(@"\.qkv\.bias$");
        c.Rename(("ls1.gamma", "gamma_1"), ("ls2.gamma", "gamma_2"), ("storage_tokens", "reg_token"));
    }

    /// <summary>The last norm goes where a classifier would want it; what predicted the masked patches is left aside.</summary>
    private static void MaskedImageModeling(Checkpoint c)
    {
        c.Drop("^mask_token$", @"^lm_head\.");
        c.RenameMatches((@"^norm\.(weight|bias)$", "fc_norm.$1"));
    }

    private static void PerceptionEncoder(Checkpoint c)
    {
        c.Rename(
            ("conv1", "patch_embed.proj"), ("positional_embedding", "pos_embed"), ("transformer.resblocks.", "blocks."), ("ln_pre", "norm_pre"), ("ln_post", "norm"), ("ln_", "norm"),
            ("ls_1.gamma", "gamma_1"), ("ls_2.gamma", "gamma_2"), ("in_proj_", "qkv."), ("out_proj", "proj"), ("mlp.c_fc", "mlp.fc1"), ("mlp.c_proj", "mlp.fc2"),
            ("attn_pool.attn", "attn_pool"), ("attn_pool.layernorm", "attn_pool.norm"), ("attn_pool.probe", "attn_pool.latent"), ("class_embedding", "cls_token"));
        foreach (string part in (string[])["weight", "bias"])
        {
            if (!c.Has($"attn_pool.qkv.{part}"))
                continue;
            // The query's layer is apart from the other two.
            Node qkv = c.Pop($"attn_pool.qkv.{part}");
            int width = qkv.Shape[0] / 3;
            c[$"attn_pool.q.{part}"] = c.Ops.Slice(qkv, 0, 0, width);
            c[$"attn_pool.kv.{part}"] = c.Ops.Slice(qkv, 0, width, 2 * width);
        }
        if (c.Has("proj"))
        {
            Node head = c.Ops.Transpose(c.Pop("proj"), 0, 1);
            c["head.weight"] = head;
            c["head.bias"] = c.Zeros([head.Shape[0]]);
        }
        if (c.Has("cls_token"))
            c["cls_token"] = c.Ops.Reshape(c["cls_token"], [1, 1, .. c["cls_token"].Shape]);
        c["pos_embed"] = c.Ops.Reshape(c["pos_embed"], [1, .. c["pos_embed"].Shape]);
    }
}
