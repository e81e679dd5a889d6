using System.IO.Compression;
using System.Text.Json;
using Backbones.Weights;

namespace Backbones.Tests.Weights.Pth;

/// <summary>Files that torch.save wrote, see test/data/conformance: here through the public door; the conformance runner compares all of them in full.</summary>
[TestClass]
public sealed class TorchReferenceTests
{
    internal static string File(string name) => Path.Combine(AppContext.BaseDirectory, "Weights", "Pth", "Reference", name);

    [TestMethod]
    public void Every_layout_protocol_and_wrapper_gives_the_same_weights()
    {
        using ParameterStore expected = ParameterStore.Open(File("zip_default.pth"));
        Assert.HasCount(8, expected.Tensors);
        foreach (string file in new[]
        {
            "legacy_default", "zip_protocol2", "zip_protocol3", "zip_protocol4", "zip_protocol5", "legacy_protocol4", "legacy_protocol5", "plain_dict", "deflated", "long_data",
            "unaligned", "renamed_root", "tag_cuda0", "tag_mps", "legacy_trailing", "checkpoint_timm", "checkpoint_args", "checkpoint_ddp", "checkpoint_compiled", "checkpoint_numpy_scalar",
            "checkpoint_numpy_array", "numpy_state_dict", "state_dict_keep_vars",
        })
        {
            using ParameterStore store = ParameterStore.Open(File($"{file}.pth"));
            Assert.AreEqual(expected.ContentHash, store.ContentHash, file);
        }
    }

    [TestMethod]
    public void Entries_that_are_no_weights_are_left_aside()
    {
        using ParameterStore store = ParameterStore.Open(File("leaf_bytes.pth"));
        Assert.AreEqual("t", store.Tensors.Single().Name);
        ParameterMismatchException e = Assert.ThrowsExactly<ParameterMismatchException>(() => store.EnsureMatches([new("t", [1]), new("x", [3])]));
        CollectionAssert.AreEqual(new[] { "x: the weights have bytes, the model takes [3]" }, e.Misshaped.ToArray());
    }

    [TestMethod]
    [DataRow("checkpoint_teacher.pth", "'teacher' (with 8 tensors), 'student' (with 8 tensors)")]
    [DataRow("tensor.pth", "the checkpoint is a tensor and no dictionary")]
    [DataRow("list.pth", "the checkpoint is a list and no dictionary")]
    [DataRow("storage_typed.pth", null)]
    [DataRow("meta.pth", "a tensor on the device 'meta'")]
    public void What_a_checkpoint_has_instead_of_weights_is_said(string file, string? what)
    {
        if (what is null)
            using (ParameterStore store = ParameterStore.Open(File(file)))
                Assert.AreEqual("t", store.Tensors.Single().Name);
        else
            StringAssert.Contains(Assert.ThrowsExactly<WeightsFormatException>(() => ParameterStore.Open(File(file))).Message, what);
    }

    [TestMethod]
    public void Scripted_models_have_their_parameters()
    {
        using ParameterStore store = ParameterStore.Open(File("torchscript.pth"));
        CollectionAssert.AreEquivalent(new[] { "weight", "bias" }, store.Tensors.Select(t => t.Name).ToArray());
        Assert.AreEqual(-0.0354861281812191f, store["weight"].ToArray()[0]);
    }

    [TestMethod]
    public void Eight_bit_floats_have_pytorchs_values()
    {
        using FileStream file = System.IO.File.OpenRead(File("index.json.gz"));
        using JsonDocument index = JsonDocument.Parse(new GZipStream(file, CompressionMode.Decompress));
        JsonElement expected = index.RootElement.GetProperty("files").EnumerateArray().Single(f => f.GetProperty("file").GetString() == "dtypes_zip.pth").GetProperty("weights_only").GetProperty("tensors");
        using ParameterStore store = ParameterStore.Open(File("dtypes_zip.pth"));
        foreach (JsonElement entry in expected.EnumerateArray())
        {
            string name = entry[0][0].GetString()!;
            if (!store.TryGet(name, out ParameterTensor? tensor))
            {
                Assert.IsTrue(name.StartsWith("complex", StringComparison.Ordinal) || name.EndsWith("fnuz", StringComparison.Ordinal), name);
                continue;
            }
            double[] values = [.. entry[1].GetProperty("values").EnumerateArray().Select(v => v.ValueKind switch
            {
                JsonValueKind.String => v.GetString() switch { "inf" => double.PositiveInfinity, "-inf" => double.NegativeInfinity, _ => double.NaN },
                JsonValueKind.True => 1,
                JsonValueKind.False => 0,
                _ => v.GetDouble(),
            })];
            CollectionAssert.AreEqual(values.Select(v => (float)v).ToArray(), tensor.ToArray(), name);
        }
    }
}
