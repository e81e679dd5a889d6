using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Backbones.Graphs;
using Backbones.Weights.Pth;

namespace Backbones.Weights;

/// <summary>A model's weights: named tensors from a file, from memory or from the recipe.</summary>
/// <remarks>Immutable, safe to share between threads, plans and models. A mapped file's bytes are in memory once, whoever uses them;
/// conversion to float32 happens where a tensor is read.</remarks>
public sealed class ParameterStore : IParameterSource, IDisposable
{
    private readonly Dictionary<string, ParameterTensor> _byName = new(StringComparer.Ordinal);
    private readonly IDisposable? _owner;
    private readonly IReadOnlyDictionary<string, string> _others;
    private readonly Lazy<string> _contentHash;

    private ParameterStore(IEnumerable<ParameterTensor> tensors, string source, IDisposable? owner, IReadOnlyDictionary<string, string>? others = null)
    {
        Source = source;
        Tensors = [.. tensors];
        _owner = owner;
        _others = others ?? new Dictionary<string, string>();
        foreach (ParameterTensor tensor in Tensors)
        {
            if (!_byName.TryAdd(tensor.Name, tensor))
            {
                throw new ArgumentException($"The name '{tensor.Name}' is given twice in {source}.", nameof(tensors));
            }
        }
        _contentHash = new Lazy<string>(ComputeContentHash);
    }

    /// <summary>Where the weights come from, for messages.</summary>
    public string Source { get; }

    /// <summary>All tensors, in the source's order.</summary>
    public ImmutableArray<ParameterTensor> Tensors { get; }

    /// <summary>SHA-256 over names, types, shapes and bytes of all tensors in order of name, in lower-case hex: the same for the
    /// same weights, whatever kind of file they are in.</summary>
    public string ContentHash => _contentHash.Value;

    /// <summary>A tensor by its key.</summary>
    /// <exception cref="KeyNotFoundException">There is none of that name; the message has the nearest ones.</exception>
    public ParameterTensor this[string name] => TryGet(name, out ParameterTensor? tensor)
        ? tensor
        : throw new KeyNotFoundException($"There is no '{name}' in {Source}.{NearestName.Suggest(name, _byName.Keys)}");

    /// <summary>A tensor by its key, if there is one.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out ParameterTensor? tensor) => _byName.TryGetValue(name, out tensor);

    /// <inheritdoc/>
    /// <exception cref="ParameterMismatchException">The tensor has another shape.</exception>
    public ReadOnlyMemory<float> Read(ParameterSpec spec)
    {
        ParameterTensor tensor = this[spec.Name];
        return tensor.Shape == spec.Shape ? tensor.AsFloats() : throw new ParameterMismatchException(Source, new ParameterMismatch([], [], [Misshape(spec, tensor)], []));
    }

    /// <summary>Weights from a file: safetensors, a PyTorch checkpoint or a TorchScript archive, of which nothing is run, or the index of weights in several
    /// files. What it is tells the content, not the name.</summary>
    /// <param name="path">A .safetensors, .pth, .pt, .bin or .index.json file.</param>
    /// <param name="keyPrefix">Where the weights are a part of a larger model's: only keys that begin so are taken, without it (<c>backbone.</c>).</param>
    /// <remarks>Of a checkpoint the weights are taken from <c>state_dict_ema</c>, <c>model_ema</c>, <c>state_dict</c>, <c>model</c> or
    /// the top level, whichever is there first; the prefixes <c>module.</c> and <c>_orig_mod.</c> are dropped, as timm does.</remarks>
    /// <exception cref="FileNotFoundException">There is no such file, or it is a folder.</exception>
    /// <exception cref="WeightsFormatException">The file is malformed or has no weights; the message says what it is.</exception>
    public static ParameterStore Open(string path, string? keyPrefix = null)
    {
        IReadOnlyList<ParameterTensor> tensors = WeightsFile.Open(path, out IReadOnlyDictionary<string, string> others, out IDisposable? owner);
        try
        {
            return FromFile(tensors, path, keyPrefix ?? "", owner, others);
        }
        catch
        {
            owner?.Dispose();
            throw;
        }
    }

