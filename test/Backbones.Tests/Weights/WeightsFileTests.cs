using System.IO.Compression;
using System.Text;
using Backbones.Tests.Weights.Pth;
using Backbones.Weights;

namespace Backbones.Tests.Weights;

/// <summary>What a file is tells its content, not its name; where it is no weights, the message says what it is.</summary>
[TestClass]
public sealed class WeightsFileTests
{
    [TestMethod]
    [DataRow("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 102400\n", "a Git LFS pointer that stands for the weights of 102400 bytes")]
    [DataRow("<!DOCTYPE html><html></html>", "a web page")]
    [DataRow("\n <html>", "a web page")]
    [DataRow("<?xml version=\"1.0\"?><Error/>", "a web page")]
    [DataRow("Not found", "It is a text file that begins with 'Not found'")]
    [DataRow("x", "It is a text file that begins with 'x'")]
    [DataRow("{\"architecture\":\"resnet18\"}", "a JSON file, not weights")]
    [DataRow("{", "not valid JSON")]
    [DataRow("{\"weight_map\":{\"a\":1}}", "the index must name a file beside it for 'a', not 1")]
    [DataRow("{\"weight_map\":{\"a\":\"../b.safetensors\"}}", "the index must name a file beside it")]
    [DataRow("{\"weight_map\":{\"a\":\"x.json\"}}", "'x.json' is not there")]
    [DataRow("\u001f\u008b\u0008", "a gzip archive")]
    [DataRow("PK\u0005\u0006\0\0\0\0", "an empty zip archive")]
    [DataRow("\u0089HDF\r\n", "an HDF5 file")]
    [DataRow("\u0001\u0002\u0003", "It begins with the bytes 010203")]
    [DataRow("", "the file is empty")]
    public void Other_files_are_named(string content, string what)
    {
        using TemporaryFolder folder = new();
        foreach (string name in new[] { "model.pth", "model.bin", "model.safetensors" })
        {
            File.WriteAllBytes(folder.File(name), Encoding.Latin1.GetBytes(content));
            Exception e = Assert.Throws<Exception>(() => ParameterStore.Open(folder.File(name)));
            Assert.IsTrue(e is WeightsFormatException or FileNotFoundException, e.ToString());
            if (!name.EndsWith(".safetensors", StringComparison.Ordinal) || !what.StartsWith("It ", StringComparison.Ordinal))
                StringAssert.Contains(e.Message, what);
        }
    }

    [TestMethod]
    public void A_zip_of_something_else_is_named_with_its_files()
    {
        using TemporaryFolder folder = new();
        using (ZipArchive zip = ZipFile.Open(folder.File("photos.pth"), ZipArchiveMode.Create))
            zip.CreateEntry("cat.jpg").Open().Dispose();
        StringAssert.Contains(Assert.ThrowsExactly<WeightsFormatException>(() => ParameterStore.Open(folder.File("photos.pth"))).Message, "It has 1 files: 'cat.jpg'");
    }

    [TestMethod]
    public void Weights_are_read_under_any_name()
    {
        using TemporaryFolder folder = new();
        File.Copy(WeightsTestData.DemoFile, folder.File("model.bin"));
        File.Copy(TorchReferenceTests.File("zip_default.pth"), folder.File("model.safetensors"));
        using ParameterStore safetensors = ParameterStore.Open(folder.File("model.bin"));
        using ParameterStore checkpoint = ParameterStore.Open(folder.File("model.safetensors"));
        Assert.IsTrue(safetensors.TryGet("fc.weight", out _));
        Assert.IsTrue(checkpoint.TryGet("conv1.weight", out _));
    }

    [TestMethod]
    public void A_pipe_is_not_opened()
    {
        if (OperatingSystem.IsWindows())
            return;
        using TemporaryFolder folder = new();
        using (System.Diagnostics.Process make = System.Diagnostics.Process.Start("mkfifo", folder.File("pipe.pth")))
            make.WaitForExit();
        StringAssert.Contains(Assert.ThrowsExactly<WeightsFormatException>(() => ParameterStore.Open(folder.File("pipe.pth"))).Message, "no regular file");
    }

    [TestMethod]
    public void Weights_in_several_files_are_one_store()
    {
        using TemporaryFolder folder = new();
        SafetensorsWriter.Write(folder.File("model-1.safetensors"), [WeightsTestData.Tensor("a", [1], 1), WeightsTestData.Tensor("unused", [1], 1)]);
        File.WriteAllBytes(folder.File("model-2.bin"), TorchFile.Zip(new (object, object?)[] { ("b", TorchFile.Tensor(TorchFile.Storage("FloatStorage", "0", 2f), 1)) }, [TorchFile.Storage("FloatStorage", "0", 2f)]));
        string index = folder.File("model.safetensors.index.json");
        File.WriteAllText(index, """{"metadata":{"total_size":8},"weight_map":{"a":"model-1.safetensors","b":"model-2.bin"}}""");
        using (ParameterStore store = ParameterStore.Open(index))
        {
            CollectionAssert.AreEquivalent(new[] { "a", "b" }, store.Tensors.Select(t => t.Name).ToArray());
            Assert.AreEqual(2f, store["b"].ToArray()[0]);
        }
        File.WriteAllText(index, """{"weight_map":{"c":"model-1.safetensors"}}""");
        StringAssert.Contains(Assert.ThrowsExactly<WeightsFormatException>(() => ParameterStore.Open(index)).Message, "says that 'c' is in 'model-1.safetensors', where it is not");
        File.WriteAllText(index, """{"weight_map":{"c":"model-3.safetensors"}}""");
        StringAssert.Contains(Assert.ThrowsExactly<FileNotFoundException>(() => ParameterStore.Open(index)).Message, "'model-3.safetensors' is not there");
    }

