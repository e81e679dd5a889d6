namespace Backbones.Weights.Pth;

/// <summary>Which part of a checkpoint holds the weights (timm: <c>load_state_dict</c>).</summary>
internal static class StateDict
{
    /// <summary>The tensors of the state dict, as they are named there.</summary>
    /// <exception cref="WeightsFormatException">There is no state dict.</exception>
    public static IEnumerable<KeyValuePair<string, PickleTensor>> Find(object? root, string source)
    {
        if (root is not PickleDict checkpoint)
        {
            throw new WeightsFormatException(source, "the checkpoint is no dictionary; expected a state dict, or a dictionary that has one.");
        }
        (string path, PickleDict weights) = Choose(checkpoint, source);
        if (weights.Items.FirstOrDefault(i => i.Key is not string || i.Value is not PickleTensor) is { Key: not null } other)
        {
            throw new WeightsFormatException(source, $"'{path}{other.Key}' is no tensor. Weights are expected at the top level or under {string.Join(", ", Wrappers)}.");
        }
        return weights.Items.Select(i => KeyValuePair.Create((string)i.Key!, (PickleTensor)i.Value!));
    }

    /// <summary>The name without the prefixes that DataParallel and torch.compile add (timm: <c>clean_state_dict</c>).</summary>
    public static string CleanKey(string key)
    {
        foreach (string prefix in (ReadOnlySpan<string>)["module.", "_orig_mod."])
        {
            key = key.StartsWith(prefix, StringComparison.Ordinal) ? key[prefix.Length..] : key;
        }
        return key;
    }

    private static readonly string[] Wrappers = ["state_dict_ema", "model_ema", "state_dict", "model"];

    private static (string Path, PickleDict Weights) Choose(PickleDict checkpoint, string source)
    {
        foreach (string name in Wrappers)
        {
            // An averaged copy may be there and empty (None), the plain one may not.
            if (checkpoint.TryGet(name, out object? value) && (value is not null || !name.EndsWith("_ema", StringComparison.Ordinal)))
            {
                return value is PickleDict weights
                    ? (name + ".", weights)
                    : throw new WeightsFormatException(source, $"'{name}' of the checkpoint is no state dict.");
            }
        }
        return ("", checkpoint);
    }
}
