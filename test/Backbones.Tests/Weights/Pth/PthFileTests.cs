using System.Text;
using Backbones.Weights;
using Backbones.Weights.Pth;

namespace Backbones.Tests.Weights.Pth;

[TestClass]
public sealed class PthFileTests
{
    private static readonly TestStorage Six = TorchFile.Storage("FloatStorage", "0", 0f, 1f, 2f, 3f, 4f, 5f);

    /// <summary>A training checkpoint with everything that timm's have.</summary>
    private static (object Root, TestStorage[] Storages) Training()
    {
        TestStorage counter = TorchFile.Storage("LongStorage", "1", 7L), half = TorchFile.Storage("HalfStorage", "2", (Half)9, (Half)1.5, (Half)(-2));
        TestOrderedDict stateDict = new(
            ("module.weight", TorchFile.Tensor(Six, 2, 3) with { IsParameter = true }),
            ("module._orig_mod.transposed", new TestTensor(Six, 0, [3, 2], [1, 3])),
            ("part", new TestTensor(Six, 3, [1, 2], [77, 1])),
            ("bn.num_batches_tracked", TorchFile.Tensor(counter)),
            ("half", new TestTensor(half, 1, [2], [1])),
            ("expanded", new TestTensor(half, 2, [2, 2], [0, 0])),
            ("empty", new TestTensor(Six, 6, [0, 4], [4, 1])));
        (object, object?)[] root =
        [
            ("epoch", 300L), ("lr", 0.1), ("seed", -1L), ("best", null), ("amp", true), ("steps", 1L << 40), ("arch", "résnet"),
            ("args", new TestObject("argparse", "Namespace", [("model", "resnet"), ("mean", new List<object?> { 0.5, new object?[] { 1L } })])),
            ("old", new TestRaw([(byte)'U', 2, (byte)'h', (byte)'i'])), ("state_dict", stateDict),
        ];
        return (root, [Six, counter, half]);
    }

    [TestMethod]
    public void BothLayoutsGiveTheTensors()
    {
        (object root, TestStorage[] storages) = Training();
        foreach (byte[] file in new[] { TorchFile.Zip(root, storages), TorchFile.Stream(root, storages) })
        {
            Dictionary<string, ParameterTensor> tensors = PthFile.Read(new MemoryStream(file), "x.pth").Tensors.ToDictionary(t => t.Name);
            Assert.AreEqual(7, tensors.Count);
            Check(tensors["module.weight"], DType.Float32, [2, 3], [0, 1, 2, 3, 4, 5]);
            Check(tensors["module._orig_mod.transposed"], DType.Float32, [3, 2], [0, 3, 1, 4, 2, 5]);
            Check(tensors["part"], DType.Float32, [1, 2], [3, 4]);
            Check(tensors["bn.num_batches_tracked"], DType.Int64, [], [7]);
            Check(tensors["half"], DType.Float16, [2], [1.5f, -2]);
            Check(tensors["expanded"], DType.Float16, [2, 2], [-2, -2, -2, -2]);
            Check(tensors["empty"], DType.Float32, [0, 4], []);
        }
    }

    // Written by Python's own pickler, which stores and recalls memo entries wherever it can: see make_checkpoints.py.
    [TestMethod]
    [DataRow("checkpoint.pth")]
    [DataRow("checkpoint_stream.pth")]
    public void CheckpointsOfPythonsPicklerAreRead(string file)
    {
        using ParameterStore store = ParameterStore.Open(WeightsTestData.File(file));
        Assert.AreEqual(4, store.Tensors.Length);
        Check(store["a.weight"], DType.Float32, [2, 3], [0, 1, 2, 3, 4, 5]);
        Check(store["a.transposed"], DType.Float32, [3, 2], [0, 3, 1, 4, 2, 5]);
        Check(store["bn.num_batches_tracked"], DType.Int64, [], [7]);
        Check(store["half"], DType.Float16, [3], [-2, 0, 3]);
    }

    [TestMethod]
    public void ViewsOfStoragesInOldFilesAreRead()
    {
        TestStorage view = Six with { View = ["view", 2L, 3L] };
        byte[] file = TorchFile.Stream(new (object, object?)[] { ("x", new TestTensor(view, 1, [2], [1])) }, [Six]);
        Check(PthFile.Read(new MemoryStream(file), "x.pth").Tensors.Single(), DType.Float32, [2], [3, 4]);
    }

