using System.Text.RegularExpressions;
using Backbones.Graphs;
using Backbones.Registry;
using Backbones.Weights;

namespace Backbones.Detection;

/// <summary>Puts a detector's <c>state_dict</c> together: of a file, of the backbone that it is made over, or of the recipe.</summary>
internal static partial class DetectorWeights
{
    /// <summary>The file or memory that the options name; null where they name none.</summary>
    /// <param name="entry">The detector, where it has a name; its published weights are then looked for.</param>
    /// <param name="options">The options.</param>
    /// <param name="isOwned">Whether the caller disposes it.</param>
    /// <param name="isPublished">Whether they are the published ones.</param>
    public static ParameterStore? Open(DetectorEntry? entry, DetectorOptions options, out bool isOwned, out bool isPublished)
    {
        (isOwned, isPublished) = (false, false);
        if (options.Weights is not null && options.WeightsPath is not null)
            throw new ArgumentException($"Either weights in memory or those of a file: both were given ('{options.WeightsPath}').", nameof(options));
        if (options.Weights is { } given)
        {
            isPublished = options.ArePublished;
            return UnderTodaysKeys(given);
        }
        string? path = options.WeightsPath;
        if (path is null)
        {
            if (entry is null || options.RandomWeights)
                return null;
            path = WeightsLocator.FindPublished(entry.Config, new WeightsDownloader(options.Download, options.DownloadProgress, cacheDir: options.CacheDir));
        }
        isOwned = true;
        isPublished = entry is not null && (options.WeightsPath is null || entry.IsPublished(path));
        ParameterStore store = ParameterStore.Open(path);
        try
        {
            return UnderTodaysKeys(store);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>All parameters of a detector.</summary>
    /// <param name="specs">What it has.</param>
    /// <param name="given">Weights that were given; they come first.</param>
    /// <param name="body">Those of the backbone that it is made over, by its own keys; null where it has none.</param>
    /// <param name="bodyKey">The detector's key of the backbone's.</param>
    /// <param name="randomWeights">Whether what is missing is made up.</param>
    /// <param name="checkFinite">Whether values are looked at.</param>
    /// <exception cref="ParameterMismatchException">Something is missing, too many, or has another shape.</exception>
    public static ParameterStore Assemble(IReadOnlyList<ParameterSpec> specs, ParameterStore? given, ParameterStore? body, Func<string, string> bodyKey, bool randomWeights, bool checkFinite)
    {
        var bodyTensors = new Dictionary<string, ParameterTensor>(StringComparer.Ordinal);
        foreach (ParameterTensor tensor in body?.Tensors ?? [])
            bodyTensors[bodyKey(tensor.Name)] = tensor;
        var tensors = new List<ParameterTensor>();
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (ParameterSpec spec in specs)
        {
            known.Add(spec.Name);
            if (given?.TryGet(spec.Name, out ParameterTensor? own) == true)
                tensors.Add(own);
            else if (bodyTensors.TryGetValue(spec.Name, out ParameterTensor? backbones))
                tensors.Add(new RenamedTensor(spec.Name, backbones.Shape, backbones));
            else if (randomWeights)
                tensors.AddRange(RecipeWeights.Tensors([spec], 1));
        }
        // What the detector has no place for is told of.
        tensors.AddRange((given?.Tensors ?? []).Where(t => !known.Contains(t.Name)));
        ParameterStore store = ParameterStore.FromTensors(tensors, given?.Source ?? "the backbone's weights (the heads' are in none; give WeightsPath, Weights or RandomWeights)");
        store.EnsureMatches(specs, checkFinite);
        return store;
    }

    /// <summary>Number of classes that weights have: rows of a layer over the rows that each class has.</summary>
    public static int? ClassesOf(ParameterStore? weights, string layer, int rowsPerClass)
        => weights?.TryGet(layer, out ParameterTensor? tensor) == true && tensor.Shape.Rank > 0 && tensor.Shape[0] % rowsPerClass == 0 ? tensor.Shape[0] / rowsPerClass : null;

    /// <summary>The keys of torchvision's first checkpoints, which are still the published ones, as they are since 0.12 (torchvision: <c>_load_from_state_dict</c> of each module).</summary>
    private static ParameterStore UnderTodaysKeys(ParameterStore store)
    {
        if (!store.Tensors.Any(t => Today(t.Name) != t.Name) || store.Tensors.Any(t => t.Name.EndsWith(".inner_blocks.0.0.weight", StringComparison.Ordinal)))
            return store;
        bool isFcos = store.TryGet("head.regression_head.bbox_ctrness.weight", out _);
        return store.WithTensors(store.Tensors.Select(t =>
        {
            string key = isFcos && t.Name.StartsWith("head.", StringComparison.Ordinal) ? t.Name : Today(t.Name);
            return key == t.Name ? t : new RenamedTensor(key, t.Shape, t);
        }));
    }

    private static string Today(string key)
    {
        key = PyramidBlock().Replace(key, "$1.0.$2");
        key = RpnConv().Replace(key, "rpn.head.conv.0.0.$1");
        key = MaskConv().Replace(key, m => $"roi_heads.mask_head.{m.Groups[1].Value[0] - '1'}.0.{m.Groups[2].Value}");
        return HeadConv().Replace(key, m => $"{m.Groups[1].Value}.{(m.Groups[2].Value[0] - '0') / 2}.0.{m.Groups[3].Value}");
    }

    [GeneratedRegex(@"^(backbone\.fpn\.(?:inner|layer)_blocks\.\d+)\.(weight|bias)$")]
    private static partial Regex PyramidBlock();

    [GeneratedRegex(@"^rpn\.head\.conv\.(weight|bias)$")]
    private static partial Regex RpnConv();

    [GeneratedRegex(@"^roi_heads\.mask_head\.mask_fcn([1-9])\.(weight|bias)$")]
    private static partial Regex MaskConv();

    [GeneratedRegex(@"^(head\.(?:classification|regression)_head\.conv)\.([0246])\.(weight|bias)$")]
    private static partial Regex HeadConv();
}
