using System.Text.RegularExpressions;
using Backbones.Graphs;
using Backbones.Tests.Graphs;
using Backbones.Tests.Weights;
using Backbones.Tests.Weights.Pth;
using Backbones.Weights;

namespace Backbones.Tests.Features;

/// <summary>Files in other layouts than timm's through <see cref="Backbone.Create"/>: the features are those of the same weights under timm's keys.</summary>
[TestClass]
public sealed class ForeignCheckpointTests
{
    private const string ConvNeXt = "test_convnext", Vit = "test_vit";

    [TestMethod]
    public void The_authors_layout_of_ConvNeXt_is_taken_from_safetensors()
    {
        using TemporaryFolder folder = new();
        using Backbone native = Native(ConvNeXt);
        string file = folder.File("foreign.safetensors");
        SafetensorsWriter.Write(file, native.Parameters.Tensors.Select(FacebookConvNeXt));
        using Backbone foreign = Backbone.Create(ConvNeXt, new() { WeightsPath = file });
        AssertSame(native, foreign);
        // Saved again it is in timm's layout.
        foreign.SaveWeights(folder.File("timm.safetensors"));
        using ParameterStore saved = ParameterStore.Open(folder.File("timm.safetensors"));
        Assert.AreEqual(native.Parameters.ContentHash, saved.ContentHash);
        Assert.AreEqual(native.Parameters.ContentHash, foreign.Parameters.ContentHash);
    }

    [TestMethod]
    public void A_prefix_of_ones_own_and_another_number_of_classes_go_with_it()
    {
        using TemporaryFolder folder = new();
        using Backbone native = Native(ConvNeXt);
        string file = folder.File("tuned.safetensors");
        SafetensorsWriter.Write(file, native.Parameters.Tensors.Select(FacebookConvNeXt).Select(t => t.Name.StartsWith("head.", StringComparison.Ordinal) ? new MemoryTensor(t.Name, t.Shape.With(0, 7), t.ToArray().AsSpan(0, 7 * t.Length / 1000)) : t)
            .Select(t => new RenamedTensor("net." + t.Name, t.Shape, t)).Append<ParameterTensor>(new MemoryTensor("other.weight", [1], [1])));
        BackboneOptions options = new() { WeightsPath = file, KeyPrefix = "net." };
        using Backbone tuned = Backbone.Create(ConvNeXt, options);
        Assert.AreEqual(7, tuned.Config.NumClasses);
        Assert.AreEqual<Shape>([7], Backbone.Describe(ConvNeXt, FeatureSelection.Logits, options).Single().Shape);
        CollectionAssert.AreEqual(Run(native, FeatureSelection.Pooled()), Run(tuned, FeatureSelection.Pooled()));
    }

    [TestMethod]
    public void A_wrapped_file_in_timms_layout_is_not_renamed_once_more()
    {
        using Backbone native = Native(ConvNeXt);
        using Backbone wrapped = FromCheckpoint(ConvNeXt, native.Parameters.Tensors, "model");
        AssertSame(native, wrapped);
    }

    [TestMethod]
    public void OpenCLIP_under_DistributedDataParallel_keeps_its_head()
    {
        using Backbone native = Native(Vit);
        IEnumerable<ParameterTensor> tensors = native.Parameters.Tensors.Where(t => t.Name != "head.bias")
            .Select(t => new RenamedTensor(t.Name == "head.weight" ? "module.visual.head.proj.weight" : "module.visual.trunk." + t.Name, t.Shape, t));
        using Backbone clip = FromCheckpoint(Vit, [.. tensors, new MemoryTensor("module.logit_scale", [], [1f])], "state_dict");
        CollectionAssert.AreEqual(new float[1000], clip.Parameters["head.bias"].ToArray());
        CollectionAssert.AreEqual(native.Parameters["head.weight"].ToArray(), clip.Parameters["head.weight"].ToArray());
        CollectionAssert.AreEqual(Run(native, FeatureSelection.Pooled()), Run(clip, FeatureSelection.Pooled()));
    }