    /// <summary>Weights over an open safetensors file, which the store then owns.</summary>
    public static ParameterStore FromSafetensors(SafetensorsFile file) => new(file.Tensors, file.Source, file);

    /// <summary>Weights in memory.</summary>
    /// <param name="tensors">The tensors.</param>
    /// <param name="source">How messages name them.</param>
    /// <exception cref="ArgumentException">Two tensors have the same name.</exception>
    public static ParameterStore FromTensors(IEnumerable<ParameterTensor> tensors, string source = "memory") => new(tensors, source, null);

    /// <summary>Weights in arrays, which are copied.</summary>
    /// <param name="tensors">Key, shape and row-major elements of each tensor.</param>
    /// <param name="source">How messages name them.</param>
    /// <exception cref="ArgumentException">Two tensors have the same name, or an array has not as many elements as its shape.</exception>
    public static ParameterStore FromArrays(IEnumerable<(string Name, Shape Shape, float[] Values)> tensors, string source = "memory")
        => FromTensors(tensors.Select(t => new MemoryTensor(t.Name, t.Shape, t.Values)), source);

    /// <summary>Other tensors over the same file, which the new store then owns.</summary>
    internal ParameterStore WithTensors(IEnumerable<ParameterTensor> tensors) => new(tensors, Source, _owner, _others);

    /// <summary>Deterministic weights for tests and demonstrations, see <see cref="RecipeWeights"/>.</summary>
    /// <param name="specs">The model's parameters.</param>
    /// <param name="convGain">Gain of convolution weights.</param>
    public static ParameterStore FromRecipe(IEnumerable<ParameterSpec> specs, double convGain)
        => new(RecipeWeights.Tensors(specs, convGain), "the weight recipe", null);

    /// <summary>Makes sure that these weights are exactly a model's: every key there, none too many, shapes equal, element kinds
    /// (floating point or integer) equal, values finite.</summary>
    /// <param name="specs">The model's parameters and buffers.</param>
    /// <param name="checkFinite">Look for NaN and infinity as well, which reads all the data.</param>
    /// <remarks>Entries of integers may be absent: inference uses neither <c>num_batches_tracked</c>, which PyTorch fills in when a state dict carries
    /// no version (so for every safetensors file), nor tables of indices, which follow from the model's sizes.</remarks>
    /// <exception cref="ParameterMismatchException">Something differs; all differences are listed.</exception>
    public void EnsureMatches(IEnumerable<ParameterSpec> specs, bool checkFinite = true)
    {
        ParameterMismatch found = Compare(specs, checkFinite, out _);
        if (found.Any)
        {
            throw new ParameterMismatchException(Source, found);
        }
    }

    /// <summary>Makes sure that these weights are a model's, or some of them: no key too many, shapes, kinds and values as they must be.
    /// What is missing is found out when it is needed.</summary>
    /// <param name="specs">The model's parameters and buffers.</param>
    /// <param name="checkFinite">Look for NaN and infinity as well.</param>
    /// <param name="likelyModel">Names the model that the weights are of, for the message.</param>
    /// <exception cref="ParameterMismatchException">Something differs, or nothing is there.</exception>
    internal void EnsureUsable(IEnumerable<ParameterSpec> specs, bool checkFinite, Func<string?> likelyModel)
    {
        ParameterMismatch found = Compare(specs, checkFinite, out int used);
        if (used == 0 || (found with { Missing = [] }).Any)
        {
            throw new ParameterMismatchException(Source, found with { LikelyModel = likelyModel() });
        }
    }

    /// <summary>Makes sure that a graph's parameters are there, in the right shapes.</summary>
    /// <param name="specs">The graph's parameters.</param>
    /// <exception cref="ParameterMismatchException">Something is missing or has another shape.</exception>
    internal void EnsureHas(IEnumerable<ParameterSpec> specs)
    {
        ParameterMismatch found = Compare(specs, checkFinite: false, out _) with { Unexpected = [] };
        if (found.Any)
        {
            throw new ParameterMismatchException(Source, found);
        }
    }

