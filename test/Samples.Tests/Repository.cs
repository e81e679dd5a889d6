namespace Samples.Tests;

/// <summary>Where things are.</summary>
internal static class Repository
{
    /// <summary>The nearest folder above the program that has the solution.</summary>
    public static string Root { get; } = FindRoot();

    public static string In(params string[] path) => Path.Combine([Root, .. path]);

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "TimmFeatures.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new DirectoryNotFoundException($"There is no TimmFeatures.sln above {AppContext.BaseDirectory}.");
    }
}
