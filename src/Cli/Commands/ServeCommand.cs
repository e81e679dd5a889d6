using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using TimmFeatures.Cli.Options;
using TimmFeatures.Cli.Serving;
using TimmFeatures.Orleans;
using TimmFeatures.Extraction;
using TimmFeatures.Service;
using TimmFeatures.Service.Backends;
using TimmFeatures.Service.Telemetry;

namespace TimmFeatures.Cli.Commands;

/// <summary><c>serve</c>: features over HTTP until it is told to stop.</summary>
internal static class ServeCommand
{
    /// <summary>Where the API key is, unless it is in a file. Never an argument: those are for all to see.</summary>
    public const string KeyVariable = "TIMM_FEATURES_API_KEY";

    public static Command Create(Terminal terminal)
    {
        ServiceLimits limits = new();
        ServiceOptions service = new();
        LocalBackendOptions local = new() { Models = [] };
        var weights = new ModelArguments();
        var engine = new EngineOptionSet();
        var models = new Option<string[]>("--model")
        {
            Description = "A model to serve, by timm's name, hf-hub:organization/model or local-dir:PATH; NAME=MODEL for another name. As often as there are models.",
            HelpName = "[NAME=]MODEL",
        };
        var any = new Option<bool>("--any-model") { Description = "Serve every model of timm that a client names, downloads included: for clients that are trusted." };
        var host = new Option<string>("--host") { Description = "The address to listen at: 127.0.0.1 is this machine alone, 0.0.0.0 all networks.", HelpName = "ADDRESS", DefaultValueFactory = _ => service.Address.ToString() };
        var port = new Option<int>("--port") { Description = "The port; 0 for one that is free.", HelpName = "N", DefaultValueFactory = _ => service.Port };
        port.Validators.Add(result =>
        {
            if (result.Tokens is [var text] && int.TryParse(text.Value, CultureInfo.InvariantCulture, out int number) && number is < 0 or > IPEndPoint.MaxPort)
                result.AddError($"--port {number} is not valid; expected 0 to {IPEndPoint.MaxPort}.");
        });
        var keyFile = new Option<string?>("--api-key-file") { Description = $"A file with the key that clients have to send; or the variable {KeyVariable}.", HelpName = "FILE" };
        Option<int?> maxBatch = CommonOptions.Count("--max-batch", $"Pictures computed together at most; {local.MaxBatch} unless given.", most: CommonOptions.MaxBatch);
        var maxWait = new Option<double?>("--max-wait") { Description = $"How long a picture waits for others that are being decoded, in milliseconds; {local.MaxWait.TotalMilliseconds.ToString(CultureInfo.InvariantCulture)} unless given.", HelpName = "MS" };
        maxWait.Validators.Add(result =>
        {
            if (result.Tokens is [var text] && double.TryParse(text.Value, CultureInfo.InvariantCulture, out double wait) && wait is not (>= 0 and <= 60_000))
                result.AddError($"--max-wait {text.Value} is not valid; expected 0 to 60000.");
        });
        Option<int?> memory = CommonOptions.Count("--memory", "What loaded models may take; half of the memory that the process may have unless given. The one that was not used for the longest goes first.", "MB");
        Option<int?> maxBody = CommonOptions.Count("--max-body", $"Largest body of a request; {limits.MaxBody >> 20} unless given.", "MB", most: 1024);
        Option<int?> maxPixels = CommonOptions.Count("--max-pixels", $"Largest picture; {limits.MaxPixels / 1_000_000} unless given.", "MEGAPIXELS", most: 178);
        Option<int?> maxPictures = CommonOptions.Count("--max-pictures", $"Pictures of a request; {limits.MaxPictures} unless given.");
        Option<int?> queue = CommonOptions.Count("--queue", $"Pictures under way, those of all requests; {limits.Queue} unless given. Who comes beyond that is told to come again.");
        Option<int?> drain = CommonOptions.Count("--drain-time", $"How long requests that are under way have after SIGTERM; {(int)service.DrainTime.TotalSeconds} unless given.", "SECONDS", most: 3600);
        var exif = new Option<bool>("--exif") { Description = "Turn photographs upright by their EXIF orientation. timm does not." };
        var cluster = new ClusterOptionSet();
        var command = new Command("serve", "Serves features over HTTP: POST /v1/features, POST /v1/embeddings (OpenAI's form), /openapi.json, /health/live, /health/ready, /metrics.");
        command.Options.Add(models);
        command.Options.Add(any);
        foreach (Option option in (Option[])[host, port, keyFile, maxBatch, maxWait, memory, maxBody, maxPixels, maxPictures, queue, drain, exif])
            command.Options.Add(option);
        weights.AddTo(command, withArgument: false);
        engine.AddTo(command);
        cluster.AddTo(command);
        HelpWithExamples.Add(command,
            "timm-features serve --model resnet50.a1_in1k",
            "timm-features serve --model vit_small_patch14_dinov2 --model mine=local-dir:models/mine --port 9000",
            "curl -F images=@cat.jpg http://127.0.0.1:8080/v1/features",
            "curl -F images=@cat.jpg -F kind=pyramid -F indices=-1 -H 'Accept: application/x-npy' http://127.0.0.1:8080/v1/features -o map.npy");
        command.SetAction(result =>
        {
            limits = limits with
            {
                MaxBody = result.GetValue(maxBody) is { } body ? body << 20 : limits.MaxBody,
                MaxPixels = result.GetValue(maxPixels) is { } pixels ? pixels * 1_000_000L : limits.MaxPixels,
                MaxPictures = result.GetValue(maxPictures) ?? limits.MaxPictures,
                Queue = result.GetValue(queue) ?? limits.Queue,
            };
            service = service with
            {
                Address = AddressOf(result.GetValue(host)!),
                Port = result.GetValue(port),
                ApiKey = ReadKey(result.GetValue(keyFile)),
                Limits = limits,
                DrainTime = result.GetValue(drain) is { } seconds ? TimeSpan.FromSeconds(seconds) : service.DrainTime,
            };
            local = local with
            {
                Models = [.. (result.GetValue(models) ?? []).Select(Served)],
                AnyModel = result.GetValue(any),
                Backbone = weights.Read(result, terminal),
                Engine = engine.Engine(result),
                Threads = engine.Threads(result),
                Exif = result.GetValue(exif),
                MaxBatch = result.GetValue(maxBatch) ?? local.MaxBatch,
                MaxWait = result.GetValue(maxWait) is { } wait ? TimeSpan.FromMilliseconds(wait) : local.MaxWait,
                Memory = result.GetValue(memory) is { } megabytes ? (long)megabytes << 20 : local.Memory,
                MaxPixels = limits.MaxPixels,
            };
            if (local.Models.Count == 0 && !local.AnyModel)
                throw new UsageException("No model is to be served; expected --model NAME, once or more, or --any-model.");
            if (local.Backbone.WeightsPath is not null && (local.Models.Count != 1 || local.AnyModel))
                throw new UsageException("--weights is for one --model; expected NAME=local-dir:PATH for each where there are several.");
            bool spread = result.GetResult(cluster.Option) is { Implicit: false };
            (spread ? ServeWith(cluster.ReadShared(result), service, local, weights.ReadConfig(result), terminal) : Serve(service, local, metrics => new LocalBackend(local, metrics), terminal)).GetAwaiter().GetResult();
            return ExitCode.Success;
        });
        return command;
    }

