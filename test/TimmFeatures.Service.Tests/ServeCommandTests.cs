using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using TimmFeatures.Cli;

namespace TimmFeatures.Service.Tests;

/// <summary><c>timm-features serve</c> as a process, and its command line.</summary>
[TestClass]
public sealed class ServeCommandTests
{
    [TestMethod]
    public async Task Told_to_stop_it_answers_what_is_under_way_and_ends_with_0()
    {
        if (OperatingSystem.IsWindows())
            return; // Windows has no such signal.
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "timm-features.dll"), "serve", "--model", $"t={RunningService.DemoWeights}", "--port", "0"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        string line = (await process.StandardOutput.ReadLineAsync())!;
        Assert.StartsWith("Listening at http://127.0.0.1:", line);
        Assert.EndsWith(" with t.", line);
        using var client = new HttpClient { BaseAddress = new Uri(line.Split(' ')[2]), Timeout = Timeout.InfiniteTimeSpan };
        byte[][] pictures = [.. Enumerable.Range(0, 64).Select(i => RunningService.Pictures[i % RunningService.Pictures.Length])];
        Task<HttpResponseMessage> answer = client.PostAsync("/v1/features", RunningService.Form(pictures));
        using var watch = new HttpClient { BaseAddress = client.BaseAddress };
        await RunningService.UntilAsync(() => answer.IsCompleted || !watch.GetStringAsync("/metrics").Result.Contains("timm_features_pictures_under_way{otel_scope_name=\"TimmFeatures.Service\"} 0\n"));
        using (Process kill = Process.Start("kill", ["-s", "TERM", $"{process.Id}"]))
            await kill.WaitForExitAsync();
        using HttpResponseMessage response = await answer;
        Assert.AreEqual(HttpStatusCode.OK, response.StatusCode);
        Assert.Contains("[64,96]", await response.Content.ReadAsStringAsync());
        await process.WaitForExitAsync();
        string error = await process.StandardError.ReadToEndAsync();
        Assert.AreEqual(ExitCode.Success, process.ExitCode, error);
        Assert.Contains("Stopping", error);
    }

    [TestMethod]
    [DataRow(ExitCode.Usage, "No model is to be served")]
    [DataRow(ExitCode.Usage, "--port 70000 is not valid; expected 0 to 65535", "--model", "test_resnet", "--port", "70000")]
    [DataRow(ExitCode.Usage, "--host 'example.com' is not valid", "--model", "test_resnet", "--host", "example.com")]
    [DataRow(ExitCode.Usage, "--max-wait -1 is not valid", "--model", "test_resnet", "--max-wait", "-1")]
    [DataRow(ExitCode.Usage, "--max-batch 0 is not valid", "--model", "test_resnet", "--max-batch", "0")]
    [DataRow(ExitCode.Usage, "--weights is for one --model", "--model", "test_resnet", "--model", "test_vit", "--weights", ".")]
    [DataRow(ExitCode.Failure, "Unknown model 'test_resnett'. Did you mean 'test_resnet'", "--model", "test_resnett", "--port", "0")]
    [DataRow(ExitCode.Failure, "served as 'test_vit'", "--model", "test_vit", "--model", "test_vit=test_resnet", "--random-weights")]
    [DataRow(ExitCode.Failure, "Ask for fewer features, or have the service started with more (--memory)", "--model", "resnet50", "--random-weights", "--memory", "20", "--port", "0")]
    [DataRow(ExitCode.Failure, "no-such-file", "--model", "test_resnet", "--api-key-file", "no-such-file")]
    public void A_wrong_command_line_is_one_line(int code, string message, params string[] arguments) => Fail(code, message, arguments);

    [TestMethod]
    public void An_address_that_is_taken_says_so()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        string port = $"{((IPEndPoint)taken.LocalEndpoint).Port}";
        Fail(ExitCode.Failure, port, "--model", "test_resnet", "--random-weights", "--port", port);
    }

    [TestMethod]
    public async Task Elsewhere_without_a_key_it_warns_and_with_one_it_does_not()
    {
        string file = Path.Combine(Path.GetTempPath(), $"timm-features-{Guid.NewGuid():N}.key");
        File.WriteAllText(file, "secret\n");
        try
        {
            Assert.Contains("Warning: listening at 0.0.0.0 without an API key", await RunUntilListeningAsync("--host", "0.0.0.0"));
            Assert.DoesNotContain("Warning", await RunUntilListeningAsync("--host", "0.0.0.0", "--api-key-file", file));
            Assert.DoesNotContain("Warning", await RunUntilListeningAsync());
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static async Task<string> RunUntilListeningAsync(params string[] arguments)
    {
        using var stop = new CancellationTokenSource();
        using StringWriter error = new();
        using var output = new SignallingWriter();
        Task<int> run = Task.Factory.StartNew(() => CommandLine.Run(["serve", "--model", "test_resnet", "--random-weights", "--port", "0", .. arguments], new Terminal(output, error, TextReader.Null, stop.Token)), TaskCreationOptions.LongRunning);
        await Task.WhenAny(output.Written.Task, run);
        await stop.CancelAsync();
        Assert.AreEqual(ExitCode.Success, await run, error.ToString());
        return error.ToString();
    }

    private static void Fail(int code, string message, params string[] arguments)
    {
        using StringWriter output = new(), error = new();
        Assert.AreEqual(code, CommandLine.Run(["serve", .. arguments], new Terminal(output, error, TextReader.Null, CancellationToken.None)), error.ToString());
        Assert.Contains(message, error.ToString());
        Assert.HasCount(1, error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>Tells when something was written.</summary>
    private sealed class SignallingWriter : StringWriter
    {
        public TaskCompletionSource Written { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override void Flush() => Written.TrySetResult();
    }
}
