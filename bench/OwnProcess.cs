using System.Diagnostics;

namespace Bench;

/// <summary>This program once more, in a new process.</summary>
internal static class OwnProcess
{
    /// <summary>Starts it; its standard output is the caller's to read.</summary>
    public static Process Start(params ReadOnlySpan<string> arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        // Under 'dotnet Bench.dll' the process is the host, which needs the program's path.
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            start.ArgumentList.Add(typeof(OwnProcess).Assembly.Location);
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    /// <summary>What it writes until it ends.</summary>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public static string Run(params ReadOnlySpan<string> arguments)
    {
        using Process process = Start(arguments);
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? text : throw new InvalidOperationException($"The new process failed (exit code {process.ExitCode}).");
    }
}