    /// <summary>The workers of a cluster compute.</summary>
    private static async Task ServeWith(ClusterAddress address, ServiceOptions options, LocalBackendOptions local, JsonObject? configOverlay, Terminal terminal)
    {
        ClusterClient client = await ClusterClient.ConnectAsync(address, cancellation: terminal.Cancellation);
        await Serve(options, local, _ => new ClusterBackend(client, ServingSetup.Of(local, configOverlay)), terminal);
    }

    private static async Task Serve(ServiceOptions options, LocalBackendOptions local, Func<ServiceMetrics, IFeatureBackend> backend, Terminal terminal)
    {
        using var metrics = new ServiceMetrics();
        if (options.ApiKey is null && !IPAddress.IsLoopback(options.Address))
            terminal.Error.WriteLine($"Warning: listening at {options.Address} without an API key: whoever reaches this machine can use the service. Set {KeyVariable} or --api-key-file.");
        await using FeatureService service = await FeatureService.StartAsync(options, backend(metrics), metrics, terminal.Error, terminal.Cancellation);
        string models = string.Join(", ", local.Models.Select(m => m.Name).Concat(local.AnyModel ? ["any model of timm"] : []));
        terminal.Out.WriteLine($"Listening at {service.Address.ToString().TrimEnd('/')} with {models}.");
        terminal.Out.Flush();
        await Task.Delay(Timeout.Infinite, terminal.Cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        terminal.Error.WriteLine("Stopping: requests that are under way are answered first.");
        await service.StopAsync();
    }

    private static ServedModel Served(string text)
    {
        int equals = text.IndexOf('=');
        // A folder's path may have one too: then it comes after the colon.
        bool isNamed = equals > 0 && !text.AsSpan(0, equals).ContainsAny(':', '/', '\\');
        return isNamed ? new ServedModel(text[..equals], text[(equals + 1)..]) : new ServedModel(text, text);
    }

    private static IPAddress AddressOf(string host) => host == "localhost" ? IPAddress.Loopback
        : IPAddress.TryParse(host, out IPAddress? address) ? address
        : throw new UsageException($"--host '{host}' is not valid; expected an address of this machine, such as 127.0.0.1, 0.0.0.0 or ::1.");

    private static string? ReadKey(string? file)
    {
        if (file is not null && !File.Exists(file))
            throw new FileNotFoundException($"--api-key-file '{file}' is not there; expected a file with a key in it.");
        string? key = file is null ? Environment.GetEnvironmentVariable(KeyVariable)?.Trim() : File.ReadAllText(file).Trim();
        return key is null or { Length: > 0 } ? key : throw new UsageException(file is null ? $"{KeyVariable} is empty; expected a key, or no such variable." : $"'{file}' is empty; expected a key in it.");
    }
}
