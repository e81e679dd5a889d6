using System.Text.Json;

namespace Microsoft.ML.TimmFeatures.Tests.Support;

/// <summary>The pictures and demo weights in <c>samples/</c>, and timm's features of some of them.</summary>
internal static class Samples
{
    public const string Model = "test_resnet.textures16";

    /// <summary>The repository's root: the nearest folder above the program that has the solution.</summary>
    public static string Root { get; } = FindRoot();

    public static string Weights => Path.Combine(Root, "samples", "weights", Model);

    public static string Pictures => Path.Combine(Root, "samples", "textures");

    public static FeaturizerOptions Options { get; } = new() { ModelName = Model, WeightsPath = Weights };

    /// <summary>Relative paths and timm's pooled features.</summary>
    public static IReadOnlyList<(string Path, float[] Features)> Expected { get; } = ReadExpected();

    public static IEnumerable<Picture> All => Directory.EnumerateFiles(Pictures, "*.jpg", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        .Select(p => new Picture { Path = Path.GetRelativePath(Pictures, p), Label = Path.GetFileName(Path.GetDirectoryName(p))! });

    private static (string, float[])[] ReadExpected()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(Root, "samples", "textures_features.json")));
        return [.. document.RootElement.GetProperty("files").EnumerateArray().Zip(document.RootElement.GetProperty("features").EnumerateArray(),
            (file, features) => (file.GetString()!, features.EnumerateArray().Select(f => f.GetSingle()).ToArray()))];
    }

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "TimmFeatures.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new DirectoryNotFoundException($"There is no TimmFeatures.sln above {AppContext.BaseDirectory}.");
    }
}

internal sealed class Picture
{
    public string Path { get; set; } = "";

    public string Label { get; set; } = "";
}
