namespace Backbones.Models;

/// <summary>Convolution widths of pruned variants (Knapsack Pruning, https://arxiv.org/abs/2002.08258), one <c>module width</c> pair a line.</summary>
internal static class PrunedModels
{
    /// <summary>The widths of a variant by module path.</summary>
    public static IReadOnlyDictionary<string, int> Load(string variant)
    {
        using Stream stream = typeof(PrunedModels).Assembly.GetManifestResourceStream($"Pruned/{variant}.txt")
            ?? throw new FileNotFoundException($"There is no table of pruned widths '{variant}'.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' ')).ToDictionary(parts => parts[0], parts => int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture));
    }
}
