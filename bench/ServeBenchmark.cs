using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using Backbones;
using Backbones.Engines;

namespace Bench;

/// <summary>
/// <c>timm-features serve</c> in a process of its own, with this process as its clients on the same machine. Bodies are made before, answers are read and forgotten, so that the clients cost
/// little. Rounds of the service and of what it is compared with alternate.
/// </summary>
internal sealed class ServeBenchmark(BenchOptions options)
{
    private const int Batch = 16;

    /// <summary>What the service's code takes to be compiled for good under load.</summary>
    private static readonly TimeSpan s_warmUp = TimeSpan.FromSeconds(10);

    public void Run(string model) => RunAsync(model).GetAwaiter().GetResult();

    private async Task RunAsync(string model)
    {
        string folder = options.Images ?? Path.Combine(Repository.Root, "samples", "textures");
        byte[][] pictures = [.. Directory.EnumerateFiles(folder, "*.jpg", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Take(256).Select(File.ReadAllBytes)];
        if (pictures.Length == 0)
            throw new ArgumentException($"There are no .jpg files in '{folder}'.");
        using Backbone backbone = Backbone.Create(model, new BackboneOptions { RandomWeights = true });
        using FeatureExtractor extractor = backbone.Extract(FeatureSelection.Pooled(), options: new EngineOptions { Threads = options.Threads });
        using Process server = Start(model, out Uri address);
        try
        {
            using var handler = new SocketsHttpHandler { MaxConnectionsPerServer = options.Connections };
            using var client = new HttpClient(handler) { BaseAddress = address };
            (byte[] Body, string Boundary)[] bodies = [.. pictures.Select(Form)];
            await LoadAsync(client, bodies, s_warmUp);

            double bare = 0, served = 0, bareProcessor = double.MaxValue;
            var all = new List<double>();
            TimeSpan serverProcessor = default, clientProcessor = default;
            for (int round = 0; round < options.Runs; round++)
            {
                Engine();
                server.Refresh();
                TimeSpan serverBefore = server.TotalProcessorTime, clientBefore = Process.GetCurrentProcess().TotalProcessorTime;
                (double speed, List<double> times) = await LoadAsync(client, bodies, TimeSpan.FromSeconds(options.Seconds));
                server.Refresh();
                serverProcessor += server.TotalProcessorTime - serverBefore;
                clientProcessor += Process.GetCurrentProcess().TotalProcessorTime - clientBefore;
                served = Math.Max(served, speed);
                all.AddRange(times);
            }
            Engine();
            all.Sort();
            (double direct, double one) = await LatencyAsync(client, extractor, pictures, bodies);
            Report(new Dictionary<string, object>
            {
                ["model"] = model,
                ["connections"] = options.Connections,
                ["images_per_second"] = served,
                ["bare_engine_batch_16"] = bare,
                ["of_bare_engine"] = served / bare,
                ["p50_ms"] = all[all.Count / 2],
                ["p99_ms"] = all[all.Count * 99 / 100],
                ["requests"] = all.Count,
                ["p50_ms_one_connection"] = one,
                ["p50_ms_direct"] = direct,
                ["of_direct"] = one / direct,
                // Processor time depends little on what else the machine does.
                ["cpu_ms_engine"] = bareProcessor,
                ["cpu_ms_decoding"] = Decoding(extractor, pictures),
                ["cpu_ms_server"] = serverProcessor.TotalMilliseconds / all.Count,
                ["cpu_ms_client"] = clientProcessor.TotalMilliseconds / all.Count,
            });
            await MemoryAsync(model, server, client, bodies);

            void Engine()
            {
                TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
                (double speed, int images) = BareEngine(extractor);
                bare = Math.Max(bare, speed);
                bareProcessor = Math.Min(bareProcessor, (Process.GetCurrentProcess().TotalProcessorTime - before).TotalMilliseconds / images);
            }
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync();
        }
    }

    private Process Start(string model, out Uri address)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "timm-features.dll");
        var start = new ProcessStartInfo("dotnet", [program, "serve", "--model", model, "--random-weights", "--port", "0", "--threads", options.Threads.ToString(CultureInfo.InvariantCulture)]) { RedirectStandardOutput = true };
        Process server = Process.Start(start)!;
        string line = server.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The service did not start.");
        address = new Uri(line.Split(' ')[2]);
        return server;
    }

    private static (double ImagesPerSecond, int Images) BareEngine(FeatureExtractor extractor)
    {
        var input = new float[Batch * extractor.InputShape.Length];
        for (int i = 0; i < input.Length; i++)
            input[i] = MathF.Sin(i * 0.37f);
        Memory<float>[] outputs = [.. extractor.Outputs.Select(o => new Memory<float>(new float[Batch * o.Shape.Length]))];
        extractor.Run(Batch, input, outputs);
        int runs = 0;
        var watch = Stopwatch.StartNew();
        for (; runs < 3 || watch.Elapsed < TimeSpan.FromSeconds(3); runs++)
            extractor.Run(Batch, input, outputs);
        return (runs * Batch / watch.Elapsed.TotalSeconds, (runs + 1) * Batch);
    }

    private static double Decoding(FeatureExtractor extractor, byte[][] pictures)
    {
        var input = new float[extractor.InputShape.Length];
        TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
        foreach (byte[] picture in pictures)
            extractor.Transform.ApplyEncoded(picture, input);
        return (Process.GetCurrentProcess().TotalProcessorTime - before).TotalMilliseconds / pictures.Length;
    }

    /// <summary>All connections send one picture after the other.</summary>
    private async Task<(double ImagesPerSecond, List<double> Milliseconds)> LoadAsync(HttpClient client, (byte[] Body, string Boundary)[] bodies, TimeSpan time)
    {
        var watch = Stopwatch.StartNew();
        int next = 0;
        var times = new List<double>[options.Connections];
        await Task.WhenAll(Enumerable.Range(0, options.Connections).Select(c => Task.Run(async () =>
        {
            times[c] = [];
            while (watch.Elapsed < time)
            {
                long start = Stopwatch.GetTimestamp();
                await SendAsync(client, bodies[(uint)Interlocked.Increment(ref next) % bodies.Length]);
                times[c].Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        })));
        return (next / watch.Elapsed.TotalSeconds, [.. times.SelectMany(t => t)]);
    }

    /// <summary>Medians of one picture at a time: decoded and computed here, and sent to the service; in turns.</summary>
    private static async Task<(double Direct, double Served)> LatencyAsync(HttpClient client, FeatureExtractor extractor, byte[][] pictures, (byte[] Body, string Boundary)[] bodies)
    {
        var direct = new List<double>();
        var served = new List<double>();
        var input = new float[extractor.InputShape.Length];
        Memory<float>[] outputs = [.. extractor.Outputs.Select(o => new Memory<float>(new float[o.Shape.Length]))];
        for (int i = -10; i < 200; i++)
        {
            int picture = (i + pictures.Length) % pictures.Length;
            long start = Stopwatch.GetTimestamp();
            extractor.Transform.ApplyEncoded(pictures[picture], input);
            extractor.Run(1, input, outputs);
            double one = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            start = Stopwatch.GetTimestamp();
            await SendAsync(client, bodies[picture]);
            double other = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            if (i < 0)
                continue;
            direct.Add(one);
            served.Add(other);
        }
        return (Timing.Median(direct), Timing.Median(served));
    }

    private async Task MemoryAsync(string model, Process server, HttpClient client, (byte[] Body, string Boundary)[] bodies)
    {
        var megabytes = new List<long>();
        for (int quarter = 0; quarter <= 4; quarter++)
        {
            server.Refresh();
            megabytes.Add(server.WorkingSet64 >> 20);
            if (quarter == 4)
                break;
            int left = options.Requests / 4;
            await Task.WhenAll(Enumerable.Range(0, options.Connections).Select(_ => Task.Run(async () =>
            {
                for (int i; (i = Interlocked.Decrement(ref left)) >= 0;)
                    await SendAsync(client, bodies[i % bodies.Length]);
            })));
        }
        Report(new Dictionary<string, object> { ["model"] = model, ["requests"] = options.Requests, ["server_megabytes_by_quarter"] = megabytes });
    }

    private static async Task SendAsync(HttpClient client, (byte[] Body, string Boundary) form)
    {
        using var content = new ByteArrayContent(form.Body);
        content.Headers.ContentType = new MediaTypeHeaderValue("multipart/form-data") { Parameters = { new NameValueHeaderValue("boundary", form.Boundary) } };
        using HttpResponseMessage response = await client.PostAsync("/v1/features", content);
        response.EnsureSuccessStatusCode();
    }

    private static (byte[] Body, string Boundary) Form(byte[] picture)
    {
        using var form = new MultipartFormDataContent { { new ByteArrayContent(picture), "images", "picture.jpg" } };
        return (form.ReadAsByteArrayAsync().GetAwaiter().GetResult(), form.Headers.ContentType!.Parameters.Single().Value!.Trim('"'));
    }

    private void Report(Dictionary<string, object> figures) => Console.WriteLine(options.Json ? JsonSerializer.Serialize(figures)
        : string.Join(", ", figures.Select(f => $"{f.Key} {f.Value switch { double d => d.ToString("0.00", CultureInfo.InvariantCulture), IEnumerable<long> l => string.Join(' ', l), var v => v }}")));
}
