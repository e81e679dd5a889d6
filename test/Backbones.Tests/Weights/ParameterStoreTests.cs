using Backbones.Graphs;
using Backbones.Weights;

namespace Backbones.Tests.Weights;

[TestClass]
public sealed class ParameterStoreTests
{
    [TestMethod]
    public void DemoWeightsFitTheirModel()
    {
        using ParameterStore store = ParameterStore.FromSafetensors(SafetensorsFile.Open(WeightsTestData.DemoFile));
        store.EnsureMatches(WeightsTestData.Demo());
        Assert.AreEqual(16 * 96, store["fc.weight"].ToArray().Length);
    }

    [TestMethod]
    public void EverythingWrongIsListedAtOnce()
    {
        ParameterStore store = ParameterStore.FromTensors(
        [
            WeightsTestData.Tensor("conv1.weight", [2, 1], 1, 2),
            WeightsTestData.Tensor("head.weight", [1], float.NaN),
            WeightsTestData.Tensor("fc.bias", [3], 0, float.NegativeInfinity, float.NaN),
            WeightsTestData.Tensor("bn1.wieght", [1], 0),
            new MemoryTensor("index", DType.Int64, [1], new byte[8]),
        ], "weights.safetensors");
        ParameterSpec[] model =
        [
            new("conv1.weight", [2, 1, 1, 1]), new("bn1.weight", [1]), new("bn1.num_batches_tracked", [], ElementType.Int64),
            new("layer.weight", [9]), new("fc.bias", [3]), new("index", [1]),
        ];

        ParameterMismatchException e = Assert.ThrowsExactly<ParameterMismatchException>(() => store.EnsureMatches(model));

        CollectionAssert.AreEqual(new[] { "bn1.weight", "layer.weight" }, e.Missing.ToArray());
        CollectionAssert.AreEqual(new[] { "head.weight", "bn1.wieght" }, e.Unexpected.ToArray());
        CollectionAssert.AreEqual(new[]
        {
            "conv1.weight: the weights have [2, 1], the model takes [2, 1, 1, 1]",
            "index: the weights have Int64 elements, the model takes Float32",
        }, e.Misshaped.ToArray());
        CollectionAssert.AreEqual(new[] { "fc.bias: infinity at element 1, 2 of 3 not finite" }, e.NonFinite.ToArray());
        StringAssert.StartsWith(e.Message, "The weights in weights.safetensors do not fit the model: 2 missing, 2 unexpected, 2 mis-shaped, 1 with NaN or infinity.");
        StringAssert.Contains(e.Message, "bn1.weight (near it, unexpected: bn1.wieght)");
        foreach (string key in e.Missing.Concat(e.Unexpected).Concat(e.Misshaped).Concat(e.NonFinite))
        {
            StringAssert.Contains(e.Message, key);
        }
    }

    [TestMethod]
    public void WhatNothingReadsMayBeMissing()
    {
        ParameterStore store = ParameterStore.FromTensors([WeightsTestData.Tensor("second.weight", [2], 1, 2)], "weights.safetensors");
        ParameterSpec second = new("second.weight", [2]), shared = new("first.weight", [2], Kind: ParameterKind.Buffer) { TiedTo = second.Name };
        store.EnsureMatches([second, shared, new("attn.attention_bias_idxs", [4, 4], ElementType.Int64), new("bn.num_batches_tracked", [], ElementType.Int64)]);
    }

    [TestMethod]
    [DataRow(DType.Float16, "007C", "infinity")]
    [DataRow(DType.BFloat16, "C07F", "NaN")]
    [DataRow(DType.Float32, "000080FF", "infinity")]
    [DataRow(DType.Float64, "000000000000F87F", "NaN")]
    public void NonFiniteValuesAreFoundInEveryType(DType type, string bits, string what)
    {
        byte[] value = Convert.FromHexString(bits);
        foreach (int position in new[] { 0, 70, 99 })
        {
            byte[] data = new byte[100 * value.Length];
            value.CopyTo(data, position * value.Length);
            ParameterStore store = ParameterStore.FromTensors([new MemoryTensor("x", type, [100], data)]);
            ParameterSpec[] model = [new("x", [100])];
            ParameterMismatchException e = Assert.ThrowsExactly<ParameterMismatchException>(() => store.EnsureMatches(model));
            Assert.AreEqual($"x: {what} at element {position}, 1 of 100 not finite", e.NonFinite.Single());
            store.EnsureMatches(model, checkFinite: false);
        }
    }

