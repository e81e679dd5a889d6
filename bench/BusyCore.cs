using System.Diagnostics;

namespace Bench;

/// <summary>Another process that keeps one core busy until this is disposed, or for a minute.</summary>
internal sealed class BusyCore : IDisposable
{
    /// <summary>How the program starts itself for it.</summary>
    public const string Argument = "--keep-a-core-busy";

    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(1);

    private readonly Process _process = OwnProcess.Start(Argument);

    /// <summary>Returns when the process is busy.</summary>
    public BusyCore() => _process.StandardOutput.ReadLine();

    /// <summary>What the new process does.</summary>
    public static void Spin()
    {
        var watch = Stopwatch.StartNew();
        Console.WriteLine("busy");
        while (watch.Elapsed < s_longest)
            Thread.SpinWait(1000);
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
