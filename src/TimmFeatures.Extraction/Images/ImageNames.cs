namespace TimmFeatures.Extraction.Images;

/// <summary>Which files of a folder or an archive are taken for images, and how paths are written.</summary>
internal static class ImageNames
{
    private static readonly HashSet<string> s_extensions = new([".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".dib", ".gif", ".webp"], StringComparer.OrdinalIgnoreCase);

    public static string Extensions => string.Join(", ", s_extensions);

    /// <summary>Whether the name is an image's. macOS puts files that look so beside the real ones.</summary>
    public static bool IsImage(string path) => s_extensions.Contains(Path.GetExtension(path)) && !Path.GetFileName(path).StartsWith("._", StringComparison.Ordinal);

    /// <summary>The same path on every system.</summary>
    public static string Normal(string path) => Path.DirectorySeparatorChar == '/' ? path : path.Replace(Path.DirectorySeparatorChar, '/');
}
