using System.Diagnostics;
using System.Text;

namespace TimmFeatures.Orleans.Tests.Servers;

/// <summary>A process that a test started, and what it says.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly StringBuilder _said = new();

    public ServerProcess(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        Process = Process.Start(start)!;
        Process.OutputDataReceived += (_, e) => Hear(e.Data);
        Process.ErrorDataReceived += (_, e) => Hear(e.Data);
        Process.BeginOutputReadLine();
        Process.BeginErrorReadLine();
    }

    public Process Process { get; }

    public string Said
    {
        get
        {
            lock (_said)
                return _said.ToString();
        }
    }

    /// <summary>As <c>kill -9</c>.</summary>
    public void Kill()
    {
        Process.Kill();
        Process.WaitForExit();
    }

    /// <summary>As <c>kill</c>: it ends in good order.</summary>
    public void Terminate(string signal = "TERM")
    {
        using (Process kill = Process.Start("kill", ["-s", signal, $"{Process.Id}"]))
            kill.WaitForExit();
        Process.WaitForExit();
    }

    public void Dispose()
    {
        if (!Process.HasExited)
            Kill();
        Process.Dispose();
    }

    private void Hear(string? line)
    {
        lock (_said)
            _said.AppendLine(line);
    }
}
