using System.Text.Json;
using System.Text.RegularExpressions;
using Backbones.Engines;
using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Models;
using Backbones.Weights;
using Backbones.Weights.Pth;

namespace Backbones.Conformance;

/// <summary>
/// Compares what becomes of checkpoints in foreign layouts with what timm's filters make of them: keys, shapes, which entry each is, and values where they are computed.
/// Where timm's result does not fit its own model, a result that fits better is right as well.
/// </summary>
internal static class RemapRunner
{
    private const double Tolerance = 1e-4;

    /// <summary>timm adds positions to the file's own tensors, so that the reference takes the result for what was there before.</summary>
    private static readonly string[] s_addedToInPlace = ["embeds.cls_token", "embeds.reg_token"];

    /// <summary>Runs every case of a file.</summary>
    /// <param name="args">The file, and <c>--filter GLOB</c> over FAMILY/ID.</param>
    /// <returns>0 if no case failed, 1 if one did or none matched, 2 if the arguments are wrong.</returns>
    public static int Run(string[] args)
    {
        if (args is not ([_] or [_, "--filter", _]) || !File.Exists(args[0]))
        {
            Console.Error.WriteLine($"remap needs an existing FILE, and may have --filter FAMILY/ID; received: {string.Join(' ', args)}");
            return 2;
        }
        (int passed, int failed, int missing) = (0, 0, 0);
        foreach (ModelResult result in Compare(args[0], args is [_, _, var filter] ? filter : "*"))
        {
            Console.WriteLine(result.Text);
            switch (result.Outcome)
            {
                case Outcome.Passed: passed++; break;
                case Outcome.Failed: failed++; break;
                default: missing++; break;
            }
        }
        Console.WriteLine($"{passed} passed, {failed} failed, {missing} missing");
        return ExitStatus.Of(passed + failed + missing, failed);
    }

    /// <summary>What became of every case that matches the filter.</summary>
    public static IEnumerable<ModelResult> Compare(string file, string filter)
    {
        using StreamReader reader = new(ReferenceFile.Open(file));
        // Python writes NaN, which JSON does not have.
        using JsonDocument document = JsonDocument.Parse(Regex.Replace(reader.ReadToEnd(), @"(?<=[:,\[] ?)NaN(?=[,\]}])", "\"NaN\""));
        Regex wanted = new("^" + Regex.Escape(filter).Replace("\\*", ".*", StringComparison.Ordinal).Replace("\\?", ".", StringComparison.Ordinal) + "$");
        foreach ((string section, JsonElement item) in new[] { "cases", "npz" }.SelectMany(s => document.RootElement.TryGetProperty(s, out JsonElement list) ? list.EnumerateArray().Select(i => (s, i)) : []))
        {
            string family = item.TryGetProperty("family", out JsonElement given) ? given.GetString()! : "vision_transformer";
            string name = $"{family}/{item.GetProperty("id").GetString()}";
            if (wanted.IsMatch(name))
                yield return Compare(name, item);
        }
    }

    private static ModelResult Compare(string name, JsonElement item)
    {
        string architecture = item.GetProperty("model").GetString()!;
        if (!ModelCatalog.Contains(architecture))
            return new ModelResult(Outcome.Missing, $"{name} missing: '{architecture}' is not built");
        try
        {
            (ModelEntry model, BuildOptions options) = ModelArguments.Create(architecture, item.TryGetProperty("create", out JsonElement create) ? create : null);
            BackboneGraph graph = model.Build(options);
            ParameterStore foreign = Unwrapped(item);
            ParameterStore weights = RemappedWeights.Apply(foreign, model, options);
            Dictionary<string, ParameterTensor> adapted = Adapted(weights, graph);
            string[] differences = [.. Differences(adapted, item)];
            if (differences.Length == 0)
                return new ModelResult(Outcome.Passed, $"{name} ok");
            int ours = Misfits(adapted, graph), timms = TimmsMisfits(item, graph);
            return ours < timms
                ? new ModelResult(Outcome.Passed, $"{name} ok, better than timm: {ours} entries do not fit the model, with timm {timms}")
                : new ModelResult(Outcome.Failed, $"{name} FAILED: {differences.Length} differences: {string.Join("; ", differences.Take(6))}");
        }
        catch (Exception e) when (e is GraphException or WeightsFormatException or NotSupportedException)
        {
            return new ModelResult(Outcome.Failed, $"{name} FAILED: {e.Message}");
        }
    }

    /// <summary>The case's checkpoint as it would be read from a file.</summary>
    private static ParameterStore Unwrapped(JsonElement item)
    {
        Dictionary<string, ParameterTensor> tensors = new(StringComparer.Ordinal);
        PickleDict root = Dictionary(item.GetProperty("in"), tensors);
        if (item.TryGetProperty("in_heads", out JsonElement heads))
        {
            PickleDict parts = new();
            parts.Set("trunk", root);
            parts.Set("heads", Dictionary(heads, tensors));
            root = parts;
        }
        IEnumerable<string> wrap = item.TryGetProperty("wrap", out JsonElement wrappers) && wrappers.ValueKind == JsonValueKind.Array ? wrappers.EnumerateArray().Select(w => w.GetString()!) : [];
        foreach (string wrapper in wrap.Where(w => !w.Contains('|')).Reverse())
        {
            PickleDict outer = new();
            outer.Set("epoch", 1L);
            outer.Set(wrapper, root);
            root = outer;
        }
        // An entry is told by its size: what is looked at is the dictionary, not what is in it.
        List<ParameterTensor> found = [];
        foreach ((object? key, object? value) in StateDict.Unwrap(root, "the case").Items)
        {
            if (value is StridedTensor { Storage.Key: var entry })
                found.Add(entry == (string)key! ? tensors[entry] : new RenamedTensor((string)key!, tensors[entry].Shape, tensors[entry]));
        }
        return ParameterStore.FromFile(found, "the case", "", null, new Dictionary<string, string>());
    }

