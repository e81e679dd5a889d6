using System.Numerics;
using System.Text;

namespace Backbones.Weights.Pth;

/// <summary>The few Python names that weights need. Nothing is ever imported or called by name: each is a case here.</summary>
/// <remarks>Source: what <c>torch.load(weights_only=True)</c> of PyTorch 2.6 allows; beyond that timm's <c>argparse.Namespace</c> and the arrays and numbers of numpy.</remarks>
/// <param name="input">For errors and costs.</param>
/// <param name="isScript">The classes of a TorchScript archive are read as their attributes.</param>
internal sealed class PickleGlobals(PickleInput input, bool isScript)
{
    /// <summary>PyTorch's own limit.</summary>
    internal const int MaxRank = 64;

    private const string Numpy = "numpy.core.multiarray", Numpy2 = "numpy._core.multiarray";

    /// <summary>What can be called.</summary>
    private enum Callable
    {
        Dictionary, List, Bytes, Encode, Complex, Tuple, Text, Device,
        TensorV1, Tensor, TensorV3, Parameter, FromType, Quantized, Sparse, Meta, Nested, TensorType,
        NumpyType, NumpyArray, NumpyBuffer, NumpyScalar, NumpyClass,
        ScriptObject, ScriptList,
    }

    private static readonly Dictionary<string, object> Allowed = new(StringComparer.Ordinal)
    {
        ["collections.OrderedDict"] = Callable.Dictionary,
        ["collections.Counter"] = Callable.Dictionary,
        ["argparse.Namespace"] = Callable.Dictionary,
        ["builtins.set"] = Callable.List,
        ["builtins.bytearray"] = Callable.Bytes,
        ["builtins.complex"] = Callable.Complex,
        ["_codecs.encode"] = Callable.Encode,
        ["torch.Size"] = Callable.Tuple,
        ["torch.Tensor"] = Callable.TensorType,
        ["torch.device"] = Callable.Device,
        ["torch.serialization._get_layout"] = Callable.Text,
        ["torch.nn.parameter.Parameter"] = Callable.Parameter,
        ["torch._utils._rebuild_tensor"] = Callable.TensorV1,
        ["torch._utils._rebuild_tensor_v2"] = Callable.Tensor,
        ["torch._utils._rebuild_tensor_v3"] = Callable.TensorV3,
        ["torch._utils._rebuild_parameter"] = Callable.Parameter,
        ["torch._utils._rebuild_parameter_with_state"] = Callable.Parameter,
        ["torch._tensor._rebuild_from_type_v2"] = Callable.FromType,
        ["torch._utils._rebuild_qtensor"] = Callable.Quantized,
        ["torch._utils._rebuild_sparse_tensor"] = Callable.Sparse,
        ["torch._utils._rebuild_meta_tensor_no_storage"] = Callable.Meta,
        ["torch._utils._rebuild_nested_tensor"] = Callable.Nested,
        ["torch.storage.UntypedStorage"] = TorchType.Untyped,
        ["torch.UntypedStorage"] = TorchType.Untyped,
        ["torch.per_tensor_affine"] = "per_tensor_affine",
        ["torch.per_channel_affine"] = "per_channel_affine",
        [$"{Numpy}._reconstruct"] = Callable.NumpyArray,
        [$"{Numpy2}._reconstruct"] = Callable.NumpyArray,
        [$"{Numpy}.scalar"] = Callable.NumpyScalar,
        [$"{Numpy2}.scalar"] = Callable.NumpyScalar,
        ["numpy.core.numeric._frombuffer"] = Callable.NumpyBuffer,
        ["numpy._core.numeric._frombuffer"] = Callable.NumpyBuffer,
        ["numpy.dtype"] = Callable.NumpyType,
        ["numpy.ndarray"] = Callable.NumpyClass,
    };

    /// <summary>A <see cref="Callable"/>, a <see cref="TorchType"/>, or a constant's name.</summary>
    public object Find(string module, string name)
    {
        // Protocol 2 writes Python 2's names.
        (module, name) = (module, name) switch
        {
            ("__builtin__", "xrange") => ("builtins", "range"),
            ("__builtin__", "long") => ("builtins", "int"),
            ("__builtin__", "unicode" or "basestring") => ("builtins", "str"),
            ("__builtin__", _) => ("builtins", name),
            ("copy_reg", _) => ("copyreg", name),
            _ => (module, name),
        };
        if (Allowed.TryGetValue($"{module}.{name}", out object? found))
            return found;
        if (module == "torch" && (TorchType.ByStorage.TryGetValue(name, out TorchType? type) || TorchType.ByName.TryGetValue(name, out type)))
            return type;
        if (isScript && module == "torch.jit._pickle")
            return Callable.ScriptList;
        if (isScript && (module == "__torch__" || module.StartsWith("__torch__.", StringComparison.Ordinal)))
            return Callable.ScriptObject;
        throw input.Error($"the pickle asks for '{module}.{name}', which weights do not need and which is never run. "
            + "Allowed are the containers, tensors, parameters, storages and types of PyTorch's state dicts, and arrays of numpy. Save the state dict alone, best as safetensors.");
    }