    [TestMethod]
    public void StoresDropWrappersPrefixes()
    {
        using TemporaryFolder folder = new();
        (object root, TestStorage[] storages) = Training();
        File.WriteAllBytes(folder.File("model.pth"), TorchFile.Zip(root, storages));
        using ParameterStore store = ParameterStore.Open(folder.File("model.pth"));
        CollectionAssert.AreEqual(new[] { "weight", "transposed", "part", "bn.num_batches_tracked", "half", "expanded", "empty" }, store.Tensors.Select(t => t.Name).ToArray());

        SafetensorsWriter.Write(folder.File("model.safetensors"), [WeightsTestData.Tensor("module.fc.weight", [2], 1, 2)]);
        using ParameterStore renamed = ParameterStore.Open(folder.File("model.safetensors"));
        Assert.AreEqual("fc.weight", renamed.Tensors.Single().Name);
        CollectionAssert.AreEqual(new float[] { 1, 2 }, renamed["fc.weight"].AsFloats().ToArray());
        CollectionAssert.AreEqual(new float[] { 1, 2 }, renamed["fc.weight"].ToArray());

        SafetensorsWriter.Write(folder.File("twice.safetensors"), [WeightsTestData.Tensor("module.a", [1], 1), WeightsTestData.Tensor("a", [1], 1)]);
        StringAssert.Contains(Assert.ThrowsExactly<WeightsFormatException>(() => ParameterStore.Open(folder.File("twice.safetensors"))).Message, "'a' is there twice");
    }

    [TestMethod]
    [DataRow("state_dict_ema,model_ema,state_dict,model", "state_dict_ema")]
    [DataRow("model,state_dict,model_ema", "model_ema")]
    [DataRow("state_dict_ema=None,model_ema=None,model,state_dict", "state_dict")]
    [DataRow("epoch,model", "model")]
    public void StateDictIsTakenInTimmsOrder(string keys, string expected)
    {
        (object, object?)[] root = [.. keys.Split(',').Select(Entry)];
        Assert.AreEqual(expected, PthFile.Read(new MemoryStream(TorchFile.Zip(root, [Six])), "x.pth").Tensors.Single().Name);

        static (object, object?) Entry(string key) => key.EndsWith("=None", StringComparison.Ordinal)
            ? (key[..^5], null)
            : (key, new TestOrderedDict((key, TorchFile.Tensor(Six, 6))));
    }

    [TestMethod]
    [DataRow("os", "system")]
    [DataRow("posix", "system")]
    [DataRow("builtins", "eval")]
    [DataRow("torch", "load")]
    [DataRow("torch._utils", "_rebuild_wrapper_subclass")]
    [DataRow("numpy", "load")]
    [DataRow("__torch__", "Evil")]
    [DataRow("collections", "OrderedDict.fromkeys")]
    public void NamesThatWeightsDoNotNeedAreNeverCalled(string module, string name)
    {
        object root = new (object, object?)[] { ("x", new TestCall(module, name, "touch /tmp/owned")) };
        foreach (byte[] file in new[] { TorchFile.Zip(root, []), TorchFile.Stream(root, []) })
        {
            WeightsFormatException e = Assert.ThrowsExactly<WeightsFormatException>(() => PthFile.Read(new MemoryStream(file), "evil.pth"));
            StringAssert.StartsWith(e.Message, $"evil.pth: the pickle asks for '{module}.{name}'");
            StringAssert.Contains(e.Message, "Save the state dict alone");
        }
    }

