using System.Diagnostics;

namespace Microsoft.ML.TimmFeatures.Tests.Support;

/// <summary>The program beside the tests that knows nothing of featurizers: they only lie beside it.</summary>
internal static class FreshProcess
{
    /// <summary>Runs it and gives back what it printed; fails the test if it fails.</summary>
    public static string Run(params IEnumerable<string> arguments) => Run(withCultures: false, arguments);

    /// <summary>The same with ICU's cultures, or without.</summary>
    public static string Run(bool withCultures, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "FreshProcess.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
            Environment = { ["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = withCultures ? "0" : "1" },
        };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.AreEqual(0, process.ExitCode, error.Result);
        return output;
    }
}
