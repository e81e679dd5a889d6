namespace Backbones.Weights.Pth;

/// <summary>A dictionary, an OrderedDict, a Counter, or the attributes of a namespace or of a scripted module. Only text keys can be looked up.</summary>
internal sealed class PickleDict
{
    // Made at the first item: a file may have millions of empty dictionaries.
    private List<KeyValuePair<object?, object?>>? _items;
    private Dictionary<string, int>? _byText;

    /// <summary>Items in order of insertion; a text key set again keeps its place.</summary>
    public IReadOnlyList<KeyValuePair<object?, object?>> Items => _items ?? [];

    public void Set(object? key, object? value)
    {
        _items ??= [];
        _byText ??= new(StringComparer.Ordinal);
        if (key is string text)
        {
            if (_byText.TryGetValue(text, out int index))
            {
                _items[index] = new(key, value);
                return;
            }
            _byText.Add(text, _items.Count);
        }
        _items.Add(new(key, value));
    }

    public bool TryGet(string key, out object? value)
    {
        bool found = _byText?.TryGetValue(key, out int _) ?? false;
        value = found ? _items![_byText![key]].Value : null;
        return found;
    }
}

/// <summary>A storage's bytes, not read yet.</summary>
/// <param name="Key">Its name in the file.</param>
/// <param name="Type">Element type.</param>
/// <param name="Count">Number of elements under that name.</param>
/// <param name="Offset">Where tensors over it count from: old files have views of storages.</param>
internal sealed record PickleStorage(string Key, TorchType Type, long Count, long Offset);

/// <summary>A tensor, not read yet.</summary>
/// <param name="Type">Element type.</param>
/// <param name="Size">Dimensions.</param>
internal abstract record PickleTensor(TorchType Type, int[] Size);

/// <summary>A tensor over a storage; offset and strides in elements.</summary>
/// <param name="Storage">The storage.</param>
/// <param name="Type">Element type: the storage's, but for untyped storages.</param>
/// <param name="Offset">The first element.</param>
/// <param name="Size">Dimensions.</param>
/// <param name="Stride">Elements from one to the next in each dimension.</param>
/// <param name="IsConjugated">The elements' complex conjugates are meant.</param>
/// <param name="IsNegated">The elements' negatives are meant.</param>
internal sealed record StridedTensor(PickleStorage Storage, TorchType Type, long Offset, int[] Size, long[] Stride, bool IsConjugated = false, bool IsNegated = false)
    : PickleTensor(Type, Size);

/// <summary>A quantized tensor: value = (integer − zero point) · scale, with one scale, or one for each index of an axis.</summary>
/// <param name="Integers">The stored integers.</param>
/// <param name="Scale">The scale, where there is one.</param>
/// <param name="ZeroPoint">The zero point, where there is one.</param>
/// <param name="Scales">The scales along an axis; null where there is one.</param>
/// <param name="ZeroPoints">The zero points along an axis.</param>
/// <param name="Axis">The axis.</param>
internal sealed record QuantizedTensor(StridedTensor Integers, double Scale, double ZeroPoint, StridedTensor? Scales = null, StridedTensor? ZeroPoints = null, int Axis = 0)
    : PickleTensor(TorchType.Float32, Integers.Size);

/// <summary>A sparse tensor; positions that are not mentioned are zero.</summary>
/// <param name="Layout">PyTorch's layout: <c>torch.sparse_coo</c>, <c>_csr</c>, <c>_csc</c>, <c>_bsr</c> or <c>_bsc</c>.</param>
/// <param name="Rows">The positions (COO), or how many values come before each row or column (compressed).</param>
/// <param name="Columns">The positions in a row or column (compressed); null for COO.</param>
/// <param name="Values">The values, or blocks of values.</param>
/// <param name="Size">Dimensions.</param>
internal sealed record SparseTensor(string Layout, StridedTensor Rows, StridedTensor? Columns, StridedTensor Values, int[] Size) : PickleTensor(Values.Type, Size);

/// <summary>An array of numpy, whose bytes are in the pickle.</summary>
internal sealed record NumpyTensor(TorchType Type, bool IsBigEndian, int[] Size, bool IsColumnMajor, byte[] Bytes) : PickleTensor(Type, Size);

/// <summary>Something that a state dict may have and weights cannot be: a tensor without data or of ragged rows, a device, a complex number.</summary>
internal sealed record PickleOther(string What);

/// <summary>An element type of numpy; its byte order comes with <c>BUILD</c>.</summary>
internal sealed class NumpyType(TorchType type)
{
    public TorchType Type => type;

    public bool IsBigEndian { get; set; }
}

/// <summary>An array of numpy before <c>BUILD</c> gives it shape and bytes.</summary>
internal sealed class NumpyArray
{
    public NumpyTensor? Tensor { get; set; }
}