    [TestMethod]
    // Opcodes of other protocols and those that make objects in other ways.
    [DataRow("(ios\nsystem\n.", "opcode 0x69")]
    [DataRow("(o.", "opcode 0x6f")]
    [DataRow("Pstorage\n.", "opcode 0x50")]
    [DataRow("\u0092.", "opcode 0x92 (146)")]
    [DataRow("\u0097.", "opcode 0x97")]
    [DataRow("\u0082a.", "opcode 0x82")]
    [DataRow("I1\n.", "opcode 0x49")]
    [DataRow("2.", "opcode 0x32")]
    // Stack, marks and memo.
    [DataRow(".", "takes values that it did not give")]
    [DataRow("K\u0001(0.", "takes values that it did not give")]
    [DataRow("K\u0001(\u0085.", "takes values that it did not give")]
    [DataRow("t.", "takes values that it did not give")]
    [DataRow("h\u0005.", "recalls entry 5")]
    // Wrong types.
    [DataRow("K\u0001K\u0002a.", "appends to something that is no list")]
    [DataRow("]K\u0001K\u0002s.", "sets items of something that is no dictionary")]
    [DataRow("}(K\u0001u.", "sets items of something that is no dictionary")]
    [DataRow("]}b.", "gives attributes")]
    [DataRow("}]b.", "gives attributes")]
    [DataRow("K\u0001)R.", "calls something that is no function")]
    [DataRow("ccollections\nOrderedDict\nK\u0001R.", "calls with something that is no tuple")]
    [DataRow("ccollections\nOrderedDict\nK\u0001\u0085R.", "a Dictionary with other arguments")]
    [DataRow("ccollections\nOrderedDict\n]K\u0001a\u0085R.", "something else than pairs")]
    [DataRow("ctorch._utils\n_rebuild_parameter\n)R.", "a Parameter with other arguments")]
    [DataRow("ctorch._utils\n_rebuild_tensor_v2\n)R.", "a Tensor with other arguments")]
    [DataRow("ctorch\nFloatStorage\n)R.", "calls something that is no function")]
    [DataRow("K\u0001Q.", "a persistent id that is no storage")]
    [DataRow(")Q.", "a persistent id that is no storage")]
    [DataRow("NQ.", "a persistent id that is no storage")]
    // Lengths.
    [DataRow("X\u00ff\u00ff\u00ff\u00ffa", "ends early")]
    [DataRow("T\u00ff\u00ff\u00ff\u007fa", "ends early")]
    [DataRow("\u008a\u00ff", "ends early")]
    [DataRow("X\u0001\0\0\0\u00ff.", "not valid UTF-8")]
    [DataRow("X\u0005\0\0\0a", "ends early")]
    // No weights.
    [DataRow("N.", "the checkpoint is None and no dictionary")]
    [DataRow("].", "the checkpoint is a list and no dictionary")]
    [DataRow("}X\u0001\0\0\0eK\u0001s.", "no weights at the top level of the checkpoint, which has 'e' (1)")]
    [DataRow("}K\u0001K\u0001s.", "no weights at the top level of the checkpoint, which has '1' (1)")]
    [DataRow("}NNs.", "which has 'None' (None)")]
    [DataRow("}X\u0005\0\0\0modelK\u0001s.", "'model' of the checkpoint is 1 and no state dict")]
    [DataRow("}X\u000a\0\0\0state_dictNs.", "'state_dict' of the checkpoint is None and no state dict")]
    [DataRow("}q\0X\u0005\0\0\0modelh\0s.", "no weights under 'model', which has 'model' (a dictionary)")] // contains itself
    public void OtherPicklesAreRefused(string pickle, string problem)
    {
        byte[] bytes = [0x80, 2, .. Encoding.Latin1.GetBytes(pickle)];
        StringAssert.Contains(Refused(TorchFile.Zip(new TestRaw(bytes[2..^(pickle.EndsWith('.') ? 1 : 0)]), [])), problem);
    }

    [TestMethod]
    public void NamesOfAnyLengthAreBounded()
    {
        byte[] name = [(byte)'c', .. Enumerable.Repeat((byte)'a', 100_000)];
        StringAssert.Contains(Refused(TorchFile.Zip(new TestRaw(name), [])), "more than 256 letters");
    }

    [TestMethod]
    public void TensorsMustLieInTheirStorage()
    {
        (TestTensor Tensor, string Problem)[] cases =
        [
            (TorchFile.Tensor(Six, 7), "'x' of shape [7] reaches element 6 of a storage of 6"),
            (new TestTensor(Six, 5, [2], [1]), "reaches element 6"),
            (new TestTensor(Six, -1, [2], [1]), "reaches element 0"),
            (new TestTensor(Six, 0, [2], [6]), "reaches element 6"),
            (new TestTensor(Six, 0, [2], [long.MaxValue]), "reaches element"),
            (new TestTensor(Six, long.MaxValue, [2], [1]), "reaches element"),
            (new TestTensor(Six, 0, [-2], [1]), "the dimension '-2'"),
            (new TestTensor(Six, 0, [2], [-1]), "the stride '-1'"),
            (new TestTensor(Six, 0, [2, 3], [1]), "2 dimensions and 1 strides"),
            (new TestTensor(Six, 0, [1 << 30, 1 << 30, 1 << 30], [0, 0, 0]), "is too large"),
            (new TestTensor(Six, 0, [int.MaxValue, 3, 0], [1, 1, 1]), "is too large"),
            (new TestTensor(Six, 0, [100_000_000], [0]), "more than 3 times the file's length"),
            (new TestTensor(Six, 0, [.. Enumerable.Repeat(1L, 65)], [.. Enumerable.Repeat(1L, 65)]), "65 dimensions; at most 64 are allowed"),
            (TorchFile.Tensor(Six with { Class = "DoubleStorage" }, 6), ""),
            (TorchFile.Tensor(Six with { Count = -1 }, 6), "a persistent id that is no storage"),
            (TorchFile.Tensor(Six with { Count = long.MaxValue }, 6), ""),
            (TorchFile.Tensor(Six with { Key = "../data.pkl" }, 6), ""),
        ];
        foreach ((TestTensor tensor, string problem) in cases)
        {
            object root = new (object, object?)[] { ("x", tensor) };
            foreach (byte[] file in new[] { TorchFile.Zip(root, [Six]), TorchFile.Stream(root, [Six]) })
            {
                StringAssert.Contains(Refused(file), problem);
            }
        }
    }

