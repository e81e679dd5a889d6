namespace Backbones.Weights.Pth;

/// <summary>The weights in a checkpoint (timm: <c>load_state_dict</c>).</summary>
/// <param name="Tensors">The tensors, as they are named there.</param>
/// <param name="Others">Entries beside them that cannot be weights, each with what it is.</param>
internal sealed record StateDict(IReadOnlyList<ParameterTensor> Tensors, IReadOnlyDictionary<string, string> Others)
{
    private static readonly string[] Wrappers = ["state_dict_ema", "model_ema", "state_dict", "model"];

    /// <summary>Where the originals of some families have it: BEiT and EVA, Hiera and MViT, I-JEPA, Classy Vision.</summary>
    private static readonly string[] OtherWrappers = ["module", "model_state", "encoder", "classy_state_dict", "base_model"];

    /// <summary>Modules of a scripted model, and wrappers, may lie in one another so deep.</summary>
    private const int MaxDepth = 64;

    /// <summary>Reads the tensors of the part of a checkpoint that holds the weights.</summary>
    /// <exception cref="WeightsFormatException">There are none.</exception>
    public static StateDict Find(PthFile checkpoint, string source, PthBudget budget)
    {
        if (checkpoint.Root is not PickleDict root)
            throw new WeightsFormatException(source, $"the checkpoint is {PickleGlobals.Shorten(checkpoint.Root)} and no dictionary; expected a state dict, or a dictionary that has one.");
        (string path, IEnumerable<KeyValuePair<object?, object?>> items) = checkpoint.IsScript ? ("", Attributes(root, "", 0, budget)) : Unwrap(root, source);
        List<ParameterTensor> tensors = [];
        Dictionary<string, string> others = new(StringComparer.Ordinal);
        foreach ((object? key, object? item) in items)
        {
            object? value = item is NumpyArray { Tensor: { } array } ? array : item;
            if (key is string name && value is PickleTensor { Type.DType: { } type } tensor)
            {
                budget.Object(320 + 12 * tensor.Size.Length);
                tensors.Add(new MemoryTensor(name, type, [.. tensor.Size], checkpoint.Tensors.Read(name, tensor)));
            }
            else
            {
                budget.Object(96);
                others.TryAdd(PickleGlobals.Shorten(key), value is PickleTensor other ? $"a tensor of {other.Type.Name} elements" : PickleGlobals.Shorten(value));
            }
        }
        return tensors.Count > 0 || others.Count == 0 ? new StateDict(tensors, others) : throw NoWeights(path, items, source);
    }

    /// <summary>The name without the prefixes that DataParallel and torch.compile add (timm: <c>clean_state_dict</c>).</summary>
    public static string CleanKey(string key)
    {
        foreach (string prefix in (ReadOnlySpan<string>)["module.", "_orig_mod."])
            key = key.StartsWith(prefix, StringComparison.Ordinal) ? key[prefix.Length..] : key;
        return key;
    }

    /// <summary>The part of a checkpoint that is a state dict: under timm's names first, then under those that others wrap one in, as often as it is wrapped.</summary>
    internal static (string Path, IReadOnlyList<KeyValuePair<object?, object?>> Items) Unwrap(PickleDict checkpoint, string source)
    {
        List<string> path = [];
        HashSet<PickleDict> seen = []; // one may contain itself
        for (PickleDict current = checkpoint; ;)
        {
            if (seen.Add(current) && path.Count < MaxDepth && Inner(current, path.Count == 0, source) is var (name, inner))
            {
                path.Add(name);
                current = inner;
                continue;
            }
            // Classy Vision has a network in two parts.
            return current.TryGet("trunk", out object? trunk) && trunk is PickleDict body && current.TryGet("heads", out object? other) && other is PickleDict heads
                ? (string.Join(" > ", path), [.. Prefixed("trunk.", body), .. Prefixed("heads.", heads)])
                : (string.Join(" > ", path), current.Items);
        }

        static IEnumerable<KeyValuePair<object?, object?>> Prefixed(string prefix, PickleDict part) => part.Items.Select(i => i.Key is string key ? new(prefix + key, i.Value) : i);
    }

    private static (string Name, PickleDict Inner)? Inner(PickleDict checkpoint, bool isOutermost, string source)
    {
        foreach (string name in Wrappers)
        {
            // An averaged copy may be there and empty (None), the plain one may not.
            if (!checkpoint.TryGet(name, out object? value) || (value is null && name.EndsWith("_ema", StringComparison.Ordinal)))
                continue;
            if (value is PickleDict weights)
                return (name, weights);
            if (isOutermost)
                throw new WeightsFormatException(source, $"'{name}' of the checkpoint is {PickleGlobals.Shorten(value)} and no state dict.");
        }
        if (checkpoint.Items.Any(i => i.Value is PickleTensor))
            return null;
        foreach (string name in OtherWrappers)
        {
            if (checkpoint.TryGet(name, out object? value) && value is PickleDict weights)
                return (name, weights);
        }
        return null;
    }

    /// <summary>The tensors of a scripted module and of the modules in it.</summary>
    private static IEnumerable<KeyValuePair<object?, object?>> Attributes(PickleDict module, string prefix, int depth, PthBudget budget)
    {
        foreach ((object? key, object? value) in module.Items)
        {
            budget.Object(64);
            if (key is not string name || depth > MaxDepth)
                continue;
            if (value is PickleTensor)
            {
                yield return new(prefix + name, value);
            }
            else if (value is PickleDict child)
            {
                foreach (KeyValuePair<object?, object?> inner in Attributes(child, $"{prefix}{name}.", depth + 1, budget))
                    yield return inner;
            }
        }
    }

    private static WeightsFormatException NoWeights(string path, IEnumerable<KeyValuePair<object?, object?>> items, string source)
    {
        IEnumerable<string> there = items.Take(5).Select(i => i.Value is PickleDict inner && inner.Items.Count(e => e.Value is PickleTensor) is > 0 and var count
            ? $"'{PickleGlobals.Shorten(i.Key)}' (with {count} tensors)"
            : $"'{PickleGlobals.Shorten(i.Key)}' ({PickleGlobals.Shorten(i.Value)})");
        return new WeightsFormatException(source, $"no weights {(path.Length == 0 ? "at the top level of the checkpoint" : $"under '{path}'")}, which has {string.Join(", ", there)}. "
            + $"They are expected there or under {string.Join(", ", Wrappers)}; save that part alone.");
    }
}
