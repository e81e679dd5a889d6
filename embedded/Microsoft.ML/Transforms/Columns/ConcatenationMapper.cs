using Microsoft.ML.Internal.Utilities;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Joins columns of one item type into a vector.</summary>
internal sealed class ConcatenationMapper : IRowMapper
{
    private readonly DataViewSchema.Column[] _sources;
    private readonly VectorDataViewType _type;
    private readonly DataViewSchema.DetachedColumn _output;

    public ConcatenationMapper(string name, DataViewSchema.Column[] sources)
    {
        _sources = sources;
        int[] sizes = Array.ConvertAll(sources, source => source.Type.GetValueCount());
        // One part of unknown size makes the size of the whole unknown.
        int size = sizes.Contains(0) ? 0 : sizes.Aggregate(0, (sum, each) => checked(sum + each));
        _type = new VectorDataViewType((PrimitiveDataViewType)sources[0].Type.GetItemType(), size);
        _output = IsIdentity
            ? new DataViewSchema.DetachedColumn(name, sources[0].Type, sources[0].Annotations)
            : new DataViewSchema.DetachedColumn(name, _type, MakeAnnotations());
    }

    // A vector alone is handed on as it is, with its dimensions and annotations.
    private bool IsIdentity => _sources.Length == 1 && _sources[0].Type is VectorDataViewType;

    public DataViewSchema.DetachedColumn[] GetOutputColumns() => [_output];

    public Func<int, bool> GetDependencies(Func<int, bool> activeOutput)
    {
        bool isActive = activeOutput(0);
        return column => isActive && _sources.Any(source => source.Index == column);
    }

    public Delegate[] CreateGetters(DataViewRow input, Func<int, bool> activeOutput, out Action disposer)
    {
        disposer = null;
        if (!activeOutput(0))
            return [null];
        return [IsIdentity
            ? RowCursorUtils.GetGetterAsDelegate(input, _sources[0].Index)
            : (Delegate)Generic.Invoke(MakeGetter<int>, _type.ItemType.RawType, input)];
    }

    private ValueGetter<VBuffer<T>> MakeGetter<T>(DataViewRow input)
    {
        Part<T>[] parts = Array.ConvertAll(_sources, source => new Part<T>(input, source));
        return (ref VBuffer<T> dst) =>
        {
            int length = 0, count = 0;
            foreach (Part<T> part in parts)
            {
                part.Fetch();
                length = checked(length + part.Value.Length);
                count += part.Value.GetValues().Length;
            }
            if (count > length / 2)
                JoinDense(parts, length, ref dst);
            else
                JoinSparse(parts, length, count, ref dst);
        };
    }

    private static void JoinDense<T>(Part<T>[] parts, int length, ref VBuffer<T> dst)
    {
        var editor = VBufferEditor.Create(ref dst, length);
        int offset = 0;
        foreach (Part<T> part in parts)
        {
            part.Value.CopyTo(editor.Values, offset);
            offset += part.Value.Length;
        }
        dst = editor.Commit();
    }

    private static void JoinSparse<T>(Part<T>[] parts, int length, int count, ref VBuffer<T> dst)
    {
        var editor = VBufferEditor.Create(ref dst, length, count);
        int offset = 0, next = 0;
        foreach (Part<T> part in parts)
        {
            ReadOnlySpan<T> values = part.Value.GetValues();
            ReadOnlySpan<int> indices = part.Value.GetIndices();
            for (int i = 0; i < values.Length; i++, next++)
            {
                editor.Values[next] = values[i];
                editor.Indices[next] = offset + (part.Value.IsDense ? i : indices[i]);
            }
            offset += part.Value.Length;
        }
        dst = editor.Commit();
    }

    private DataViewSchema.Annotations MakeAnnotations()
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        if (_type.ItemType is NumberDataViewType && _sources.All(source => source.IsNormalized()))
            annotations.AddPrimitiveValue(AnnotationUtils.Kinds.IsNormalized, BooleanDataViewType.Instance, true);
        if (_type.IsKnownSize && _sources.Any(source => source.Type is not VectorDataViewType || source.HasSlotNames()))
            annotations.AddSlotNames(_type.Size, GetSlotNames);
        return annotations.ToAnnotations();
    }

    // A scalar names its slot; a vector's own slot names follow the vector's name.
    private void GetSlotNames(ref VBuffer<ReadOnlyMemory<char>> dst)
    {
        var editor = VBufferEditor.Create(ref dst, _type.Size);
        editor.Values.Clear();
        int slot = 0;
        foreach (DataViewSchema.Column source in _sources)
        {
            if (source.Type is not VectorDataViewType)
            {
                editor.Values[slot] = source.Name.AsMemory();
            }
            else if (source.HasSlotNames())
            {
                VBuffer<ReadOnlyMemory<char>> names = default;
                source.GetSlotNames(ref names);
                foreach (var (index, name) in names.Items())
                    editor.Values[slot + index] = name.IsEmpty ? default : $"{source.Name}.{name}".AsMemory();
            }
            slot += source.Type.GetValueCount();
        }
        dst = editor.Commit();
    }

    // One source of the current row, a scalar as a vector of one.
    private sealed class Part<T>
    {
        private readonly DataViewSchema.Column _source;
        private readonly ValueGetter<T> _scalar;
        private readonly ValueGetter<VBuffer<T>> _vector;
        private readonly T[] _single = new T[1];
        public VBuffer<T> Value;

        public Part(DataViewRow input, DataViewSchema.Column source)
        {
            _source = source;
            if (source.Type is VectorDataViewType)
            {
                _vector = input.GetGetter<VBuffer<T>>(source);
                return;
            }
            _scalar = input.GetGetter<T>(source);
            Value = new VBuffer<T>(1, _single);
        }

        public void Fetch()
        {
            if (_vector == null)
            {
                _scalar(ref _single[0]);
                return;
            }
            _vector(ref Value);
            if (_source.Type is VectorDataViewType { IsKnownSize: true } type && type.Size != Value.Length)
                throw Contracts.Except($"Column '{_source.Name}': expected {type.Size} slots, but got {Value.Length}");
        }
    }
}
