using Microsoft.ML;
using Microsoft.ML.Data;

namespace Bench;

/// <summary>One row of the data that pipelines are measured on.</summary>
internal sealed class Picture
{
    public string Path { get; set; } = "";

    /// <summary>The JPEG files of a folder and the folders in it, in ordinal order.</summary>
    /// <param name="folder">The folder; null for the repository's textures.</param>
    /// <exception cref="ArgumentException">There are none.</exception>
    public static Picture[] In(string? folder)
    {
        folder ??= System.IO.Path.Combine(Repository.Root, "samples", "textures");
        Picture[] pictures = [.. Directory.EnumerateFiles(folder, "*.jpg", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(p => new Picture { Path = p })];
        return pictures.Length > 0 ? pictures : throw new ArgumentException($"There are no .jpg files in '{folder}'.");
    }

    /// <summary>Reads a column of vectors to its end.</summary>
    /// <exception cref="InvalidOperationException">A row has no features, or there are other rows than pictures.</exception>
    public static void Read(IDataView view, string column, int rows)
    {
        int read = 0;
        foreach (VBuffer<float> features in view.GetColumn<VBuffer<float>>(column))
            read += features.Length > 0 ? 1 : throw new InvalidOperationException("A row has no features.");
        if (read != rows)
            throw new InvalidOperationException($"There are {read} rows of {rows}.");
    }
}
