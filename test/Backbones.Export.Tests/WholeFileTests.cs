using System.Diagnostics;
using Backbones.Weights;

namespace Backbones.Tests;

/// <summary>Files are written whole or not at all, by every writer: on a disk that is full, and by a process that is killed.</summary>
[TestClass]
public sealed class WholeFileTests
{
    private const int FullAt = 300;

    [TestMethod]
    [DataRow("safetensors")]
    [DataRow("onnx")]
    [DataRow("torchscript")]
    public void A_full_disk_leaves_the_old_file_and_nothing_else(string kind)
    {
        if (!OperatingSystem.IsLinux())
            return; // no limit of a file's size
        using var folder = new Folder();
        File.WriteAllText(folder.File, "old");
        // A limit of the size of files acts as a full disk does, and needs no rights. Its signal is ignored, so that writing fails; .NET's own large mapping is off.
        using Process process = Start("bash", ["-c", $"trap '' XFSZ; ulimit -f {FullAt}; exec dotnet \"$0\" \"$@\"", Program, kind, folder.File]);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        StringAssert.StartsWith(output, "IOException: ");
        Assert.AreEqual("old", File.ReadAllText(folder.File));
        Assert.HasCount(1, Directory.GetFiles(folder.Path));
    }

    [TestMethod]
    [DataRow("safetensors")]
    [DataRow("onnx")]
    [DataRow("torchscript")]
    public void A_killed_writer_leaves_a_whole_file(string kind)
    {
        using var folder = new Folder();
        using (Backbone backbone = Backbone.Create("test_resnet", new BackboneOptions { RandomWeights = true }))
        {
            if (kind == "safetensors")
                backbone.SaveWeights(folder.File);
            else if (kind == "onnx")
                backbone.ExportOnnx(FeatureSelection.Pooled(), folder.File);
            else
                backbone.ExportTorchScript(FeatureSelection.Pooled(), folder.File);
        }
        byte[] whole = File.ReadAllBytes(folder.File);
        Assert.IsGreaterThan(FullAt << 10, whole.Length);
        for (int round = 0; round < 2; round++)
        {
            using Process process = Start("dotnet", [Program, kind, folder.File, "forever"]);
            Assert.AreEqual("written", process.StandardOutput.ReadLine());
            Thread.Sleep(5 + 20 * round);
            process.Kill();
            process.WaitForExit();
            Assert.IsTrue(whole.AsSpan().SequenceEqual(File.ReadAllBytes(folder.File)), $"round {round}");
        }
    }

    [TestMethod]
    [DataRow("onnx")]
    [DataRow("torchscript")]
    public void Weights_that_lack_what_the_selection_needs_are_listed_and_the_old_file_stays(string kind)
    {
        using var folder = new Folder();
        string weights = Path.Combine(folder.Path, "pooled.safetensors");
        using (Backbone whole = Backbone.Create("test_resnet", new BackboneOptions { RandomWeights = true }))
            whole.SaveWeights(weights, FeatureSelection.Pooled());
        File.WriteAllText(folder.File, "old");
        using Backbone backbone = Backbone.Create("test_resnet", new BackboneOptions { WeightsPath = weights });
        ParameterMismatchException e = Assert.ThrowsExactly<ParameterMismatchException>(() =>
        {
            if (kind == "onnx")
                backbone.ExportOnnx(FeatureSelection.Logits, folder.File);
            else
                backbone.ExportTorchScript(FeatureSelection.Logits, folder.File);
        });
        StringAssert.Contains(e.Message, "2 missing");
        StringAssert.Contains(e.Message, "fc.bias");
        Assert.AreEqual("old", File.ReadAllText(folder.File));
        Assert.HasCount(2, Directory.GetFiles(folder.Path));
    }

    private static string Program => Path.Combine(AppContext.BaseDirectory, "FileWriter.dll");

    private static Process Start(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true };
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        return Process.Start(start)!;
    }

    private sealed class Folder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("timm-features-test").FullName;

        public string File => System.IO.Path.Combine(Path, "file");

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