    /// <summary>BatchNorm's step counter <c>num_batches_tracked</c>: in every state dict, of no use to inference.</summary>
    internal static bool IsBatchCounter(string name)
        => name == "num_batches_tracked" || name.EndsWith(".num_batches_tracked", StringComparison.Ordinal);

    /// <summary>What differs from a model's parameters.</summary>
    /// <param name="specs">The model's parameters and buffers.</param>
    /// <param name="checkFinite">Look for NaN and infinity as well, which reads all the data.</param>
    /// <param name="usedCount">How many of the model's parameters are there, whatever their shape.</param>
    internal ParameterMismatch Compare(IEnumerable<ParameterSpec> specs, bool checkFinite, out int usedCount)
    {
        List<string> missing = [], misshaped = [];
        List<ParameterTensor> used = [];
        HashSet<string> expected = new(StringComparer.Ordinal);
        foreach (ParameterSpec spec in specs)
        {
            expected.Add(spec.Name);
            if (!_byName.TryGetValue(spec.Name, out ParameterTensor? tensor))
            {
                if (_others.TryGetValue(spec.Name, out string? what))
                {
                    misshaped.Add($"{spec.Name}: the weights have {what}, the model takes {spec.Shape}");
                }
                // Counters and index tables take no part in the arithmetic, and what modules share may be stored once.
                else if (spec.ElementType == ElementType.Float32 && spec.TiedTo is null)
                {
                    missing.Add(spec.Name);
                }
                continue;
            }
            used.Add(tensor);
            if (tensor.Shape != spec.Shape)
            {
                misshaped.Add(Misshape(spec, tensor));
            }
            else if (tensor.DType.IsFloat() != (spec.ElementType == ElementType.Float32))
            {
                misshaped.Add($"{spec.Name}: the weights have {tensor.DType} elements, the model takes {spec.ElementType}");
            }
        }
        string[] unexpected = [.. Tensors.Select(t => t.Name).Where(n => !expected.Contains(n))];
        string[] nonFinite = checkFinite ? [.. used.AsParallel().AsOrdered().Select(NonFiniteValues.Describe).OfType<string>()] : [];
        usedCount = used.Count;
        return new ParameterMismatch(missing, unexpected, misshaped, nonFinite);
    }

    /// <summary>Releases a mapped file as soon as the last open view is closed.</summary>
    public void Dispose() => _owner?.Dispose();

    /// <summary>A file's tensors under clean keys.</summary>
    internal static ParameterStore FromFile(IReadOnlyList<ParameterTensor> tensors, string path, string prefix, IDisposable? owner, IReadOnlyDictionary<string, string> others)
    {
        ParameterTensor[] cleaned =
        [
            .. from tensor in tensors
               let key = StateDict.CleanKey(tensor.Name)
               where key.Length > prefix.Length && key.StartsWith(prefix, StringComparison.Ordinal)
               select key.Length - prefix.Length == tensor.Name.Length ? tensor : new RenamedTensor(key[prefix.Length..], tensor.Shape, tensor),
        ];
        if (cleaned.Length == 0 && tensors.Count > 0)
        {
            throw new WeightsFormatException(path, $"no key begins with the prefix '{prefix}'; the first of {tensors.Count} is '{tensors[0].Name}'.");
        }
        return cleaned.GroupBy(t => t.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice
            ? throw new WeightsFormatException(path, $"'{twice.Key}' is there twice, with and without a wrapper's prefix.")
            : new ParameterStore(cleaned, path, owner, others);
    }

    private static string Misshape(ParameterSpec spec, ParameterTensor tensor)
        => $"{spec.Name}: the weights have {tensor.Shape}, the model takes {spec.Shape}";

    private string ComputeContentHash()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (ParameterTensor tensor in Tensors.OrderBy(t => t.Name, StringComparer.Ordinal))
        {
            // The line ends each description unambiguously: types and shapes contain no line break, and the length of what follows is implied.
            hash.AppendData(Encoding.UTF8.GetBytes($"{tensor.Name}\0{tensor.DType.Code()}{tensor.Shape}\n"));
            using TensorView view = tensor.Open();
            hash.AppendData(view.Bytes);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
