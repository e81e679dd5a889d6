using System.Globalization;
using System.Text.RegularExpressions;
using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// A checkpoint on its way to timm's keys (timm: <c>checkpoint_filter_fn</c>). An entry is parameter arithmetic over what the file has: a parameter under the file's own key, or nodes
/// made of such. Names and shapes are known, values are not; they are read when the weights are.
/// </summary>
/// <remarks>Patterns are regular expressions, replacements may use their groups (<c>$1</c>). Rules are applied one after another, each to all keys.</remarks>
internal sealed class Checkpoint
{
    private readonly OrderedDictionary<string, Shape> _model = new(StringComparer.Ordinal);
    private OrderedDictionary<string, Node> _entries = new(StringComparer.Ordinal);

    /// <summary>Starts with what a file has.</summary>
    /// <param name="entries">Keys and shapes, in the file's order.</param>
    /// <param name="model">The model that they are for.</param>
    public Checkpoint(IEnumerable<ParameterSpec> entries, Graph model)
    {
        foreach (ParameterSpec spec in entries)
            _entries.Add(spec.Name, new Node(spec.Name, new ParameterOp(spec), []));
        foreach (ParameterSpec spec in model.Parameters)
            _model.Add(spec.Name, spec.Shape);
        ImageSize = (model.Inputs[0].Shape[1], model.Inputs[0].Shape[2]);
    }

    /// <summary>The image size of the model.</summary>
    public Size2 ImageSize { get; }

    /// <summary>The keys, in order.</summary>
    public IReadOnlyList<string> Keys => _entries.Keys;

    /// <summary>The entries, in order.</summary>
    public IReadOnlyList<KeyValuePair<string, Node>> Entries => [.. _entries];

    /// <summary>The model's keys in the order of its state_dict.</summary>
    public IReadOnlyList<string> ModelKeys => _model.Keys;

    /// <summary>What makes entries of entries.</summary>
    public GraphBuilder Ops { get; } = new((Shape)[]);

    /// <summary>An entry; setting one replaces it in its place, or adds it at the end.</summary>
    /// <exception cref="GraphException">There is none of that key.</exception>
    public Node this[string key]
    {
        get => _entries.TryGetValue(key, out Node? value) ? value : throw new GraphException($"The checkpoint has no '{key}'.{NearestName.Suggest(key, _entries.Keys)}");
        set => _entries[key] = value;
    }

    /// <summary>Whether there is an entry of that key.</summary>
    public bool Has(string key) => _entries.ContainsKey(key);

    /// <summary>Whether a key matches.</summary>
    public bool HasMatch(string pattern)
    {
        Regex regex = Compile(pattern);
        return _entries.Keys.Any(k => regex.IsMatch(k));
    }

    /// <summary>The shape of the model's parameter; null where the model has none of that key.</summary>
    public Shape? ModelShape(string key) => _model.TryGetValue(key, out Shape shape) ? shape : null;

    /// <summary>Takes an entry out.</summary>
    /// <exception cref="GraphException">There is none of that key.</exception>
    public Node Pop(string key)
    {
        Node value = this[key];
        _entries.Remove(key);
        return value;
    }

    /// <summary>Keeps the entries whose keys begin so, without that beginning.</summary>
    public void Take(string prefix) => Rebuild(key => key.StartsWith(prefix, StringComparison.Ordinal) ? key[prefix.Length..] : null);

    /// <summary>Keeps the image half of an OpenCLIP model over a timm trunk. Its projection into CLIP's space is the classifier, without a bias.</summary>
    /// <param name="classifier">The key of the model's classifier.</param>
    public void TakeOpenClip(string classifier)
    {
        string weight = $"{classifier}.weight", bias = $"{classifier}.bias";
        RenameMatches((@"^visual\.head\.proj\.weight$", $"visual.trunk.{weight}"));
        Take("visual.trunk.");
        if (ModelShape(weight) is null)
            _entries.Remove(weight);
        else if (Has(weight) && !Has(bias))
            this[bias] = Zeros([this[weight].Shape[0]]);
    }

    /// <summary>Leaves entries aside.</summary>
    public void Drop(params ReadOnlySpan<string> patterns)
    {
        foreach (string pattern in patterns)
        {
            Regex regex = Compile(pattern);
            Rebuild(key => regex.IsMatch(key) ? null : key);
        }
    }

    /// <summary>Replaces texts in all keys, wherever they occur.</summary>
    public void Rename(params ReadOnlySpan<(string From, string To)> rules)
    {
        foreach ((string from, string to) in rules)
            Rebuild(key => key.Replace(from, to, StringComparison.Ordinal));
    }

