using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Backbones.Weights;

namespace Backbones.Tests.Weights;

[TestClass]
public sealed class SafetensorsFileTests
{
    private const string OneFloat = """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""";

    [TestMethod]
    public void ReadsTheDemoWeights()
    {
        using SafetensorsFile file = SafetensorsFile.Open(WeightsTestData.DemoFile);
        Assert.AreEqual("pt", file.Metadata["format"]);
        Assert.AreEqual(92, file.Tensors.Count);
        ParameterTensor fc = file.Tensors.Single(t => t.Name == "fc.weight");
        CollectionAssert.AreEqual(new[] { 16, 96 }, fc.Shape.ToArray());
        ParameterTensor counter = file.Tensors.Single(t => t.Name == "bn1.num_batches_tracked");
        Assert.AreEqual(DType.Int64, counter.DType);
        Assert.AreEqual(1, counter.Length);
        float[] mapped = fc.ToArray();
        float[] inMemory = SafetensorsFile.Read(File.ReadAllBytes(WeightsTestData.DemoFile)).Tensors.Single(t => t.Name == "fc.weight").ToArray();
        CollectionAssert.AreEqual(inMemory, mapped);
        Assert.IsTrue(mapped.All(float.IsFinite) && mapped.Any(x => x != 0));
    }

    [TestMethod]
    public void EveryTypeIsReadAsItsNumbers()
    {
        (string Code, byte[] Bytes, float[] Values)[] types =
        [
            ("F64", Bytes<double>([1.5, 1e-300, 16777217]), [1.5f, 0, 16777216]),
            ("F32", Bytes<float>([-0.1f, float.MaxValue]), [-0.1f, float.MaxValue]),
            ("F16", Bytes<Half>([(Half)(-2.5), Half.Epsilon]), [-2.5f, 5.9604645e-08f]),
            ("BF16", Bytes<ushort>([0x3FC0, 0xC2F7]), [1.5f, -123.5f]),
            ("I64", Bytes<long>([-1, 1L << 40]), [-1, 1L << 40]),
            ("I32", Bytes([int.MinValue, 7]), [int.MinValue, 7]),
            ("I16", Bytes<short>([-300, 300]), [-300, 300]),
            ("I8", Bytes<sbyte>([-128, 127]), [-128, 127]),
            ("U8", [0, 255], [0, 255]),
            ("BOOL", [0, 1], [0, 1]),
        ];
        foreach ((string code, byte[] bytes, float[] values) in types)
        {
            string json = $$$"""{"x":{"dtype":"{{{code}}}","shape":[{{{values.Length}}}],"data_offsets":[0,{{{bytes.Length}}}]}}""";
            ParameterTensor tensor = SafetensorsFile.Read(Build(json, bytes)).Tensors.Single();
            CollectionAssert.AreEqual(values, tensor.ToArray(), code);
            using TensorView view = tensor.Open();
            Assert.IsTrue(view.Bytes.SequenceEqual(bytes), code);
        }
    }

    [TestMethod]
    public void ScalarsEmptyTensorsAndAnyHeaderOrderAreLegal()
    {
        string json = """
            {"late":{"dtype":"F32","shape":[],"data_offsets":[4,8]},"empty":{"dtype":"F32","shape":[2,0,3],"data_offsets":[4,4]},
             "__metadata__":{}, "early" : {"shape":[1],"data_offsets":[0,4],"dtype":"F32","note":{"x":[1]}} }  
            """;
        SafetensorsFile file = SafetensorsFile.Read(Build(json, Bytes([1f, 2f])));
        CollectionAssert.AreEqual(new[] { "early", "empty", "late" }, file.Tensors.Select(t => t.Name).ToArray());
        Assert.AreEqual(0, file.Tensors[1].Length);
        Assert.AreEqual(0, file.Tensors[2].Shape.Rank);
        Assert.AreEqual(2f, file.Tensors[2].ToArray().Single());
        Assert.AreEqual(0, SafetensorsFile.Read(Build("{}", [])).Tensors.Count);
    }

    [TestMethod]
    public void StreamsAreReadToTheirEnd()
    {
        using MemoryStream stream = new(Build(OneFloat, Bytes([3f])));
        Assert.AreEqual(3f, SafetensorsFile.Read(stream).Tensors.Single().ToArray().Single());
    }

