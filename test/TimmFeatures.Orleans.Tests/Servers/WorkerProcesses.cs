namespace TimmFeatures.Orleans.Tests.Servers;

/// <summary>Processes of the command that are workers of one cluster, and find out soon when one of them is gone.</summary>
internal sealed class WorkerProcesses(ClusterAddress address) : IDisposable
{
    private static readonly string s_program = Path.Combine(AppContext.BaseDirectory, "timm-features.dll");

    private readonly Dictionary<int, ServerProcess> _workers = [];

    /// <summary>Starts one more.</summary>
    /// <returns>Its silo's port.</returns>
    public int Start()
    {
        int port = FreePorts.Next();
        _workers.Add(port, new ServerProcess("dotnet", s_program, "worker", "--cluster", address.ToString().Replace("…", "x"), "--device", "cpu", "--threads", "1", "--address", "127.0.0.1", "--port", $"{port}",
            "--gateway-port", $"{FreePorts.Next()}", "--probe", "1", "--lease", "5"));
        return port;
    }

    /// <summary>As <c>kill -9</c>.</summary>
    public void Kill(int port)
    {
        _workers.Remove(port, out ServerProcess? worker);
        worker!.Kill();
        worker.Dispose();
    }

    /// <summary>Whichever there is, but not this one.</summary>
    public int Other(int port) => _workers.Keys.First(p => p != port);

    /// <summary>Waits until all have said that they are there.</summary>
    public void WaitUntilReady()
    {
        foreach (ServerProcess worker in _workers.Values)
        {
            for (int i = 0; i < 1200 && !worker.Said.Contains("Worker 127.0.0.1:"); i++)
            {
                Assert.IsFalse(worker.Process.HasExited, worker.Said);
                Thread.Sleep(50);
            }
            Assert.Contains("Worker 127.0.0.1:", worker.Said);
        }
    }

    /// <summary>All that they have said.</summary>
    public string Said => string.Join("\n", _workers.Select(w => $"--- {w.Key}\n{w.Value.Said}"));

    /// <summary>Tells one to end, as Ctrl-C does.</summary>
    public (int ExitCode, string Said) Terminate(int port)
    {
        _workers.Remove(port, out ServerProcess? worker);
        using (worker)
        {
            worker!.Terminate();
            return (worker.Process.ExitCode, worker.Said);
        }
    }

    public void Dispose()
    {
        foreach (ServerProcess worker in _workers.Values)
            worker.Dispose();
    }
}