    [TestMethod]
    public void DamagedArchivesAreRefused()
    {
        object root = new (object, object?)[] { ("x", TorchFile.Tensor(Six, 6)) };
        StringAssert.Contains(Refused(TorchFile.Zip(root, [])), "lacks 'archive/data/0'");
        StringAssert.Contains(Refused(TorchFile.Zip(root, [Six with { Bytes = new byte[20] }])), "has 20 bytes, 6 elements of type float32 take 24");
        StringAssert.Contains(Refused(TorchFile.Zip(root, [Six], more: ("other/data.pkl", []))), "2 entries data.pkl");
        StringAssert.Contains(Refused(TorchFile.Zip(root, [Six], more: ("archive/byteorder", "middle"u8.ToArray()))), "neither 'little' nor 'big'");
        StringAssert.Contains(Refused(TorchFile.Zip(new TestRaw(new byte[PthFile.MaxPickle]), [])), $"at most {PthFile.MaxPickle} are allowed");
        StringAssert.Contains(Refused("PK\x03\x04 and nothing else"u8.ToArray()), "the zip archive is damaged");
        StringAssert.Contains(Refused([]), "the file is empty");
        StringAssert.Contains(Refused("<html>"u8.ToArray()), "neither a zip archive nor a pickle");
    }

    [TestMethod]
    public void DamagedStreamsAreRefused()
    {
        object root = new (object, object?)[] { ("x", TorchFile.Tensor(Six, 6)) };
        StringAssert.Contains(Refused(TorchFile.Stream(root, [Six], magic: TorchFile.Pickle(1L))), "magic number");
        StringAssert.Contains(Refused(TorchFile.Stream(root, [Six], protocol: 1000)), "another protocol version than 1001");
        StringAssert.Contains(Refused(TorchFile.Stream(root, [Six with { Key = "9" }])), "the storage '9' belongs to no tensor");
        StringAssert.Contains(Refused(TorchFile.Stream(root, [])), "the storage '0' is missing");
        StringAssert.Contains(Refused(TorchFile.Stream(root, [Six with { Count = 7 }])), "the storage '0' has 7 elements, its tensors count on 6");
        TestStorage huge = Six with { Count = long.MaxValue };
        StringAssert.Contains(Refused(TorchFile.Stream(new (object, object?)[] { ("x", TorchFile.Tensor(huge, 6)) }, [huge])), "truncated");
    }

    [TestMethod]
    public void EveryTruncationIsRefused()
    {
        (object root, TestStorage[] storages) = Training();
        foreach (byte[] file in new[] { TorchFile.Zip(root, storages), TorchFile.Stream(root, storages) })
        {
            for (int length = 0; length < file.Length; length++)
            {
                Refused(file[..length]);
            }
        }
    }

    [TestMethod]
    public void MutatedFilesAreReadOrRefusedButNeverWorse()
    {
        (object root, TestStorage[] storages) = Training();
        byte[][] files = [TorchFile.Zip(root, storages), TorchFile.Stream(root, storages)];
        Random random = new(3);
        (int read, int refused) = (0, 0);
        long stop = Environment.TickCount64 + 2000;
        while (read + refused < 40_000 && Environment.TickCount64 < stop)
        {
            byte[] bytes = (byte[])files[random.Next(2)].Clone();
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }
            try
            {
                foreach (ParameterTensor tensor in PthFile.Read(new MemoryStream(bytes), "x.pth").Tensors)
                {
                    Assert.AreEqual(tensor.Length, tensor.ToArray().Length);
                }
                read++;
            }
            catch (WeightsFormatException)
            {
                refused++;
            }
        }
        Assert.IsTrue(read > 0 && refused > 0, $"{read} read, {refused} refused");
    }

    private static string Refused(byte[] file)
        => Assert.ThrowsExactly<WeightsFormatException>(() => PthFile.Read(new MemoryStream(file), "x.pth")).Message;

    private static void Check(ParameterTensor tensor, DType type, int[] shape, float[] values)
    {
        Assert.AreEqual(type, tensor.DType, tensor.Name);
        CollectionAssert.AreEqual(shape, tensor.Shape.ToArray(), tensor.Name);
        CollectionAssert.AreEqual(values, tensor.ToArray(), tensor.Name);
    }
}
