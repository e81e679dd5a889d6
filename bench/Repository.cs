namespace Bench;

/// <summary>Where things are.</summary>
internal static class Repository
{
    /// <summary>The folder for generated files, ignored by git.</summary>
    public static string Artifacts
    {
        get
        {
            for (string? folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
            {
                if (File.Exists(Path.Combine(folder, "TimmFeatures.sln")))
                    return Path.Combine(folder, "artifacts");
            }
            return Path.Combine(Path.GetTempPath(), "timm-features-bench");
        }
    }
}
