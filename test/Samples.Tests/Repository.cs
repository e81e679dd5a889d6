using System.Reflection;

namespace Samples.Tests;

/// <summary>Where things are.</summary>
internal static class Repository
{
    /// <summary>The nearest folder above the program that has the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The package stack that this was built on.</summary>
    public static string Stack { get; } = Metadata("MLStack");

    /// <summary>Whether Microsoft.ML.AutoML and Microsoft.Extensions.ML were there: "true" or "false".</summary>
    public static string Companions { get; } = Metadata("MLCompanions");

    public static string In(params string[] path) => Path.Combine([Root, .. path]);

    private static string Metadata(string key) => typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == key).Value!;

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "TimmFeatures.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new DirectoryNotFoundException($"There is no TimmFeatures.sln above {AppContext.BaseDirectory}.");
    }
}