    /// <summary>Replaces matches in all keys.</summary>
    public void RenameMatches(params ReadOnlySpan<(string Pattern, string Replacement)> rules)
    {
        foreach ((string pattern, string replacement) in rules)
        {
            Regex regex = Compile(pattern);
            Rebuild(key => regex.Replace(key, replacement));
        }
    }

    /// <summary>Replaces matches in all keys by what a function makes of them, for numbers to be counted anew.</summary>
    public void RenameMatches(string pattern, MatchEvaluator replacement)
    {
        Regex regex = Compile(pattern);
        Rebuild(key => regex.Replace(key, replacement));
    }

    /// <summary>The number in a group of a match: of a stage or block that is counted anew.</summary>
    public static int Number(Group group) => int.Parse(group.ValueSpan, CultureInfo.InvariantCulture);

    /// <summary>Gives all entries the model's keys, one after another, whatever they are called.</summary>
    /// <param name="keys">The model's keys in the order of the file's.</param>
    /// <exception cref="GraphException">There are not as many of one as of the other.</exception>
    public void RenameInOrder(IReadOnlyList<string> keys)
    {
        if (keys.Count != _entries.Count)
            throw new GraphException($"The checkpoint has {_entries.Count} entries, the model {keys.Count}; they are told by their order alone.");
        int i = 0;
        Rebuild(_ => keys[i++]);
    }

    /// <summary>Computes entries anew from themselves.</summary>
    public void Change(string pattern, Func<Node, Node> compute)
    {
        Regex regex = Compile(pattern);
        foreach (string key in _entries.Keys.Where(k => regex.IsMatch(k)).ToList())
            _entries[key] = compute(_entries[key]);
    }

    /// <summary>Gives entries the shape of the model's, where they have as many elements: linear layers that are 1×1 convolutions there.</summary>
    public void TakeModelShapes(string pattern = "")
    {
        Regex regex = Compile(pattern);
        foreach ((string key, Node value) in _entries.ToList())
        {
            if (regex.IsMatch(key) && ModelShape(key) is { } shape && shape != value.Shape && shape.Length == value.Shape.Length)
                _entries[key] = Ops.Reshape(value, shape);
        }
    }

    /// <summary>Cuts entries into equal parts along their first axis.</summary>
    /// <param name="pattern">What is replaced in their keys.</param>
    /// <param name="replacements">By what, for each part; null for a part to be left aside.</param>
    public void Split(string pattern, params IReadOnlyList<string?> replacements)
    {
        Regex regex = Compile(pattern);
        foreach (string key in _entries.Keys.Where(k => regex.IsMatch(k)).ToList())
        {
            Node whole = Pop(key);
            if (whole.Shape.Rank == 0 || whole.Shape[0] % replacements.Count != 0)
                throw new GraphException($"'{key}' {whole.Shape} cannot be cut into {replacements.Count} equal parts.");
            int length = whole.Shape[0] / replacements.Count;
            for (int i = 0; i < replacements.Count; i++)
            {
                if (replacements[i] is { } replacement)
                    _entries[regex.Replace(key, replacement)] = Ops.Slice(whole, 0, i * length, length);
            }
        }
    }

    /// <summary>Joins entries along their first axis, the opposite of <see cref="Split"/>.</summary>
    /// <param name="target">What stands in the joined key where each of the parts has its own text.</param>
    /// <param name="parts">The texts of the parts' keys, in order.</param>
    public void Join(string target, params IReadOnlyList<string> parts)
    {
        foreach (string first in _entries.Keys.Where(k => k.Contains(parts[0], StringComparison.Ordinal)).ToList())
        {
            Node[] values = [.. parts.Select(part => Pop(first.Replace(parts[0], part, StringComparison.Ordinal)))];
            _entries[first.Replace(parts[0], target, StringComparison.Ordinal)] = Ops.Concat(0, values);
        }
    }

    /// <summary>Zeros, for a bias that the file does without.</summary>
    public Node Zeros(Shape shape) => Ops.Constant(shape, new float[checked((int)shape.Length)]);

    /// <exception cref="GraphException">Two entries have the same key then.</exception>
    private void Rebuild(Func<string, string?> rename)
    {
        OrderedDictionary<string, Node> renamed = new(StringComparer.Ordinal);
        foreach ((string key, Node value) in _entries)
        {
            if (rename(key) is { } name && !renamed.TryAdd(name, value))
                throw new GraphException($"'{key}' becomes '{name}', which another entry is already.");
        }
        _entries = renamed;
    }

    private static Regex Compile(string pattern) => new(pattern, RegexOptions.CultureInvariant);
}