    [TestMethod]
    public void LongListsAreCutInTheMessageOnly()
    {
        ParameterSpec[] model = [.. Enumerable.Range(0, 50).Select(i => new ParameterSpec($"p{i}", [1]))];
        ParameterMismatchException e = Assert.ThrowsExactly<ParameterMismatchException>(() => ParameterStore.FromTensors([]).EnsureMatches(model));
        Assert.AreEqual(50, e.Missing.Count);
        StringAssert.EndsWith(e.Message, "… and 45 more");
    }

    [TestMethod]
    public void UnknownKeyNamesTheNearest()
    {
        using ParameterStore store = ParameterStore.FromSafetensors(SafetensorsFile.Open(WeightsTestData.DemoFile));
        KeyNotFoundException e = Assert.ThrowsExactly<KeyNotFoundException>(() => store["layer1.0.conv1.wight"]);
        StringAssert.Contains(e.Message, "'layer1.0.conv1.wight'");
        StringAssert.Contains(e.Message, WeightsTestData.DemoFile);
        StringAssert.Contains(e.Message, "'layer1.0.conv1.weight'");
    }

    [TestMethod]
    public void EnginesReadFloatsInPlaceWhereverTheyAreStoredSo()
    {
        using ParameterStore store = ParameterStore.FromSafetensors(SafetensorsFile.Open(WeightsTestData.DemoFile));
        ParameterSpec spec = new("fc.weight", [16, 96]);
        using TensorView view = store["fc.weight"].Open();
        Assert.IsTrue(view.As<float>().Overlaps(store.Read(spec).Span), "mapped");
        CollectionAssert.AreEqual(store["fc.weight"].ToArray(), store.Read(spec).ToArray());

        ParameterStore memory = ParameterStore.FromSafetensors(SafetensorsFile.Read(File.ReadAllBytes(WeightsTestData.DemoFile)));
        using TensorView bytes = memory["fc.weight"].Open();
        Assert.IsTrue(bytes.As<float>().Overlaps(memory.Read(spec).Span), "in memory");
        CollectionAssert.AreEqual(store.Read(spec).ToArray(), memory.Read(spec).ToArray());

        ParameterTensor half = new MemoryTensor("h", DType.Float16, [1], BitConverter.GetBytes((Half)1.5));
        Assert.AreEqual(1.5f, ParameterStore.FromTensors([half]).Read(new("h", [1])).Span[0], "converted");
    }

