using Backbones.Registry;

namespace Microsoft.ML.TimmFeatures.Serialization;

/// <summary>
/// Which file a saved model that refers to its weights may open. A model can come from anywhere: it must not choose a path of this machine. A path counts where
/// it lies in one of the folders of weights, to which whoever runs the program can add (<see cref="WeightsLocator.FoldersVariable"/>); otherwise the name has to do.
/// </summary>
internal static class ReferencedWeights
{
    /// <summary>The path to open; null to look the weights up by name.</summary>
    /// <exception cref="InvalidDataException">The name is a path, or leads out of the folders of weights.</exception>
    public static string? PathOf(FeaturizerOptions stored)
    {
        if (!IsName(stored.ModelName))
            throw new InvalidDataException($"the name of its model, '{stored.ModelName}', is a path.");
        return stored.WeightsPath is { } path && IsAllowed(path) && (File.Exists(path) || Directory.Exists(path)) ? path : null;
    }

    /// <summary>A sentence for the case that the weights were not found, with a leading space, or nothing.</summary>
    public static string WhyNot(FeaturizerOptions stored) => stored.WeightsPath is { } path && !IsAllowed(path)
        ? $" The path that it was saved with, '{path}', is outside the folders of weights and was not opened; if you trust the model, put its folder into {WeightsLocator.FoldersVariable}." : "";

    private static bool IsName(string name)
        => !Path.IsPathRooted(name) && !name.Contains('\\') && !name.Split('/').Contains("..") && ModelName.Parse(name).Source != ModelNameSource.LocalDir;

    private static bool IsAllowed(string path)
    {
        string full = Path.GetFullPath(path);
        return WeightsLocator.DefaultFolders.Select(Path.GetFullPath)
            .Any(folder => full.StartsWith(Path.TrimEndingDirectorySeparator(folder) + Path.DirectorySeparatorChar, StringComparison.Ordinal));
    }
}
