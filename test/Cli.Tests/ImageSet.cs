using System.Formats.Tar;
using System.IO.Compression;

namespace TimmFeatures.Cli.Tests;

/// <summary>A folder <c>images</c> of twelve images in two sub-folders, one of which is none: <c>b/03.jpg</c>, the tenth.</summary>
internal sealed class ImageSet : IDisposable
{
    public const int Count = 12, Bad = 9;

    private readonly TemporaryFolder _folder = new();

    public ImageSet()
    {
        string[] pictures = [.. Directory.EnumerateFiles(Tool.Textures, "*_00.jpg", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        for (int i = 0; i < Count; i++)
        {
            string file = Path.Combine(Folder, i < 6 ? "a" : "b", $"{i % 6:00}.jpg");
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            if (i == Bad)
                File.WriteAllText(file, "no image");
            else
                File.Copy(pictures[i % pictures.Length], file);
        }
        File.WriteAllText(Path.Combine(Folder, "a", "notes.txt"), "nor this, and nobody asks for it");
    }

    public string Folder => _folder["images"];

    /// <summary>The images' names as the folder gives them.</summary>
    public string[] Names => [.. Enumerable.Range(0, Count).Select(i => $"{Folder}/{(i < 6 ? "a" : "b")}/{i % 6:00}.jpg")];

    public string this[string name] => _folder[name];

    public string Zip()
    {
        ZipFile.CreateFromDirectory(Folder, this["images.zip"]);
        return this["images.zip"];
    }

    public string Tar()
    {
        TarFile.CreateFromDirectory(Folder, this["images.tar"], includeBaseDirectory: false);
        return this["images.tar"];
    }

    /// <summary>Extracts with the demo weights.</summary>
    public static string[] Extract(string output, params string[] more) => ["extract", "test_resnet", "--weights", Tool.DemoWeights, "-o", output, .. more];

    public void Dispose() => _folder.Dispose();
}
