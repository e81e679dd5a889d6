namespace Classify;

/// <summary>One picture: where it is and what it shows.</summary>
internal sealed class Picture
{
    public string Path { get; set; } = "";

    public string Label { get; set; } = "";
}

/// <summary>What the trained pipeline says of a picture.</summary>
internal sealed class Prediction
{
    public string PredictedLabel { get; set; } = "";
}

internal static class PictureFolder
{
    private static readonly string[] s_extensions = [".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp"];

    /// <summary>All pictures below a folder; the sub-folder's name is the label.</summary>
    /// <exception cref="InvalidDataException">There are no two labels, or a label has no two pictures.</exception>
    public static IReadOnlyList<Picture> Read(string folder)
    {
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"There is no picture folder '{folder}'.");
        Picture[] pictures = [.. Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal)
            .SelectMany(d => Files(d, SearchOption.AllDirectories).Select(f => new Picture { Path = f, Label = System.IO.Path.GetFileName(d) }))];
        string[] labels = [.. pictures.Select(p => p.Label).Distinct()];
        if (labels.Length < 2)
            throw new InvalidDataException($"'{folder}' has {Found(folder, labels)}; at least 2 sub-folders with {string.Join(", ", s_extensions)} files are needed: their names are the labels.");
        return pictures;
    }

    private static string Found(string folder, string[] labels)
        => labels.Length == 1 ? $"pictures in one sub-folder alone, '{labels[0]}'"
            : Files(folder, SearchOption.TopDirectoryOnly).Count() is > 0 and var flat ? $"{flat} pictures that are in no sub-folder" : "no pictures in sub-folders";

    private static IEnumerable<string> Files(string folder, SearchOption depth) => Directory.EnumerateFiles(folder, "*", depth).Order(StringComparer.Ordinal)
        .Where(f => s_extensions.Contains(System.IO.Path.GetExtension(f).ToLowerInvariant()));
}

/// <summary>The repository that this program was built in.</summary>
internal static class Repository
{
    public static string In(params string[] path)
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(System.IO.Path.Combine(folder, "TimmFeatures.sln")))
            folder = System.IO.Path.GetDirectoryName(folder);
        return System.IO.Path.Combine([folder ?? Environment.CurrentDirectory, .. path]);
    }
}
