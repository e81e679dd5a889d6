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
    private static readonly string[] s_extensions = [".jpg", ".jpeg", ".png", ".bmp"];

    /// <summary>All pictures below a folder; the sub-folder's name is the label.</summary>
    public static IReadOnlyList<Picture> Read(string folder)
    {
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"There is no picture folder '{folder}'.");
        Picture[] pictures = [.. Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal)
            .SelectMany(d => Directory.EnumerateFiles(d, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
                .Where(f => s_extensions.Contains(System.IO.Path.GetExtension(f).ToLowerInvariant()))
                .Select(f => new Picture { Path = f, Label = System.IO.Path.GetFileName(d) }))];
        int labels = pictures.Select(p => p.Label).Distinct().Count();
        return labels >= 2 ? pictures
            : throw new InvalidDataException($"'{folder}' has pictures of {labels} labels; at least 2 sub-folders with {string.Join(", ", s_extensions)} files are needed.");
    }
}
