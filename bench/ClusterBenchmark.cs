using System.Diagnostics;
using System.Text.Json;
using Backbones;
using Backbones.Engines;
using TimmFeatures.Extraction;
using TimmFeatures.Extraction.Images;
using TimmFeatures.Orleans;
using TimmFeatures.Orleans.Grains;

namespace Bench;

/// <summary>
/// What a job on a cluster costs beside its pictures: the state and the turns of a job's grain at ten million pictures, its list of pictures, and a job of one process beside the same without a cluster, in few
/// and in many parts.
/// </summary>
internal sealed class ClusterBenchmark(BenchOptions options)
{
    private const int Pictures = 10_000_000, PartSize = 1000, FewParts = 2, ManyParts = 102;

    public void Run(string model)
    {
        string folder = Directory.CreateTempSubdirectory("timm-features-bench-").FullName;
        try
        {
            MeasureState();
            MeasureManifest(folder);
            MeasureJob(model, folder).GetAwaiter().GetResult();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void MeasureState()
    {
        var state = new JobState();
        var ledger = new PartLedger(state, TimeProvider.System, TimeSpan.FromMinutes(1));
        var job = new NewJob("job", new string('x', 2000), "resnet50.a1_in1k", "/data/features.parquet", "cpu", Pictures, Pictures / PartSize);
        var worker = new WorkerInfo("10.0.0.1:11111@1", ["cpu"]);
        var outcome = new PartOutcome(PartSize, 0, []);
        ledger.Begin(job);
        var watch = Stopwatch.StartNew();
        for (int part = 0; part < job.Parts; part++)
        {
            PartLease lease = ledger.Lease(worker, out _).Lease!;
            ledger.Heartbeat(lease, worker.Name, PartSize / 2);
            ledger.Complete(lease, outcome);
        }
        double turn = watch.Elapsed.TotalMicroseconds / job.Parts;
        watch.Restart();
        int bytes = JsonSerializer.SerializeToUtf8Bytes(state).Length;
        Tell($"state of {Pictures} pictures in {job.Parts} parts: {bytes} bytes, written in {watch.Elapsed.TotalMilliseconds:0.0} ms; a part's lease, sign of life and end: {turn:0.0} µs");
    }

    private static void MeasureManifest(string folder)
    {
        ImageFile[] images = [.. Enumerable.Range(0, Pictures).Select(i => $"/data/photographs/{i / 1000:00000}/{i:00000000}.jpg").Select(p => new ImageFile(p, p))];
        var watch = Stopwatch.StartNew();
        ImageManifest.Write(folder, images, Pictures / PartSize);
        TimeSpan write = watch.Elapsed;
        long bytes = Directory.GetFiles(folder).Sum(f => new FileInfo(f).Length);
        watch.Restart();
        using ManifestPart part = ImageManifest.Read(folder, new Shard(7777, Pictures / PartSize), Pictures);
        Tell($"list of {Pictures} pictures: {bytes >> 20} MiB, written in {write.TotalSeconds:0.0} s; a part of {part.Items.Count} read in {watch.Elapsed.TotalMilliseconds:0.0} ms");
        foreach (string file in Directory.GetFiles(folder))
            File.Delete(file);
    }

    private async Task MeasureJob(string model, string folder)
    {
        string[] pictures = [.. Directory.EnumerateFiles(options.Images ?? Path.Combine(Repository.Root, "samples", "textures"), "*.jpg", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        pictures = [.. Enumerable.Repeat(pictures, Math.Max(1, 2000 / pictures.Length)).SelectMany(p => p)];
        string list = string.Join('\n', pictures);
        var backbone = new BackboneOptions { RandomWeights = true };
        double[] best = [.. Enumerable.Repeat(double.MaxValue, 3)];
        await using ClusterClient cluster = await ClusterClient.ConnectAsync(ClusterAddress.Parse("local"), local: new WorkerOptions { Device = "cpu", Threads = options.Threads });
        for (int run = 0; run < options.Runs; run++)
        {
            best[0] = Math.Min(best[0], Timed(() => Extract(model, backbone, list, Path.Combine(folder, $"{run}-one.npy"))));
            best[1] = Math.Min(best[1], await Timed(cluster, model, backbone, list, Path.Combine(folder, $"{run}-few.npy"), (pictures.Length + FewParts - 1) / FewParts));
            best[2] = Math.Min(best[2], await Timed(cluster, model, backbone, list, Path.Combine(folder, $"{run}-many.npy"), (pictures.Length + ManyParts - 1) / ManyParts));
        }
        Tell($"{model}, {pictures.Length} pictures: extract {best[0]:0.00} s, {FewParts} parts {best[1]:0.00} s, {ManyParts} parts {best[2]:0.00} s; a part more is {1000 * (best[2] - best[1]) / (ManyParts - FewParts):0.0} ms");
    }

    private void Extract(string model, BackboneOptions backbone, string list, string output)
    {
        using ImageList images = ImageList.Of(["-"], new StringReader(list));
        var features = new FeatureRequest(model, backbone, FeatureSelection.Pooled(), EngineProvider.For("cpu"), options.Threads, null, Exif: false);
        new ImageExtraction(new ExtractionRequest(features, null, Resume: false, SkipBadImages: true, output), images.Items).Run(new Silent(), CancellationToken.None);
    }

    private static async Task<double> Timed(ClusterClient cluster, string model, BackboneOptions backbone, string list, string output, int partSize)
    {
        var watch = Stopwatch.StartNew();
        JobStatus job = await cluster.SubmitAsync(new JobRequest(model, ["-"], output) { Backbone = backbone, Device = "cpu", PartSize = partSize }, new StringReader(list));
        while (!(await cluster.StatusAsync(job.Id))!.HasEnded)
            await Task.Delay(5);
        return watch.Elapsed.TotalSeconds;
    }

    private static double Timed(Action action)
    {
        var watch = Stopwatch.StartNew();
        action();
        return watch.Elapsed.TotalSeconds;
    }

    private static void Tell(FormattableString line) => Console.WriteLine(FormattableString.Invariant(line));

    private sealed class Silent : IExtractionProgress
    {
        public void Begin(int total, int before)
        {
        }

        public void Add(int images)
        {
        }

        public void End()
        {
        }
    }
}