    [TestMethod]
    public void A_masked_autoencoder_is_taken_without_its_decoder()
    {
        using Backbone native = Native(Vit);
        ParameterTensor[] more = [new MemoryTensor("mask_token", [1, 1, 32], new float[32]), new MemoryTensor("decoder_embed.weight", [32, 64], new float[2048]), new MemoryTensor("decoder_pos_embed", [1, 101, 32], new float[3232])];
        using Backbone mae = FromCheckpoint(Vit, native.Parameters.Tensors.Where(t => !t.Name.StartsWith("head.", StringComparison.Ordinal)).Concat(more), "model");
        CollectionAssert.AreEqual(Run(native, FeatureSelection.Pooled()), Run(mae, FeatureSelection.Pooled()));
    }

    [TestMethod]
    public void Flax_arrays_become_a_vision_transformer()
    {
        using TemporaryFolder folder = new();
        using Backbone native = Native(Vit);
        File.WriteAllBytes(folder.File("vit.npz"), NpzWriter.Write(native.Parameters.Tensors.SelectMany(t => Flax(t, heads: 2))));
        using Backbone flax = Backbone.Create(Vit, new() { WeightsPath = folder.File("vit.npz") });
        AssertSame(native, flax);
    }

    [TestMethod]
    public void The_eps_of_torchvisions_MobileNetV3_is_in_the_variances()
    {
        using TemporaryFolder folder = new();
        const string Model = "mobilenetv3_small_100";
        using Backbone native = Native(Model);
        string[] blocks = [.. native.Parameters.Tensors.Select(t => Regex.Match(t.Name, @"^blocks\.\d+\.\d+\.").Value).Where(b => b.Length > 0).Distinct()];
        SafetensorsWriter.Write(folder.File("tv.safetensors"), native.Parameters.Tensors.Select(t => TorchvisionMobileNetV3(t, blocks, native.Parameters)));
        using Backbone foreign = Backbone.Create(Model, new() { WeightsPath = folder.File("tv.safetensors") });
        foreach (ParameterTensor tensor in native.Parameters.Tensors)
        {
            float shift = tensor.Name.EndsWith("running_var", StringComparison.Ordinal) ? 1e-3f - 1e-5f : 0;
            CollectionAssert.AreEqual(tensor.ToArray().Select(v => v + shift).ToArray(), foreign.Parameters[tensor.Name].ToArray(), tensor.Name);
        }
    }

    [TestMethod]
    public void Another_patch_size_is_resampled()
    {
        using Backbone native = Native(Vit);
        using Backbone larger = FromCheckpoint(Vit, native.Parameters.Tensors.Select(t => t.Name == "patch_embed.proj.weight" ? new MemoryTensor(t.Name, [64, 3, 32, 32], new float[64 * 3 * 32 * 32]) : t), "model");
        Assert.AreEqual<Shape>([64, 3, 16, 16], larger.Select(FeatureSelection.Pooled()).Graph.Nodes.Single(n => n.Name == "patch_embed.proj").Inputs[1].Shape);
        CollectionAssert.AllItemsAreUnique(Run(larger, FeatureSelection.Pooled()).Select(float.IsFinite).Distinct().ToArray());
    }

    [TestMethod]
    public void The_model_is_named_whose_file_it_is_in_another_layout()
    {
        using TemporaryFolder folder = new();
        using Backbone native = Native(ConvNeXt);
        string file = folder.File("foreign.safetensors");
        SafetensorsWriter.Write(file, native.Parameters.Tensors.Select(FacebookConvNeXt));
        StringAssert.Contains(Assert.ThrowsExactly<ParameterMismatchException>(() => Backbone.Create("resnet18", new() { WeightsPath = file })).Message, $"This file looks like '{ConvNeXt}'.");
    }

    [TestMethod]
    public void A_file_that_fits_nothing_is_told_of_under_its_own_keys()
    {
        using TemporaryFolder folder = new();
        string file = folder.File("strange.safetensors");
        SafetensorsWriter.Write(file, [new MemoryTensor("downsample_layers.0.strange", [2], [1, 2]), new MemoryTensor("norm.weight", [2], [1, 2])]);
        ParameterMismatchException e = Assert.ThrowsExactly<ParameterMismatchException>(() => Backbone.Create(ConvNeXt, new() { WeightsPath = file }));
        CollectionAssert.AreEquivalent(new[] { "downsample_layers.0.strange", "norm.weight" }, e.Unexpected.ToArray());
    }