    /// <summary>One that followed them would never come back, and end the process when its stack is full.</summary>
    [TestMethod]
    [DataRow("b.bin")]
    [DataRow("a.bin")]
    [DataRow("c.json")]
    public void An_index_cannot_name_an_index(string named)
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("a.bin"), "{\"weight_map\":{\"x\":\"" + named + "\"}}");
        File.WriteAllText(folder.File("b.bin"), """{"weight_map":{"x":"a.bin"}}""");
        File.WriteAllText(folder.File("c.json"), """{"weight_map":{"x":"a.bin"}}""");
        StringAssert.Contains(Assert.ThrowsExactly<WeightsFormatException>(() => ParameterStore.Open(folder.File("a.bin"))).Message, $"{named}: a JSON file, not weights; an index names it");
    }

    [TestMethod]
    public void A_prefix_selects_and_is_taken_off()
    {
        using TemporaryFolder folder = new();
        SafetensorsWriter.Write(folder.File("detector.safetensors"), [WeightsTestData.Tensor("module.backbone.a", [1], 1), WeightsTestData.Tensor("head.a", [1], 2)]);
        using ParameterStore store = ParameterStore.Open(folder.File("detector.safetensors"), "backbone.");
        Assert.AreEqual("a", store.Tensors.Single().Name);
        Assert.AreEqual(1f, store["a"].ToArray()[0]);
        StringAssert.Contains(Assert.ThrowsExactly<WeightsFormatException>(() => ParameterStore.Open(folder.File("detector.safetensors"), "encoder.")).Message, "no key begins with the prefix 'encoder.'; the first of 2 is");
    }

    [TestMethod]
    public void A_mapped_file_is_locked_and_a_shortened_one_refused()
    {
        if (OperatingSystem.IsWindows())
            return; // which does not let a mapped file be shortened
        using TemporaryFolder folder = new();
        string path = folder.File("model.safetensors");
        File.Copy(WeightsTestData.DemoFile, path);
        using ParameterStore store = ParameterStore.Open(path);
        Assert.ThrowsExactly<IOException>(() => File.Create(path));
        using (FileStream file = new(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            file.SetLength(100);
        StringAssert.Contains(Assert.ThrowsExactly<WeightsFormatException>(() => store["fc.weight"].Open()).Message, "was shortened from");
        Assert.ThrowsExactly<WeightsFormatException>(() => store["fc.weight"].AsFloats());
        Assert.ThrowsExactly<WeightsFormatException>(() => store["fc.weight"].ToArray());
    }

    [TestMethod]
    public void Weights_are_saved_over_the_file_that_they_are_mapped_from()
    {
        if (OperatingSystem.IsWindows())
            return; // which does not replace a file in use; the message says so
        using TemporaryFolder folder = new();
        string path = folder.File("model.safetensors");
        File.Copy(WeightsTestData.DemoFile, path);
        using ParameterStore store = ParameterStore.Open(path);
        float[] values = store["fc.weight"].ToArray();
        SafetensorsWriter.Write(path, [store["fc.weight"]]);
        CollectionAssert.AreEqual(values, store["fc.weight"].ToArray(), "the open store has the old file");
        using ParameterStore saved = ParameterStore.Open(path);
        CollectionAssert.AreEqual(values, saved["fc.weight"].ToArray());
        Assert.HasCount(1, saved.Tensors);
        Assert.HasCount(1, Directory.GetFiles(folder.Path));
    }

    [TestMethod]
    public void A_failed_write_leaves_what_was_there_and_nothing_else()
    {
        using TemporaryFolder folder = new();
        string path = folder.File("model.safetensors");
        File.WriteAllText(path, "old");
        InvalidOperationException e = Assert.ThrowsExactly<InvalidOperationException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write(new byte[100_000]);
            throw new InvalidOperationException("half");
        }));
        Assert.AreEqual("half", e.Message);
        Assert.AreEqual("old", File.ReadAllText(path));
        Assert.HasCount(1, Directory.GetFiles(folder.Path));
        Assert.ThrowsExactly<UnauthorizedAccessException>(() => AtomicFile.Write(folder.Path, _ => { }));
        Assert.EndsWith("none'.", Assert.ThrowsExactly<DirectoryNotFoundException>(() => AtomicFile.Write(folder.File("none/model"), _ => { })).Message);
    }

    [TestMethod]
    public void Links_and_permissions_stay()
    {
        if (OperatingSystem.IsWindows())
            return;
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("real"), "old");
        File.SetUnixFileMode(folder.File("real"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.CreateSymbolicLink(folder.File("link"), "real");
        AtomicFile.Write(folder.File("link"), stream => stream.Write("new"u8));
        Assert.AreEqual("real", new FileInfo(folder.File("link")).LinkTarget);
        Assert.AreEqual("new", File.ReadAllText(folder.File("real")));
        Assert.AreEqual(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(folder.File("real")));
    }
}
