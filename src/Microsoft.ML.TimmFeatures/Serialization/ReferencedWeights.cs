using Backbones.Registry;
using Backbones.Weights;
using Backbones.Weights.Hub;

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
    private static string WhyNot(FeaturizerOptions stored) => stored.WeightsPath is { } path && !IsAllowed(path)
        ? $" The path that it was saved with, '{path}', is outside the folders of weights and was not opened; if you trust the model, put its folder into {WeightsLocator.FoldersVariable}." : "";

    /// <summary>Opens what refers to its weights, and says of weights that are not there or are others what the model was saved with.</summary>
    /// <param name="stored">The model's options, with the path that it was saved with.</param>
    /// <param name="hash">Content hash of its weights.</param>
    /// <param name="open">Opens it.</param>
    /// <exception cref="FileNotFoundException">The weights are not on this machine.</exception>
    /// <exception cref="InvalidDataException">They do not fit.</exception>
    public static T Open<T>(FeaturizerOptions stored, string hash, Func<T> open)
    {
        try
        {
            return open();
        }
        catch (Exception e) when (e is FileNotFoundException or UnknownModelException or DownloadException)
        {
            throw new FileNotFoundException($"The model refers to weights of '{stored.ModelName}' that are not on this machine (content hash {hash}): {e.Message}{WhyNot(stored)}", e);
        }
        catch (Exception e) when (e is WeightsFormatException or ParameterMismatchException)
        {
            throw new InvalidDataException($"The model was saved with other weights of '{stored.ModelName}' (content hash {hash}): {e.Message}", e);
        }
    }

    /// <summary>Makes sure that the weights are those that the model was saved with.</summary>
    /// <param name="needed">Those of them that the model needs.</param>
    /// <param name="hash">Content hash of the saved model's.</param>
    /// <param name="name">The model's name.</param>
    /// <param name="source">Where they are.</param>
    /// <exception cref="InvalidDataException">They are others.</exception>
    public static void Check(ParameterStore needed, string hash, string name, string source)
    {
        if (needed.ContentHash != hash)
            throw new InvalidDataException($"The model was saved with other weights of '{name}': those in {source} have content hash {needed.ContentHash}, the model refers to {hash}.");
    }

    private static bool IsName(string name)
        => !Path.IsPathRooted(name) && !name.Contains('\\') && !name.Split('/').Contains("..") && ModelName.Parse(name).Source != ModelNameSource.LocalDir;

    private static bool IsAllowed(string path)
    {
        string full = Path.GetFullPath(path);
        return WeightsLocator.DefaultFolders.Select(Path.GetFullPath)
            .Any(folder => full.StartsWith(Path.TrimEndingDirectorySeparator(folder) + Path.DirectorySeparatorChar, StringComparison.Ordinal));
    }
}