    private static PickleDict Dictionary(JsonElement entries, Dictionary<string, ParameterTensor> tensors)
    {
        PickleDict dictionary = new();
        foreach (JsonElement entry in entries.EnumerateArray())
        {
            string key = entry[0].GetString()!;
            Shape shape = Dimensions(entry[1]);
            bool isFloat = entry.GetArrayLength() < 3;
            ParameterSpec spec = new(key, shape, isFloat ? ElementType.Float32 : ElementType.Int64);
            tensors[key] = isFloat && RecipeWeights.IsMade(spec) ? RecipeWeights.Tensors([spec], 1).Single() : new MemoryTensor(key, isFloat ? DType.Float32 : DType.Int64, shape, new byte[shape.Length * (isFloat ? 4 : 8)]);
            dictionary.Set(key, new StridedTensor(new PickleStorage(key, TorchType.Float32, shape.Length, 0), TorchType.Float32, 0, [.. shape.Dimensions], []));
        }
        return dictionary;
    }

    /// <summary>The entries as the model gets them, at its image size and channels.</summary>
    private static Dictionary<string, ParameterTensor> Adapted(ParameterStore weights, BackboneGraph graph)
    {
        Dictionary<string, Shape> wanted = graph.Graph.Parameters.ToDictionary(p => p.Name, p => p.Shape);
        return weights.Tensors.ToDictionary(t => t.Name, tensor =>
        {
            if (!graph.Adapters.TryGetValue(tensor.Name, out ParameterAdapter? adapt) || !wanted.TryGetValue(tensor.Name, out Shape shape) || shape.Rank != tensor.Shape.Rank)
                return tensor;
            GraphBuilder b = new((Shape)[]);
            Node source = b.Parameter(tensor.Name, tensor.Shape), target = adapt(b, source, shape);
            return target == source ? tensor : RemappedWeights.Tensor(tensor.Name, target, weights);
        });
    }

    private static IEnumerable<string> Differences(Dictionary<string, ParameterTensor> actual, JsonElement item)
    {
        if (item.TryGetProperty("error", out JsonElement error))
        {
            yield return $"timm's filter fails with {error.GetString()}";
            yield break;
        }
        HashSet<string> seen = [];
        foreach (JsonElement expected in item.GetProperty("out").EnumerateArray())
        {
            string key = expected[0].GetString()!;
            seen.Add(key);
            Shape shape = Dimensions(expected[1]);
            // .npz: [name, shape, sample]
            bool hasSource = expected[2].ValueKind is JsonValueKind.String or JsonValueKind.Null;
            string? from = expected[2].ValueKind == JsonValueKind.String ? expected[2].GetString() : null;
            JsonElement? sample = expected[2].ValueKind == JsonValueKind.Object ? expected[2] : expected.GetArrayLength() > 3 ? expected[3] : null;
            if (item.TryGetProperty("left_as_they_were", out JsonElement left) && left.EnumerateArray().Any(l => l.GetString() == key))
                continue;
            if (!actual.TryGetValue(key, out ParameterTensor? tensor))
                yield return $"{key} is not there";
            else if (tensor.Shape != shape)
                yield return $"{key} is {tensor.Shape}, expected {shape}";
            else if (hasSource && sample is null && from is not null && SourceOf(tensor) != from && !(tensor is ComputedTensor && s_addedToInPlace.Contains(key)))
                yield return $"{key} is {SourceOf(tensor) ?? "computed"}, expected {from}";
            else if (sample is { } values && Sample.Error(values, tensor.AsFloats().Span, isWholeInOrder: true) is var distance && !(distance <= Tolerance))
                yield return $"{key} has other values ({distance:0.0e+0})";
        }
        IEnumerable<string> mayBeMore = item.TryGetProperty("left_as_they_were", out JsonElement untouched) ? untouched.EnumerateArray().Select(l => l.GetString()!) : [];
        foreach (string key in actual.Keys.Except(seen).Except(mayBeMore))
            yield return $"{key} is too many";
    }

    /// <summary>The file's key of an entry that is the file's own.</summary>
    private static string? SourceOf(ParameterTensor tensor) => tensor is ComputedTensor ? null : tensor is RenamedTensor renamed ? SourceOf(renamed.Stored) : tensor.Name;

    private static int Misfits(Dictionary<string, ParameterTensor> entries, BackboneGraph graph)
        => graph.Graph.Parameters.Count(p => !ParameterStore.IsBatchCounter(p.Name) && (!entries.TryGetValue(p.Name, out ParameterTensor? tensor) || tensor.Shape != p.Shape))
            + entries.Keys.Except(graph.Graph.Parameters.Select(p => p.Name)).Count();

    private static int TimmsMisfits(JsonElement item, BackboneGraph graph)
        => item.TryGetProperty("error", out _) ? graph.Graph.Parameters.Length : new[] { "missing", "unexpected", "wrong_shape" }
            .Sum(kind => item.TryGetProperty(kind, out JsonElement list) ? list.EnumerateArray().Count(e => !ParameterStore.IsBatchCounter(e.ValueKind == JsonValueKind.String ? e.GetString()! : e[0].GetString()!)) : 0);

    private static Shape Dimensions(JsonElement dimensions) => [.. dimensions.EnumerateArray().Select(d => d.GetInt32())];
}