    [TestMethod]
    public void Rules_that_fail_on_a_file_leave_it_as_it_is()
    {
        using TemporaryFolder folder = new();
        string file = folder.File("strange.safetensors");
        SafetensorsWriter.Write(file, [new MemoryTensor("register_tokens", [], [1f]), new MemoryTensor("visual.class_embedding", [], [1f]), new MemoryTensor("visual.proj", [], [1f])]);
        ParameterMismatchException e = Assert.ThrowsExactly<ParameterMismatchException>(() => Backbone.Create(Vit, new() { WeightsPath = file }));
        CollectionAssert.Contains(e.Unexpected.ToArray(), "visual.proj");
    }

    private static Backbone Native(string model) => Backbone.Create(model, new() { RandomWeights = true });

    private static void AssertSame(Backbone expected, Backbone actual)
    {
        foreach (FeatureSelection selection in new[] { FeatureSelection.Logits, FeatureSelection.Pooled() })
            CollectionAssert.AreEqual(Run(expected, selection), Run(actual, selection));
    }

    private static float[] Run(Backbone backbone, FeatureSelection selection)
    {
        using FeatureExtractor extractor = backbone.Extract(selection);
        return extractor.Run(1, TestGraphs.Input(1, extractor.InputShape))[0].Values.ToArray();
    }

    /// <summary>A .pth with the tensors under a wrapper.</summary>
    private static Backbone FromCheckpoint(string model, IEnumerable<ParameterTensor> tensors, string wrapper)
    {
        using TemporaryFolder folder = new();
        List<TestStorage> storages = [];
        List<(object, object?)> items = [];
        foreach (ParameterTensor tensor in tensors.Where(t => t.DType == DType.Float32))
        {
            storages.Add(TorchFile.Storage("FloatStorage", $"{storages.Count}", tensor.ToArray()));
            items.Add((tensor.Name, TorchFile.Tensor(storages[^1], [.. tensor.Shape.Dimensions.ToArray().Select(d => (long)d)])));
        }
        File.WriteAllBytes(folder.File("x.pth"), TorchFile.Zip(new (object, object?)[] { ("epoch", 3L), (wrapper, items.ToArray()) }, [.. storages]));
        return Backbone.Create(model, new() { WeightsPath = folder.File("x.pth") });
    }

    private static ParameterTensor FacebookConvNeXt(ParameterTensor t)
    {
        string key = t.Name.Replace("head.norm.", "norm.", StringComparison.Ordinal).Replace("head.fc.", "head.", StringComparison.Ordinal)
            .Replace("stem.", "downsample_layers.0.", StringComparison.Ordinal).Replace("conv_dw", "dwconv", StringComparison.Ordinal).Replace("mlp.fc", "pwconv", StringComparison.Ordinal);
        key = Regex.Replace(key, @"stages\.(\d)\.downsample", "downsample_layers.$1").Replace(".blocks", "", StringComparison.Ordinal);
        return new RenamedTensor(key, t.Shape, t);
    }

