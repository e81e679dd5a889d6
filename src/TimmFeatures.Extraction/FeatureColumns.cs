using Backbones;
using TimmFeatures.Extraction.Files;

namespace TimmFeatures.Extraction;

/// <summary>What a selection's outputs are called in files.</summary>
internal static class FeatureColumns
{
    /// <summary>The columns, in the outputs' order. Levels and blocks, which the engine numbers, are <c>level_0</c> and <c>block_0</c>.</summary>
    /// <exception cref="UsageException">A node is called as one of the file's own columns.</exception>
    public static IReadOnlyList<FeatureColumn> Of(FeatureSelection selection, SelectedFeatures selected)
    {
        FeatureColumn[] columns = [.. selected.Outputs.Select(o => new FeatureColumn(OutputNames.Of(selection, o), [.. o.Shape], o.Level?.Reduction, o.Level?.Module))];
        if (columns.FirstOrDefault(c => c.Name is TableFormat.PathColumn or TableFormat.ErrorColumn) is { } taken)
            throw new UsageException($"A node '{taken.Name}' cannot be written: files have a column of that name.");
        return columns;
    }
}
