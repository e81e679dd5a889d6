namespace Bench;

/// <summary>Where things are.</summary>
internal static class Repository
{
    /// <summary>The nearest folder above the program that has the solution; else the current directory.</summary>
    public static string Root
    {
        get
        {
            for (string? folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
            {
                if (File.Exists(Path.Combine(folder, "TimmFeatures.sln")))
                    return folder;
            }
            return Directory.GetCurrentDirectory();
        }
    }

    /// <summary>The folder for generated files, ignored by git.</summary>
    public static string Artifacts => Path.Combine(Root, "artifacts");
}