    [TestMethod]
    // The length field.
    [DataRow("", "the file is empty")]
    [DataRow("raw:01020304", "truncated: 4 bytes")]
    [DataRow("raw:0100000000000000", "claims 1 bytes")]
    [DataRow("raw:01E1F5050000000020", "claims 100000001 bytes, at most 100000000")]
    [DataRow("raw:FFFFFFFFFFFFFFFF7B", "claims 18446744073709551615 bytes")]
    [DataRow("raw:0000000000000000", "does not start with '{'")]
    // The JSON.
    [DataRow("[]", "does not start with '{'")]
    [DataRow(" {}", "does not start with '{'")]
    [DataRow("{", "not valid JSON")]
    [DataRow("{} x", "not valid JSON")]
    [DataRow("{}{}", "not valid JSON")]
    [DataRow("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},}""", "not valid JSON")]
    [DataRow("""{/**/}""", "not valid JSON")]
    [DataRow("""{"\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "not valid JSON")]
    [DataRow("utf8", "not valid UTF-8")]
    [DataRow("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\u0061":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "the key 'a' twice")]
    [DataRow("""{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "'a' has the field 'dtype' twice")]
    [DataRow("""{"__metadata__":[]}""", "'__metadata__' must be an object of strings")]
    [DataRow("""{"__metadata__":{"format":1}}""", "the value of 'format'")]
    [DataRow("""{"__metadata__":{"x":"1","x":"2"}}""", "the key 'x' twice")]
    // An entry.
    [DataRow("""{"a":[]}""", "'a' must be an object")]
    [DataRow("""{"a":{"shape":[1],"data_offsets":[0,4]}}""", "'a' has no dtype")]
    [DataRow("""{"a":{"dtype":"F32","data_offsets":[0,4]}}""", "'a' has no shape")]
    [DataRow("""{"a":{"dtype":"F32","shape":[1]}}""", "'a' has no data_offsets")]
    [DataRow("""{"a":{"dtype":"F4","shape":[4],"data_offsets":[0,4]}}""", "the dtype 'F4'; supported are BOOL, U8")]
    [DataRow("""{"a":{"dtype":7,"shape":[4],"data_offsets":[0,4]}}""", "the dtype '7'")]
    [DataRow("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", "shape of 'a' must be a list of whole numbers")]
    [DataRow("""{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}""", "shape of 'a' must be a list of whole numbers")]
    [DataRow("""{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}""", "shape of 'a' must be a list of whole numbers")]
    [DataRow("""{"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}""", "shape of 'a' must be a list of whole numbers")]
    [DataRow("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}""", "must be two numbers, found 1")]
    [DataRow("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,99999999999999999999]}}""", "data_offsets of 'a' must be a list of whole numbers")]
    // Sizes and offsets.
    [DataRow("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", "run backwards")]
    [DataRow("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", "takes 8 bytes, its data_offsets [0, 4] hold 4")]
    [DataRow("""{"a":{"dtype":"F32","shape":[2147483647,2147483647,2147483647],"data_offsets":[0,4]}}""", "too large")]
    [DataRow("""{"a":{"dtype":"F32","shape":[4294967296,0],"data_offsets":[0,0]}}""", "too large")]
    [DataRow("""{"a":{"dtype":"U8","shape":[65536,65536],"data_offsets":[0,4294967296]}}""", "a single tensor may have at most")]
    [DataRow("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}""", "'b' begins at offset 2, expected 1: it leaves a hole")]
    [DataRow("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", "'a' begins at offset 1, expected 0")]
    [DataRow("""{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}""", "'b' begins at offset 2, expected 3: it overlaps")]
    [DataRow("""{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}""", "extra bytes at its end: the tensors take 3 bytes of data, the file has 4")]
    [DataRow("""{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}""", "truncated: the tensors take 8 bytes of data, the file has 4")]
    public void MalformedFilesAreRefusedAndNamed(string content, string problem)
    {
        byte[] bytes = content switch
        {
            "" => [],
            "utf8" => Build("{\"?\":0}", [0, 0, 0, 0], b => b[10] = 0xFF),
            _ when content.StartsWith("raw:", StringComparison.Ordinal) => Convert.FromHexString(content[4..]),
            _ => Build(content, [0, 0, 0, 0]),
        };
        using TemporaryFolder folder = new();
        string path = folder.File("broken.safetensors");
        File.WriteAllBytes(path, bytes);

        WeightsFormatException fromFile = Assert.ThrowsExactly<WeightsFormatException>(() => SafetensorsFile.Open(path));
        StringAssert.StartsWith(fromFile.Message, path + ": ");
        StringAssert.Contains(fromFile.Message, problem);
        Assert.AreEqual(path, fromFile.File);
        WeightsFormatException fromMemory = Assert.ThrowsExactly<WeightsFormatException>(() => SafetensorsFile.Read(bytes, path));
        StringAssert.Contains(fromMemory.Message, bytes.Length == 0 ? "truncated: 0 bytes" : problem);
        File.Delete(path); // the failed mapping is closed
    }

    [TestMethod]
    public void MissingFileIsNamed()
    {
        FileNotFoundException e = Assert.ThrowsExactly<FileNotFoundException>(() => SafetensorsFile.Open("file.safetensors"));
        StringAssert.Contains(e.Message, "file.safetensors");
    }

    [TestMethod]
    public void ViewsOutliveTheFileAndNothingElseDoes()
    {
        SafetensorsFile file = SafetensorsFile.Open(WeightsTestData.DemoFile);
        ParameterTensor fc = file.Tensors.Single(t => t.Name == "fc.weight");
        float[] before = fc.ToArray();
        TensorView view = fc.Open();
        file.Dispose();
        file.Dispose();
        CollectionAssert.AreEqual(before, view.As<float>().ToArray());
        view.Dispose();
        view.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => fc.Open());
        Assert.ThrowsExactly<ObjectDisposedException>(() => fc.ToArray());
        Assert.ThrowsExactly<ObjectDisposedException>(() => view.Bytes.Length);
    }

