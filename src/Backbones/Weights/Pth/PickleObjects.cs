namespace Backbones.Weights.Pth;

/// <summary>A dictionary, an OrderedDict or the attributes of an argparse.Namespace. Only text keys can be looked up.</summary>
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
/// <param name="DType">Element type.</param>
/// <param name="Count">Number of elements under that name.</param>
/// <param name="Offset">Where tensors over it count from: old files have views of storages.</param>
internal sealed record PickleStorage(string Key, DType DType, long Count, long Offset);

/// <summary>A tensor over a storage, not read yet; offset and strides in elements.</summary>
internal sealed record PickleTensor(PickleStorage Storage, long Offset, int[] Size, long[] Stride);