    private static IEnumerable<(string, byte[])> Flax(ParameterTensor t, int heads)
    {
        string key = Regex.Replace(t.Name, @"^blocks\.(\d+)\.", "Transformer/encoderblock_$1/").Replace("patch_embed.proj.", "embedding/", StringComparison.Ordinal).Replace("norm1.", "LayerNorm_0/", StringComparison.Ordinal)
            .Replace("norm2.", "LayerNorm_2/", StringComparison.Ordinal).Replace("mlp.fc1.", "MlpBlock_3/Dense_0/", StringComparison.Ordinal).Replace("mlp.fc2.", "MlpBlock_3/Dense_1/", StringComparison.Ordinal)
            .Replace("attn.proj.", "MultiHeadDotProductAttention_1/out/", StringComparison.Ordinal).Replace("head.", "head/", StringComparison.Ordinal);
        key = Regex.Replace(key, "^norm.", "Transformer/encoder_norm/");
        key = key switch { "cls_token" => "cls", "pos_embed" => "Transformer/posembed_input/pos_embedding", _ => key };
        float[] values = t.ToArray();
        int rows = t.Shape[0], columns = t.Length / rows;
        if (key.Contains("attn.qkv.", StringComparison.Ordinal))
        {
            foreach ((string name, int i) in new[] { ("query", 0), ("key", 1), ("value", 2) })
            {
                float[] part = values[(i * t.Length / 3)..((i + 1) * t.Length / 3)];
                bool isWeight = t.Shape.Rank == 2;
                yield return (key.Replace("attn.qkv.", $"MultiHeadDotProductAttention_1/{name}/", StringComparison.Ordinal).Replace("/weight", "/kernel", StringComparison.Ordinal),
                    isWeight ? NpzWriter.Array([columns, heads, rows / 3 / heads], Transposed(part, rows / 3, columns)) : NpzWriter.Array([heads, rows / 3 / heads], part));
            }
        }
        else if (t.Shape.Rank == 1)
        {
            yield return (key.Contains("norm", StringComparison.OrdinalIgnoreCase) ? key.Replace("weight", "scale", StringComparison.Ordinal) : key, NpzWriter.Array(t.Shape, values));
        }
        else if (t.Shape.Rank == 2)
        {
            Shape shape = key.Contains("/out/", StringComparison.Ordinal) ? [heads, columns / heads, rows] : [columns, rows];
            yield return (key.Replace("weight", "kernel", StringComparison.Ordinal), NpzWriter.Array(shape, Transposed(values, rows, columns)));
        }
        else if (t.Shape.Rank == 4)
        {
            float[] turned = new float[values.Length]; // [O, I, H, W] to [H, W, I, O]
            (int o, int i, int hw) = (t.Shape[0], t.Shape[1], t.Shape[2] * t.Shape[3]);
            for (int n = 0; n < values.Length; n++)
                turned[(n % hw * i + n / hw % i) * o + n / hw / i] = values[n];
            yield return (key.Replace("weight", "kernel", StringComparison.Ordinal), NpzWriter.Array([t.Shape[2], t.Shape[3], i, o], turned));
        }
        else
        {
            yield return (key, NpzWriter.Array(t.Shape, values));
        }
    }

    private static float[] Transposed(float[] values, int rows, int columns)
    {
        float[] result = new float[values.Length];
        for (int i = 0; i < values.Length; i++)
            result[i % columns * rows + i / columns] = values[i];
        return result;
    }

    private static RenamedTensor TorchvisionMobileNetV3(ParameterTensor t, string[] blocks, ParameterStore all)
    {
        string key = t.Name;
        if (Array.FindIndex(blocks, b => key.StartsWith(b, StringComparison.Ordinal)) is >= 0 and var number)
        {
            string layer = key[blocks[number].Length..];
            (string module, string parameter) = (layer[..layer.LastIndexOf('.')], layer[layer.LastIndexOf('.')..]);
            bool isInverted = all.TryGet(blocks[number] + "conv_pwl.weight", out _);
            int attention = all.TryGet(blocks[number] + "se.conv_reduce.weight", out _) ? 1 : 0, depthwise = isInverted ? 1 : 0;
            key = number == blocks.Length - 1 ? $"features.{number + 1}.{(module == "conv" ? 0 : 1)}{parameter}" : $"features.{number + 1}.block." + module switch
            {
                "conv_pw" when isInverted => "0.0",
                "bn1" when isInverted => "0.1",
                "conv_dw" => $"{depthwise}.0",
                "bn1" or "bn2" when module == (isInverted ? "bn2" : "bn1") => $"{depthwise}.1",
                "se.conv_reduce" => $"{depthwise + 1}.fc1",
                "se.conv_expand" => $"{depthwise + 1}.fc2",
                "conv_pw" or "conv_pwl" => $"{depthwise + attention + 1}.0",
                _ => $"{depthwise + attention + 1}.1",
            } + parameter;
        }
        key = Regex.Replace(Regex.Replace(Regex.Replace(key, @"^conv_stem\.", "features.0.0."), @"^bn1\.", "features.0.1."), @"^classifier\.", "classifier.3.");
        return key.StartsWith("conv_head.", StringComparison.Ordinal)
            ? new RenamedTensor(key.Replace("conv_head.", "classifier.0.", StringComparison.Ordinal), [.. t.Shape.Dimensions[..Math.Min(t.Shape.Rank, 2)]], t) : new RenamedTensor(key, t.Shape, t);
    }
}
