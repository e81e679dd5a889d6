using System.Diagnostics;
using Backbones;
using Backbones.Engines;
using Backbones.Imaging;
using TimmFeatures.Extraction;
using TimmFeatures.Extraction.Images;

namespace TimmFeatures.Cli.Tests;

/// <summary>Work that is stopped in the middle, in this process and as a process of its own.</summary>
[TestClass]
public sealed class InterruptionTests
{
    private static readonly string s_program = Path.Combine(AppContext.BaseDirectory, "timm-features.dll");

    [TestMethod]
    public void A_cancelled_extraction_keeps_what_is_done_and_goes_on_to_the_same_file()
    {
        using var images = new ImageSet();
        string file = images["f.npy"], whole = images["whole.npy"];
        using var stop = new CancellationTokenSource();
        string[] names = [.. images.Names.Where((_, i) => i != ImageSet.Bad)];
        ImageItem[] items = [.. names.Select((n, i) => i == 7 ? new Stopping(n, stop) : (ImageItem)new ImageFile(n, n))];
        string message = Assert.ThrowsExactly<InterruptedException>(() => Extract(file, items, stop.Token)).Message;
        Assert.Contains("6 of 11 images are done", message);
        Assert.IsFalse(File.Exists(file));
        Assert.AreEqual(5, Extract(file, items, CancellationToken.None).Computed);
        Extract(whole, items, CancellationToken.None);
        ExtractTests.AssertSameBytes(whole, file);
    }

    [TestMethod]
    public void A_disk_that_is_full_or_gone_is_an_error_and_leaves_no_half_file()
    {
        using var images = new ImageSet();
        File.WriteAllText(images["taken"], "a file where a folder is wanted");
        Tool.Fail(ExitCode.Failure, ImageSet.Extract(Path.Combine(images["taken"], "f.npy"), images.Names[0]));
        Directory.CreateDirectory(images["f.npy"]);
        Tool.Fail(ExitCode.Failure, ImageSet.Extract(images["f.npy"], images.Names[0]), "is a folder");
    }

    /// <summary>A limit of the size of files acts as a full disk does. Its signal is ignored, so that writing fails; .NET's own large mapping is off.</summary>
    [TestMethod]
    public void On_a_full_disk_what_is_done_stays()
    {
        if (!OperatingSystem.IsLinux())
            return; // no limit of a file's size
        using var folder = new TemporaryFolder();
        string file = folder["f.npy"], whole = folder["whole.npy"];
        string[] pictures = [.. Directory.EnumerateFiles(Tool.Textures, "*_0*.jpg", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        string[] arguments = ImageSet.Extract(file, [.. pictures, "--batch", "4"]);
        var start = new ProcessStartInfo("bash", ["-c", "trap '' XFSZ; ulimit -f 24; exec dotnet \"$0\" \"$@\"", s_program, .. arguments]) { RedirectStandardError = true };
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        using (Process process = Process.Start(start)!)
        {
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.AreEqual(ExitCode.Failure, process.ExitCode, error);
            Assert.Contains("f.npy.partial' cannot be written", error);
        }
        CollectionAssert.AreEqual(new[] { $"{file}.partial" }, Directory.GetFiles(folder.Path));
        Assert.IsLessThan(80, Tool.Json([.. arguments, "--resume"]).GetProperty("computed").GetInt32());
        Tool.Succeed(ImageSet.Extract(whole, pictures));
        ExtractTests.AssertSameBytes(whole, file);
    }

    /// <summary>Killed, terminated, interrupted, and each time gone on with: nothing is lost, nothing is there twice.</summary>
    [TestMethod]
    public void A_process_that_is_killed_or_told_to_stop_is_gone_on_with()
    {
        if (OperatingSystem.IsWindows())
            return; // Windows has no such signals.
        using var folder = new TemporaryFolder();
        string file = folder["f.npy"], whole = folder["whole.npy"];
        string[] pictures = [.. Directory.EnumerateFiles(Tool.Textures, "*_0*.jpg", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        string list = string.Join('\n', Enumerable.Repeat(pictures, 8).SelectMany(p => p));
        string[] arguments = ImageSet.Extract(file, "-", "--resume", "--threads", "1", "--batch", "4");

        int rows = 0;
        foreach ((string signal, int code) in ((string, int)[])[("KILL", 128 + 9), ("TERM", ExitCode.Terminated), ("INT", ExitCode.Interrupted)])
        {
            (int exitCode, string error) = RunUntil(arguments, list, Journal.PathOf(file), signal);
            Assert.AreEqual(code, exitCode, error);
            Assert.IsFalse(File.Exists(file));
            if (signal != "KILL")
                Assert.Contains("--resume goes on with them", error);
            using Journal journal = Journal.Open(file, SettingsIn(Journal.PathOf(file)), 96, resume: true);
            Assert.IsGreaterThan(rows, journal.Count);
            rows = journal.Count;
        }
        Tool done = Tool.Run(arguments, list);
        Assert.AreEqual(0, done.ExitCode, done.Error);
        Assert.AreEqual(0, Tool.Run(ImageSet.Extract(whole, pictures)).ExitCode);
        byte[] all = File.ReadAllBytes(file)[128..], once = File.ReadAllBytes(whole)[128..];
        Assert.IsTrue(all.AsSpan().SequenceEqual(Enumerable.Repeat(once, 8).SelectMany(b => b).ToArray()));
    }

    /// <summary>Runs the program until its journal has grown, sends it a signal, and waits for its end.</summary>
    private static (int ExitCode, string Error) RunUntil(string[] arguments, string input, string journal, string signal)
    {
        // Whoever runs tests in the background of a shell has them ignore interrupts, which their children would inherit.
        string[] command = OperatingSystem.IsLinux() ? ["env", "--default-signal=INT", "dotnet"] : ["dotnet"];
        var start = new ProcessStartInfo(command[0], [.. command[1..], s_program, .. arguments]) { RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true };
        long before = File.Exists(journal) ? new FileInfo(journal).Length : 2048;
        using Process process = Process.Start(start)!;
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        while (!process.HasExited && (!File.Exists(journal) || new FileInfo(journal).Length <= before))
            Thread.Sleep(1);
        using (Process kill = Process.Start("kill", ["-s", signal, $"{process.Id}"]))
            kill.WaitForExit();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, error);
    }

    private static string SettingsIn(string journal)
    {
        byte[] bytes = File.ReadAllBytes(journal);
        return System.Text.Encoding.UTF8.GetString(bytes, 16, BitConverter.ToInt32(bytes, 8));
    }

    private static ExtractionResult Extract(string file, ImageItem[] items, CancellationToken cancellation)
    {
        var features = new FeatureRequest("test_resnet", new BackboneOptions { WeightsPath = Tool.DemoWeights }, FeatureSelection.Pooled(), EngineProvider.For("cpu"), Threads: 1, Batch: 3, Exif: false);
        var request = new ExtractionRequest(features, Shard: null, Resume: true, SkipBadImages: false, file);
        return new ImageExtraction(request, items).Run(new ExtractionProgress(new Terminal(TextWriter.Null, TextWriter.Null, TextReader.Null, cancellation)), cancellation);
    }

    /// <summary>An image that somebody presses Ctrl-C at.</summary>
    private sealed class Stopping(string name, CancellationTokenSource stop) : ImageItem(name)
    {
        public override ImageSource Source => new(Name);

        public override void Apply(ImageTransform transform, Span<float> target, bool exif)
        {
            stop.Cancel();
            new ImageFile(Name, Name).Apply(transform, target, exif);
        }
    }
}