    [TestMethod]
    public void DestinationOfTheWrongLengthIsRefused()
    {
        ParameterTensor tensor = SafetensorsFile.Read(Build(OneFloat, Bytes([3f]))).Tensors.Single();
        ArgumentException e = Assert.ThrowsExactly<ArgumentException>(() => tensor.CopyTo(new float[2]));
        StringAssert.Contains(e.Message, "'a' has 1 elements ([1]), the destination 2");
    }

    [TestMethod]
    public void MutatedFilesAreReadOrRefusedButNeverWorse()
    {
        // A small file with every part of the format in it, damaged in one to three places.
        byte[] original = Build("""{"__metadata__":{"format":"pt"},"a.weight":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"b":{"dtype":"I64","shape":[],"data_offsets":[8,16]}}""", new byte[16]);
        Random random = new(2);
        (int read, int refused) = (0, 0);
        long stop = Environment.TickCount64 + 2000;
        while (read + refused < 40_000 && Environment.TickCount64 < stop)
        {
            byte[] bytes = (byte[])original.Clone();
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                int position = random.Next(bytes.Length);
                switch (random.Next(4))
                {
                    case 0: bytes[position] = (byte)random.Next(256); break;
                    case 1: bytes[position] ^= (byte)(1 << random.Next(8)); break;
                    case 2: bytes[position] = (byte)"{}[]\",:0129.-eE\\u "[random.Next(18)]; break;
                    default: bytes = [.. bytes[..position], .. bytes[Math.Min(bytes.Length, position + random.Next(3))..]]; break;
                }
                if (bytes.Length == 0)
                {
                    break;
                }
            }
            try
            {
                foreach (ParameterTensor tensor in SafetensorsFile.Read(bytes).Tensors)
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

    internal static byte[] Build(string json, byte[] data, Action<byte[]>? change = null)
    {
        byte[] header = Encoding.UTF8.GetBytes(json);
        byte[] bytes = new byte[8 + header.Length + data.Length];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, header.Length);
        header.CopyTo(bytes, 8);
        data.CopyTo(bytes, 8 + header.Length);
        change?.Invoke(bytes);
        return bytes;
    }

    private static byte[] Bytes<T>(T[] values) where T : unmanaged => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
}
