namespace Backbones.Weights.Pth;

/// <summary>The few Python names that weights need. Nothing is ever imported or called by name: each is a case here.</summary>
internal static class PickleGlobals
{
    private static readonly Dictionary<string, object> Allowed = new(StringComparer.Ordinal)
    {
        ["collections.OrderedDict"] = Callable.Dictionary,
        ["argparse.Namespace"] = Callable.Dictionary,
        ["torch._utils._rebuild_tensor_v2"] = Callable.Tensor,
        ["torch._utils._rebuild_parameter"] = Callable.Parameter,
        ["torch.DoubleStorage"] = DType.Float64,
        ["torch.FloatStorage"] = DType.Float32,
        ["torch.HalfStorage"] = DType.Float16,
        ["torch.BFloat16Storage"] = DType.BFloat16,
        ["torch.LongStorage"] = DType.Int64,
        ["torch.IntStorage"] = DType.Int32,
        ["torch.ShortStorage"] = DType.Int16,
        ["torch.CharStorage"] = DType.Int8,
        ["torch.ByteStorage"] = DType.UInt8,
        ["torch.BoolStorage"] = DType.Bool,
    };

    /// <summary>What can be called.</summary>
    public enum Callable
    {
        /// <summary>OrderedDict(), OrderedDict(pairs), Namespace().</summary>
        Dictionary,
        /// <summary>A tensor over a storage: (storage, offset, size, stride, …).</summary>
        Tensor,
        /// <summary>A trained parameter: (tensor, …).</summary>
        Parameter,
    }

    /// <summary>A <see cref="Callable"/>, or the <see cref="DType"/> of a storage class.</summary>
    public static object Find(string module, string name, PickleInput input)
        => Allowed.TryGetValue($"{module}.{name}", out object? found)
            ? found
            : throw input.Error($"the pickle asks for '{module}.{name}', which weights do not need and which is never run. "
                + $"Allowed are {string.Join(", ", Allowed.Keys)}. Save the state dict alone, best as safetensors.");

    /// <summary>The result of a call.</summary>
    public static object Call(object? callable, object?[] arguments, PickleInput input) => (callable, arguments) switch
    {
        (Callable.Dictionary, []) => new PickleDict(),
        (Callable.Dictionary, [List<object?> pairs]) => FromPairs(pairs, input),
        (Callable.Tensor, [PickleStorage storage, long offset, object?[] size, object?[] stride, ..])
            => new PickleTensor(storage, offset, [.. size.Select(d => Dimension(d, input))], [.. stride.Select(s => Stride(s, input))]),
        (Callable.Parameter, [PickleTensor tensor, ..]) => tensor,
        (Callable, _) => throw input.Error($"the pickle has a {callable} with other arguments than PyTorch writes."),
        _ => throw input.Error("the pickle calls something that is no function."),
    };

    /// <summary>A storage from its persistent id: ('storage', class, key, device, element count[, view]).</summary>
    public static PickleStorage Storage(object? id, PickleInput input)
    {
        if (id is not object?[] and not null)
        {
            throw input.Error("the pickle has a persistent id that is no storage.");
        }
        switch (id as object?[])
        {
            case ["storage", DType dtype, string key, string, long count] when count >= 0:
                return new PickleStorage(key, dtype, count, 0);
            case ["storage", DType dtype, string key, string, long count, null] when count >= 0:
                return new PickleStorage(key, dtype, count, 0);
            case ["storage", DType dtype, string key, string, long count, object?[] and [string, long offset, long length]]
                when offset >= 0 && length >= 0 && offset <= count - length:
                return new PickleStorage(key, dtype, count, offset);
            default:
                throw input.Error("the pickle has a persistent id that is no storage.");
        }
    }

    private static PickleDict FromPairs(List<object?> pairs, PickleInput input)
    {
        PickleDict dictionary = new();
        foreach (object? pair in pairs)
        {
            (object? key, object? value) = pair switch
            {
                object?[] and [var k, var v] => (k, v),
                List<object?> and [var k, var v] => (k, v),
                _ => throw input.Error("the pickle has an OrderedDict of something else than pairs."),
            };
            dictionary.Set(key, value);
        }
        return dictionary;
    }

    private static int Dimension(object? value, PickleInput input)
        => value is long and >= 0 and <= int.MaxValue ? (int)(long)value : throw input.Error($"the pickle has a tensor with the dimension '{value}'.");

    private static long Stride(object? value, PickleInput input)
        => value is long and >= 0 ? (long)value : throw input.Error($"the pickle has a tensor with the stride '{value}'.");
}
