using System.Text.Json;

namespace Backbones.Weights;

/// <summary>Weights in several files, with an index that says which key is in which: <c>model.safetensors.index.json</c>, <c>pytorch_model.bin.index.json</c>.</summary>
/// <remarks>Source: transformers' and huggingface_hub's sharded checkpoints.</remarks>
internal sealed class ShardedWeights : IDisposable
{
    /// <summary>What ends so is an index, by the names that transformers and huggingface_hub give.</summary>
    public const string IndexSuffix = ".index.json";

    /// <summary>The largest models have about 200.</summary>
    private const int MaxFiles = 1000;

    private readonly List<IDisposable> _files = [];

    private ShardedWeights()
    {
    }

    /// <summary>The tensors of all files of an index.</summary>
    /// <param name="path">The index.</param>
    /// <param name="others">Entries beside them that cannot be weights, each with what it is.</param>
    /// <param name="owner">What keeps them readable.</param>
    /// <exception cref="FileNotFoundException">A file is not there.</exception>
    /// <exception cref="WeightsFormatException">The index is malformed, or a file lacks a key that the index says it has.</exception>
    public static IReadOnlyList<ParameterTensor> Open(string path, out IReadOnlyDictionary<string, string> others, out IDisposable? owner)
    {
        Dictionary<string, string> places = ReadIndex(path);
        ShardedWeights shards = new();
        try
        {
            List<ParameterTensor> tensors = [];
            Dictionary<string, string> unusable = new(StringComparer.Ordinal);
            foreach (IGrouping<string, string> file in places.GroupBy(p => p.Value, p => p.Key, StringComparer.Ordinal))
            {
                string shard = Path.Combine(Path.GetDirectoryName(path) ?? "", file.Key);
                if (!File.Exists(shard))
                    throw new FileNotFoundException($"The index '{path}' is of weights in several files; '{file.Key}' is not there.", shard);
                IReadOnlyList<ParameterTensor> read = WeightsFile.Open(shard, out IReadOnlyDictionary<string, string> beside, out IDisposable? opened, isShard: true);
                if (opened is not null)
                    shards._files.Add(opened);
                Dictionary<string, ParameterTensor> there = read.ToDictionary(t => t.Name, StringComparer.Ordinal);
                foreach (string key in file)
                {
                    if (there.TryGetValue(key, out ParameterTensor? tensor))
                        tensors.Add(tensor);
                    else if (beside.TryGetValue(key, out string? what))
                        unusable.Add(key, what);
                    else
                        throw new WeightsFormatException(path, $"the index says that '{key}' is in '{file.Key}', where it is not.");
                }
            }
            (others, owner) = (unusable, shards);
            return tensors;
        }
        catch
        {
            shards.Dispose();
            throw;
        }
    }

    /// <summary>The files that an index names, which lie beside it.</summary>
    /// <param name="path">The index.</param>
    /// <exception cref="WeightsFormatException">The index is malformed.</exception>
    public static IReadOnlyCollection<string> FilesOf(string path) => [.. ReadIndex(path).Values.Distinct(StringComparer.Ordinal)];

    /// <summary>Whether weights are there as a whole: of an index, all files that it names. A malformed one counts as whole; opening it tells what is wrong.</summary>
    public static bool IsComplete(string path)
    {
        try
        {
            return !path.EndsWith(IndexSuffix, StringComparison.Ordinal) || FilesOf(path).All(f => File.Exists(Path.Combine(Path.GetDirectoryName(path) ?? "", f)));
        }
        catch (WeightsFormatException)
        {
            return true;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _files.ForEach(f => f.Dispose());

    private static Dictionary<string, string> ReadIndex(string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            if (!document.RootElement.TryGetProperty("weight_map", out JsonElement map) || map.ValueKind != JsonValueKind.Object)
                throw new WeightsFormatException(path, "a JSON file, not weights, and no index of weights in several files: there is no 'weight_map'.");
            Dictionary<string, string> places = new(StringComparer.Ordinal);
            foreach (JsonProperty entry in map.EnumerateObject())
            {
                string? file = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString() : null;
                places[entry.Name] = file is { Length: > 0 } && Path.GetFileName(file) == file && file is not (".." or ".") && !file.Contains('\\')
                    ? file
                    : throw new WeightsFormatException(path, $"the index must name a file beside it for '{entry.Name}', not {Shorten(entry.Value.GetRawText())}.");
            }
            int files = places.Values.Distinct(StringComparer.Ordinal).Count();
            return files <= MaxFiles ? places : throw new WeightsFormatException(path, $"the index names {files} files; at most {MaxFiles} are allowed.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: an escaped lone surrogate in a text.
            throw new WeightsFormatException(path, $"the index of weights in several files is not valid JSON: {e.Message}", e);
        }
    }

    private static string Shorten(string text) => text.Length <= 80 ? text : text[..80] + "…";
}