    /// <summary>The result of a call.</summary>
    public object? Call(object? callable, object?[] arguments) => (callable, arguments) switch
    {
        (Callable.Dictionary or Callable.ScriptObject, []) => new PickleDict(),
        (Callable.Dictionary, [PickleDict items]) => Copy(items),
        (Callable.Dictionary, [List<object?> pairs]) => FromPairs(pairs),
        (Callable.List, [List<object?> items]) => items,
        (Callable.Bytes, []) => Array.Empty<byte>(),
        (Callable.Bytes, [byte[] bytes]) => bytes,
        (Callable.Encode, [string text, "latin1"]) => Encode(text),
        (Callable.Complex, [_, _]) => new PickleOther("a complex number"),
        (Callable.Tuple, [object?[] tuple]) => tuple,
        (Callable.Text, [string text]) => text,
        (Callable.Device, [string, ..]) => new PickleOther("a device"),
        (Callable.TensorV1, [PickleStorage storage, var offset, var size, var stride]) => Tensor(storage, storage.Type, offset, size, stride, null),
        (Callable.Tensor, [PickleStorage storage, var offset, var size, var stride, _, _]) => Tensor(storage, storage.Type, offset, size, stride, null),
        (Callable.Tensor, [PickleStorage storage, var offset, var size, var stride, _, _, var bits]) => Tensor(storage, storage.Type, offset, size, stride, bits),
        (Callable.TensorV3, [PickleStorage storage, var offset, var size, var stride, _, _, TorchType type]) => Tensor(storage, type, offset, size, stride, null),
        (Callable.TensorV3, [PickleStorage storage, var offset, var size, var stride, _, _, TorchType type, var bits]) => Tensor(storage, type, offset, size, stride, bits),
        (Callable.Parameter, [PickleTensor tensor, ..]) => tensor,
        // The type is the subclass of Tensor that the result is, the state its Python attributes.
        (Callable.FromType, [var make, Callable.TensorType or Callable.Parameter, object?[] inner, _]) when make is not Callable.FromType => Call(make, inner),
        (Callable.Quantized, [PickleStorage storage, var offset, var size, var stride, object?[] scheme, ..]) => Quantized(Tensor(storage, storage.Type, offset, size, stride, null), scheme),
        (Callable.Sparse, ["torch.sparse_coo", object?[] and [StridedTensor indices, StridedTensor values, var size, ..]]) => new SparseTensor("torch.sparse_coo", indices, null, values, Size(size)),
        (Callable.Sparse, [string layout and ("torch.sparse_csr" or "torch.sparse_csc" or "torch.sparse_bsr" or "torch.sparse_bsc"),
            object?[] and [StridedTensor rows, StridedTensor columns, StridedTensor values, var size, ..]]) => new SparseTensor(layout, rows, columns, values, Size(size)),
        (Callable.Meta, [TorchType, ..]) => new PickleOther("a tensor on the device 'meta', which has no data"),
        (Callable.Nested, [StridedTensor, ..]) => new PickleOther("a nested tensor"),
        (Callable.NumpyType, [string code, ..]) => new NumpyType(NumpyCode(code)),
        (Callable.NumpyArray, [Callable.NumpyClass, ..]) => new NumpyArray(),
        (Callable.NumpyBuffer, [byte[] bytes, NumpyType type, var size, string order]) => NumpyTensor(type, size, order == "F", bytes),
        (Callable.NumpyScalar, [NumpyType, byte[]]) => new PickleOther("a number of numpy"),
        (Callable.ScriptList, [var list, ..]) => list,
        (Callable, _) => throw input.Error($"the pickle has a {callable} with other arguments than PyTorch writes."),
        _ => throw input.Error("the pickle calls something that is no function."),
    };

    /// <summary>Gives an object its state. Attributes of a dictionary (versions of modules, training arguments) are of no use to weights.</summary>
    public void Build(object? target, object? state)
    {
        switch (target, state)
        {
            case (PickleDict module, PickleDict attributes) when isScript:
                foreach ((object? key, object? value) in attributes.Items)
                    Set(module, key, value);
                break;
            case (PickleDict, PickleDict): break;
            case (NumpyType type, object?[] and [_, string order, ..]): type.IsBigEndian = order == ">"; break;
            case (NumpyArray array, object?[] and [_, var size, NumpyType type, bool isColumnMajor, byte[] bytes]): array.Tensor = NumpyTensor(type, size, isColumnMajor, bytes); break;
            default: throw input.Error("the pickle gives attributes to something that is neither a dictionary nor a namespace nor an array.");
        }
    }

    /// <summary>Sets an item of a dictionary.</summary>
    public void Set(PickleDict dictionary, object? key, object? value)
    {
        input.Budget.Object(96);
        dictionary.Set(key, value);
    }