    [TestMethod]
    public void FloatsInUseOutliveTheStore()
    {
        ParameterStore store = ParameterStore.FromSafetensors(SafetensorsFile.Open(WeightsTestData.DemoFile));
        float[] copy = store["fc.weight"].ToArray();
        ReadOnlyMemory<float> floats = store["fc.weight"].AsFloats();
        store.Dispose();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        CollectionAssert.AreEqual(copy, floats.ToArray());
        using ParameterStore other = ParameterStore.FromSafetensors(SafetensorsFile.Open(WeightsTestData.DemoFile));
        other.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => other["fc.weight"].AsFloats());
    }

    [TestMethod]
    public void ReadingAnotherShapeOrKeyIsRefused()
    {
        ParameterStore store = ParameterStore.FromTensors([WeightsTestData.Tensor("fc.weight", [1, 2], 1, 2)]);
        ParameterMismatchException e = Assert.ThrowsExactly<ParameterMismatchException>(() => store.Read(new("fc.weight", [2, 1])));
        StringAssert.Contains(e.Message, "fc.weight: the weights have [1, 2], the model takes [2, 1]");
        Assert.ThrowsExactly<KeyNotFoundException>(() => store.Read(new("fc.bias", [2])));
    }

    [TestMethod]
    [DataRow("missing.safetensors")]
    [DataRow("missing.pth")]
    [DataRow("")]
    public void MissingFilesAndFoldersAreNamed(string name)
    {
        using TemporaryFolder folder = new();
        string path = name.Length == 0 ? folder.Path : folder.File(name);
        StringAssert.Contains(Assert.ThrowsExactly<FileNotFoundException>(() => ParameterStore.Open(path)).Message, path);
    }

    [TestMethod]
    public void RepeatedNameIsRefused()
    {
        ParameterTensor tensor = WeightsTestData.Tensor("a", [1], 1);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => ParameterStore.FromTensors([tensor, tensor])).Message, "'a'");
    }

    [TestMethod]
    public void Arrays_make_a_store()
    {
        float[] values = [1, 2];
        ParameterStore store = ParameterStore.FromArrays([("a", [2, 1], values), ("b", [], [3])]);
        values[0] = 9;
        CollectionAssert.AreEqual(new float[] { 1, 2 }, store["a"].ToArray());
        Assert.AreEqual(3f, store.Read(new("b", [])).Span[0]);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => ParameterStore.FromArrays([("a", [3], [1, 2])])).Message, "takes 12 bytes, received 8");
    }

    [TestMethod]
    public void A_message_has_at_most_twenty_lines_whatever_is_wrong()
    {
        for (int kinds = 1; kinds < 16; kinds++)
        {
            List<ParameterTensor> tensors = [];
            List<ParameterSpec> model = [];
            for (int i = 0; i < 50; i++)
            {
                if ((kinds & 1) != 0)
                    model.Add(new($"missing{i}", [1]));
                if ((kinds & 2) != 0)
                    tensors.Add(WeightsTestData.Tensor($"unexpected{i}", [1], 1));
                if ((kinds & 4) != 0)
                    (tensors, model) = ([.. tensors, WeightsTestData.Tensor($"shape{i}", [1], 1)], [.. model, new($"shape{i}", [2])]);
                if ((kinds & 8) != 0)
                    (tensors, model) = ([.. tensors, WeightsTestData.Tensor($"nan{i}", [1], float.NaN)], [.. model, new($"nan{i}", [1])]);
            }
            string[] lines = Assert.ThrowsExactly<ParameterMismatchException>(() => ParameterStore.FromTensors(tensors).EnsureUsable(model.Append(new("used", [])), true, () => "test_resnet")).Message.Split('\n');
            Assert.IsLessThanOrEqualTo(20, lines.Length, $"{kinds}");
            Assert.IsTrue(lines.Contains("This file looks like 'test_resnet'."), $"{kinds}");
        }
    }

    [TestMethod]
    public void Only_keys_of_the_same_numbers_are_near()
    {
        ParameterStore store = ParameterStore.FromTensors([WeightsTestData.Tensor("layer3.0.conv1.weight", [1], 1), WeightsTestData.Tensor("layer1.1.conv1.wieght", [1], 1)]);
        string message = Assert.ThrowsExactly<ParameterMismatchException>(() => store.EnsureMatches([new("layer1.1.conv1.weight", [1]), new("layer1.0.conv1.weight", [1])])).Message;
        StringAssert.Contains(message, "layer1.1.conv1.weight (near it, unexpected: layer1.1.conv1.wieght)");
        StringAssert.Contains(message, "layer1.0.conv1.weight\n");
    }

    [TestMethod]
    public void RecipeFitsTheModelItIsMadeFor()
    {
        ParameterSpec[] model = WeightsTestData.Demo();
        ParameterStore.FromRecipe(model, 1).EnsureMatches(model);
    }

    [TestMethod]
    public void ContentHashDependsOnContentNotOnOrderOrFile()
    {
        ParameterTensor a = WeightsTestData.Tensor("a", [2], 1, 2), b = WeightsTestData.Tensor("b", [1], 3);
        string hash = ParameterStore.FromTensors([a, b]).ContentHash;
        Assert.AreEqual(64, hash.Length);
        Assert.AreEqual(hash, ParameterStore.FromTensors([b, a]).ContentHash);
        using MemoryStream stream = new();
        SafetensorsWriter.Write(stream, [b, a]);
        Assert.AreEqual(hash, ParameterStore.FromSafetensors(SafetensorsFile.Read(stream.ToArray())).ContentHash);
        Assert.AreNotEqual(hash, ParameterStore.FromTensors([a, WeightsTestData.Tensor("b", [1], 4)]).ContentHash);
        Assert.AreNotEqual(hash, ParameterStore.FromTensors([a, WeightsTestData.Tensor("c", [1], 3)]).ContentHash);
        Assert.AreNotEqual(hash, ParameterStore.FromTensors([WeightsTestData.Tensor("a", [2, 1], 1, 2), b]).ContentHash);
    }

    [TestMethod]
    public void ReadersAndDisposalMayRaceWithoutHarm()
    {
        for (int round = 0; round < 20; round++)
        {
            ParameterStore store = ParameterStore.FromSafetensors(SafetensorsFile.Open(WeightsTestData.DemoFile));
            Thread[] readers = [.. Enumerable.Range(0, 2).Select(_ => new Thread(() => ReadAll(store)))];
            Array.ForEach(readers, r => r.Start());
            Thread.SpinWait(round * 1000);
            store.Dispose();
            Array.ForEach(readers, r => r.Join());
        }
    }

    private static void ReadAll(ParameterStore store)
    {
        try
        {
            foreach (ParameterTensor tensor in store.Tensors)
            {
                tensor.ToArray();
            }
        }
        catch (ObjectDisposedException)
        {
        }
    }
}
