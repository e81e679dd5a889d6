using System.Text;
using Backbones.Registry;
using Backbones.Tests.Weights.Pth;
using Backbones.Weights;
using Backbones.Weights.Pth;

namespace Backbones.Tests.Weights;

/// <summary>Readers over files with bytes changed, cut, doubled and inserted, from a fixed seed: whatever they say to them, it is documented.</summary>
[TestClass]
public sealed class FuzzTests
{
    private static readonly string[] Checkpoints =
    [
        "zip_default.pth", "legacy_default.pth", "zip_protocol4.pth", "dtypes_zip.pth", "quantized.pth", "sparse_coo.pth", "sparse_csr.pth", "numpy_state_dict.pth",
        "views_legacy.pth", "torchscript.pth", "big_endian.pth", "deflated.pth", "leaves.pth", "conj_neg.pth", "checkpoint_timm.pth", "parameter.pth", "nested.pth",
    ];

    [TestMethod]
    public void Mutated_checkpoints_are_read_or_refused()
        => Fuzz([.. Checkpoints.Select(f => File.ReadAllBytes(TorchReferenceTests.File(f)))], 1, 15_000, bytes =>
        {
            foreach (ParameterTensor tensor in PthFile.Read(new MemoryStream(bytes), "x.pth").Tensors)
                Assert.HasCount(tensor.Length, tensor.ToArray());
        });

    [TestMethod]
    public void Mutated_pickles_are_read_or_refused()
    {
        // Inside an archive that is whole, so that all changes reach the pickle reader.
        byte[][] pickles = [.. Checkpoints.Where(f => !f.StartsWith("legacy", StringComparison.Ordinal) && !f.StartsWith("views_l", StringComparison.Ordinal)).Select(Pickle)];
        Fuzz(pickles, 2, 15_000, bytes => _ = PthFile.Read(new MemoryStream(TorchFile.Zip(new TestRaw(bytes), [TorchFile.Storage("FloatStorage", "0", 1f, 2f, 3f, 4f)])), "x.pth"));

        static byte[] Pickle(string file)
        {
            using System.IO.Compression.ZipArchive zip = System.IO.Compression.ZipFile.OpenRead(TorchReferenceTests.File(file));
            using Stream entry = zip.Entries.Single(e => e.Name == "data.pkl").Open();
            MemoryStream copy = new();
            entry.CopyTo(copy);
            return copy.ToArray()[2..^1]; // without protocol and stop, which the writer adds
        }
    }

    [TestMethod]
    public void Mutated_safetensors_are_read_or_refused()
    {
        MemoryStream small = new();
        SafetensorsWriter.Write(small, [WeightsTestData.Tensor("a", [2, 2], 1, 2, 3, 4), new MemoryTensor("b", DType.Int64, [], new byte[8]), new MemoryTensor("ü", DType.Float8E4M3, [3], new byte[3])]);
        Fuzz([small.ToArray()], 3, 30_000, bytes =>
        {
            foreach (ParameterTensor tensor in SafetensorsFile.Read(bytes).Tensors)
                Assert.HasCount(tensor.Length, tensor.ToArray());
        });
    }

    [TestMethod]
    public void Mutated_arrays_of_numpy_are_read_or_refused()
    {
        (string, byte[])[] arrays = [("a/kernel", NpzWriter.Array([2, 2], [1, 2, 3, 4])), ("b", NpzWriter.Array(">f2", true, [1, 2, 1], new byte[4])), ("c", NpzWriter.Array("|V2", false, [], new byte[2]))];
        Fuzz([NpzWriter.Write(arrays), NpzWriter.Write(arrays, compressed: true)], 4, 15_000, bytes =>
        {
            foreach (ParameterTensor tensor in NpzFile.TryRead(new MemoryStream(bytes), "x.npz") ?? [])
                Assert.HasCount(tensor.Length, tensor.ToArray());
        });
    }

    [TestMethod]
    public void Mutated_configs_are_read_or_refused()
    {
        using TemporaryFolder folder = new();
        byte[][] seeds = [File.ReadAllBytes(Path.Combine(WeightsTestData.DemoFolder, "config.json")), .. Directory.EnumerateFiles(WeightsTestData.File("hostile"), "*.json").Select(File.ReadAllBytes)];
        Fuzz(seeds, 4, 4_000, bytes =>
        {
            File.WriteAllBytes(folder.File("config.json"), bytes);
            _ = ModelFolder.Read(folder.Path);
        });
    }

    private static void Fuzz(byte[][] seeds, int seed, int count, Action<byte[]> read)
    {
        Random random = new(seed);
        (int good, int refused) = (0, 0);
        for (int i = 0; i < count; i++)
        {
            byte[] bytes = Mutate(seeds[random.Next(seeds.Length)], random);
            try
            {
                read(bytes);
                good++;
            }
            catch (WeightsFormatException)
            {
                refused++;
            }
            catch (Exception e)
            {
                Assert.Fail($"Mutation {i} of seed {seed}: {e}\n{Convert.ToBase64String(bytes)}");
            }
        }
        Assert.IsTrue(good > 0 && refused > 0, $"{good} read, {refused} refused");
    }

    private static byte[] Mutate(byte[] file, Random random)
    {
        List<byte> bytes = [.. file];
        for (int change = random.Next(1, 5); change > 0 && bytes.Count > 0; change--)
        {
            int at = random.Next(bytes.Count), length = Math.Min(random.Next(1, 9), bytes.Count - at);
            switch (random.Next(8))
            {
                case 0: bytes.RemoveRange(at, length); break;
                case 1: bytes.InsertRange(at, bytes.GetRange(at, length)); break;
                case 2: bytes.InsertRange(at, Encoding.ASCII.GetBytes($"{random.NextInt64()}")); break;
                case 3: bytes[at] = (byte)(random.Next(2) * 255); break;
                case 4: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                default: bytes[at] = (byte)random.Next(256); break;
            }
        }
        return [.. bytes];
    }
}
