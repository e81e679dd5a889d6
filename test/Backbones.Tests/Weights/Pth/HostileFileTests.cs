using System.Buffers.Binary;
using System.Text;
using Backbones.Weights;
using Backbones.Weights.Pth;

namespace Backbones.Tests.Weights.Pth;

/// <summary>Checkpoints that were made to take much time or memory, or to throw something undocumented.</summary>
[TestClass]
public sealed class HostileFileTests
{
    public static IEnumerable<object[]> Files => Directory.EnumerateFiles(WeightsTestData.File("hostile"), "*.pth").Order(StringComparer.Ordinal).Select(f => new object[] { Path.GetFileName(f) });

    [TestMethod]
    [DynamicData(nameof(Files))]
    public void Files_that_once_threw_undocumented_exceptions_are_refused(string file)
        => Assert.ThrowsExactly<WeightsFormatException>(() => ParameterStore.Open(WeightsTestData.File($"hostile/{file}")));

    /// <summary>A tuple of many numbers, recalled as the size and the strides of many tensors.</summary>
    [TestMethod]
    public void Tensors_of_many_dimensions_cost_little()
        => Refused("(" + Repeat("K\u0001", 10_000) + "tq\0" + "(X\u0007\0\0\0storagectorch\nFloatStorage\nX\u0001\0\0\00X\u0003\0\0\0cpuK\u0001tQq\u0001"
            + "ctorch._utils\n_rebuild_tensor_v2\nq\u00020]" + Repeat("h\u0002(h\u0001K\0h\0h\0\u0089NtRa", 5_000), "10000 dimensions; at most 64");

    /// <summary>A list of pairs, made a dictionary again and again.</summary>
    [TestMethod]
    public void Recalled_lists_cost_little()
        => Refused("](" + Repeat("N\u0085q\u00010NN\u0086", 1_000) + "eq\0" + "ccollections\nOrderedDict\nq\u0002" + Repeat("h\u0002h\0\u0085R", 20_000), "take more memory than");

    [TestMethod]
    [DataRow("}")]
    [DataRow("]")]
    [DataRow("]0")]
    [DataRow("(")]
    [DataRow("N")]
    [DataRow(")")]
    [DataRow("N\u0085")]
    [DataRow("K\u0001")]
    [DataRow("}q\0")]
    [DataRow("X\0\0\0\0")]
    public void Streams_of_small_objects_cost_little(string objects) => Refused(Repeat(objects, PthFile.MaxPickle / objects.Length - 10), "take more memory than");

    /// <summary>One tensor under a million keys.</summary>
    [TestMethod]
    public void Many_names_of_one_tensor_cost_little()
    {
        StringBuilder pickle = new("}(X\u0007\0\0\0storagectorch\nFloatStorage\nX\u0001\0\0\00X\u0003\0\0\0cpuK\0tQq\u00010ctorch._utils\n_rebuild_tensor_v2\n(h\u0001K\0K\0\u0085K\u0001\u0085\u0089NtRq\u00020(");
        for (int i = 0; i < 1_000_000; i++)
            pickle.Append("X\u0003\0\0\0").Append((char)(i >> 14 & 127)).Append((char)(i >> 7 & 127)).Append((char)(i & 127)).Append("h\u0002");
        Refused(pickle.Append('u').ToString(), "take more memory than");
    }

    /// <summary>One body of 100 KB under a thousand names.</summary>
    [TestMethod]
    public void Entries_over_one_body_are_refused()
    {
        MemoryStream zip = new();
        byte[] name = "archive/data/0000"u8.ToArray(), body = new byte[100_000];
        zip.Write(Header(0x04034b50, 30, name, body.Length, 18, 22, 26));
        zip.Write(name);
        zip.Write(body);
        long directory = zip.Length;
        for (int i = 0; i < 1_000; i++)
        {
            name = Encoding.ASCII.GetBytes($"archive/data/{i:0000}");
            zip.Write(Header(0x02014b50, 46, name, body.Length, 20, 24, 28));
            zip.Write(name);
        }
        byte[] end = new byte[22];
        BinaryPrimitives.WriteUInt32LittleEndian(end, 0x06054b50);
        BinaryPrimitives.WriteUInt32LittleEndian(end.AsSpan(12), (uint)(zip.Length - directory));
        BinaryPrimitives.WriteUInt32LittleEndian(end.AsSpan(16), (uint)directory);
        zip.Write(end);
        CheckCost(zip.ToArray(), "the entries are larger than the file");

        static byte[] Header(uint signature, int length, byte[] name, int size, params int[] places)
        {
            byte[] header = new byte[length];
            BinaryPrimitives.WriteUInt32LittleEndian(header, signature);
            BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(places[0]), size);
            BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(places[1]), size);
            BinaryPrimitives.WriteInt16LittleEndian(header.AsSpan(places[2]), (short)name.Length);
            return header;
        }
    }

    [TestMethod]
    public void What_unfolds_to_much_is_refused()
    {
        TestStorage zeros = new("FloatStorage", "0", 10_000_000, new byte[40_000_000]);
        object root = new (object, object?)[] { ("x", TorchFile.Tensor(zeros, 10_000_000)) };
        CheckCost(TorchFile.Zip(root, [zeros], System.IO.Compression.CompressionLevel.Optimal), "more than 3 times the file's length");
    }

    [TestMethod]
    public void Half_a_million_directory_entries_cost_little()
    {
        byte[] entry = new byte[52];
        BinaryPrimitives.WriteUInt32LittleEndian(entry, 0x02014b50);
        entry[28] = 6;
        MemoryStream zip = new();
        zip.Write("PK\u0003\u0004"u8);
        for (int i = 0; i < 500_000; i++)
        {
            Encoding.ASCII.GetBytes($"{i:x6}", entry.AsSpan(46));
            zip.Write(entry);
        }
        byte[] end = new byte[22];
        BinaryPrimitives.WriteUInt32LittleEndian(end, 0x06054b50);
        BinaryPrimitives.WriteUInt32LittleEndian(end.AsSpan(12), (uint)(zip.Length - 4));
        BinaryPrimitives.WriteUInt32LittleEndian(end.AsSpan(16), 4);
        zip.Write(end);
        CheckCost(zip.ToArray(), "take more memory than");
    }

    private static void Refused(string pickle, string problem) => CheckCost(TorchFile.Zip(new TestRaw(Encoding.Latin1.GetBytes(pickle)), []), problem);

    /// <summary>Refused for the right reason, and all memory that was ever allocated is within the documented limit.</summary>
    private static void CheckCost(byte[] file, string problem)
    {
        MemoryStream stream = new(file);
        long before = GC.GetAllocatedBytesForCurrentThread();
        string message = Assert.ThrowsExactly<WeightsFormatException>(() => PthFile.Read(stream, "x.pth")).Message;
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        StringAssert.Contains(message, problem);
        Assert.IsLessThanOrEqualTo(4 * file.Length + (64 << 20), allocated);
    }

    private static string Repeat(string text, int count) => new StringBuilder(text.Length * count).Insert(0, text, count).ToString();
}
