namespace Backbones.Weights.Pth;

/// <summary>The weights in a checkpoint (timm: <c>load_state_dict</c>).</summary>
/// <param name="Tensors">The tensors, as they are named there.</param>
/// <param name="Others">Entries beside them that cannot be weights, each with what it is.</param>
internal sealed record StateDict(IReadOnlyList<ParameterTensor> Tensors, IReadOnlyDictionary<string, string> Others)
{
    private static readonly string[] Wrappers = ["state_dict_ema", "model_ema", "state_dict", "model"];

    /// <summary>Modules of a scripted model may lie in one another so deep.</summary>
    private const int MaxDepth = 64;

    /// <summary>Reads the tensors of the part of a checkpoint that holds the weights.</summary>
    /// <exception cref="WeightsFormatException">There are none.</exception>
    public static StateDict Find(PthFile checkpoint, string source, PthBudget budget)
    {
        if (checkpoint.Root is not PickleDict root)
            throw new WeightsFormatException(source, $"the checkpoint is {PickleGlobals.Shorten(checkpoint.Root)} and no dictionary; expected a state dict, or a dictionary that has one.");
        (string path, IEnumerable<KeyValuePair<object?, object?>> items) = checkpoint.IsScript ? ("", Attributes(root, "", 0, budget)) : Choose(root, source);
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

    private static (string Path, IReadOnlyList<KeyValuePair<object?, object?>> Items) Choose(PickleDict checkpoint, string source)
    {
        foreach (string name in Wrappers)
        {
            // An averaged copy may be there and empty (None), the plain one may not.
            if (checkpoint.TryGet(name, out object? value) && (value is not null || !name.EndsWith("_ema", StringComparison.Ordinal)))
            {
                return value is PickleDict weights
                    ? (name, weights.Items)
                    : throw new WeightsFormatException(source, $"'{name}' of the checkpoint is {PickleGlobals.Shorten(value)} and no state dict.");
            }
        }
        return ("", checkpoint.Items);
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