    /// <summary>A storage from its persistent id: ('storage', class, key, device, element count[, view]).</summary>
    public PickleStorage Storage(object? id)
    {
        input.Budget.Object(64);
        switch (id as object?[])
        {
            case ["storage", TorchType type, string key, string, long count] when count >= 0:
                return new PickleStorage(key, type, count, 0);
            case ["storage", TorchType type, string key, string, long count, null] when count >= 0:
                return new PickleStorage(key, type, count, 0);
            case ["storage", TorchType type, string key, string, long count, object?[] and [string, long offset, long length]]
                when offset >= 0 && length >= 0 && offset <= count - length:
                return new PickleStorage(key, type, count, offset);
            default:
                throw input.Error("the pickle has a persistent id that is no storage.");
        }
    }

    private StridedTensor Tensor(PickleStorage storage, TorchType type, object? offset, object? size, object? stride, object? bits)
    {
        if (offset is not long first)
            throw input.Error("the pickle has a Tensor with other arguments than PyTorch writes.");
        StridedTensor tensor = new(storage, type, first, Size(size), [.. Sequence(stride).Select(Stride)]);
        return bits is PickleDict flags ? tensor with { IsConjugated = Has("conj"), IsNegated = Has("neg") } : tensor;

        bool Has(string flag) => flags.TryGet(flag, out object? value) && value is true;
    }

    private QuantizedTensor Quantized(StridedTensor integers, object?[] scheme) => scheme switch
    {
        ["per_tensor_affine", double scale, long zero] => new QuantizedTensor(integers, scale, zero),
        ["per_channel_affine", StridedTensor scales, StridedTensor zeros, long axis] when axis >= 0 && axis < integers.Size.Length
            => new QuantizedTensor(integers, 1, 0, scales, zeros, (int)axis),
        _ => throw input.Error("the pickle has a quantized tensor of another scheme than per_tensor_affine and per_channel_affine."),
    };

    private NumpyTensor NumpyTensor(NumpyType type, object? size, bool isColumnMajor, byte[] bytes)
        => new(type.Type, type.IsBigEndian, Size(size), isColumnMajor, bytes);

    private TorchType NumpyCode(string code)
    {
        string? name = code.TrimStart('<', '>', '=', '|') switch
        {
            "f8" => "float64",
            "f4" => "float32",
            "f2" => "float16",
            "i8" => "int64",
            "i4" => "int32",
            "i2" => "int16",
            "i1" => "int8",
            "u8" => "uint64",
            "u4" => "uint32",
            "u2" => "uint16",
            "u1" => "uint8",
            "b1" => "bool",
            "c8" => "complex64",
            "c16" => "complex128",
            _ => null,
        };
        return name is null ? throw input.Error($"the pickle asks for 'numpy.dtype' of '{Shorten(code)}', which is no type of numbers.") : TorchType.ByName[name];
    }

    private byte[] Encode(string text)
    {
        input.Budget.Object(32 + text.Length);
        return text.All(c => c <= 255) ? Encoding.Latin1.GetBytes(text) : throw input.Error("the pickle has bytes with letters beyond 255.");
    }

    private PickleDict Copy(PickleDict items)
    {
        PickleDict copy = new();
        foreach ((object? key, object? value) in items.Items)
            Set(copy, key, value);
        return copy;
    }

    private PickleDict FromPairs(List<object?> pairs)
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
            Set(dictionary, key, value);
        }
        return dictionary;
    }

    private int[] Size(object? size)
    {
        int[] dimensions = [.. Sequence(size).Select(Dimension)];
        // Elements of an empty tensor count as well, so that no product of dimensions runs over anywhere.
        return dimensions.Where(d => d > 0).Aggregate(Int128.One, (n, d) => n > int.MaxValue ? n : n * d) <= int.MaxValue
            ? dimensions
            : throw input.Error($"the pickle has a tensor of shape [{string.Join(", ", dimensions.Select(d => $"{d}"))}], which is too large.");
    }

    private IReadOnlyList<object?> Sequence(object? value)
    {
        IReadOnlyList<object?> items = value as object?[] ?? value as IReadOnlyList<object?> ?? throw input.Error("the pickle has a Tensor with other arguments than PyTorch writes.");
        input.Budget.Object(64 + 12 * items.Count);
        return items.Count <= MaxRank ? items : throw input.Error($"the pickle has a tensor of {items.Count} dimensions; at most {MaxRank} are allowed.");
    }

    private int Dimension(object? value)
        => value is long and >= 0 and <= int.MaxValue ? (int)(long)value : throw input.Error($"the pickle has a tensor with the dimension '{Shorten(value)}'.");

    private long Stride(object? value)
        => value is long and >= 0 ? (long)value : throw input.Error($"the pickle has a tensor with the stride '{Shorten(value)}'.");

    /// <summary>A value in a message.</summary>
    internal static string Shorten(object? value) => value switch
    {
        null => "None",
        string text => text.Length <= 80 ? text : $"{text[..80]}…",
        bool or long or double => $"{value}",
        BigInteger => "a whole number of more than 64 bits",
        byte[] => "bytes",
        object?[] => "a tuple",
        List<object?> => "a list",
        PickleDict => "a dictionary",
        PickleTensor => "a tensor",
        PickleStorage => "a storage",
        PickleOther other => other.What,
        _ => "something else",
    };
}
