using Microsoft.ML.Internal.Utilities;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Getters over the members of whatever object is current.</summary>
internal sealed class ObjectColumns<TRow> where TRow : class
{
    private readonly IExceptionContext _ectx;
    private readonly Func<TRow> _current;
    private readonly Delegate[] _getters;

    public ObjectColumns(IExceptionContext ectx, MappedMember[] members, bool[] active, Func<TRow> current)
    {
        _ectx = ectx;
        _current = current;
        _getters = new Delegate[members.Length];
        for (int i = 0; i < members.Length; i++)
        {
            if (active[i])
                _getters[i] = CreateGetter(members[i]);
        }
    }

    public bool IsActive(DataViewSchema.Column column)
        => (uint)column.Index < (uint)_getters.Length ? _getters[column.Index] is not null : throw _ectx.Except($"Column index must be between 0 and {_getters.Length}");

    public ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        _ectx.CheckParam(IsActive(column), nameof(column), "requested column not active");
        return RowCursorUtils.As<TValue>(_getters[column.Index], column);
    }

    private Delegate CreateGetter(MappedMember member)
    {
        var type = member.MemberType;
        if (type == typeof(string))
            return TextGetter(MemberAccess.Reader<TRow, string>(member.Member));
        if (type == typeof(string[]))
            return TextsGetter(MemberAccess.Reader<TRow, string[]>(member.Member));
        if (type.IsArray)
            return (Delegate)Generic.Invoke(ArrayGetter<int>, type.GetElementType(), member);
        if (member.ColumnType is VectorDataViewType vector)
            return (Delegate)Generic.Invoke(VectorGetter<int>, vector.ItemType.RawType, member);
        if (member.ColumnType is KeyDataViewType key)
            return KeyGetter(member, key);
        return (Delegate)Generic.Invoke(PlainGetter<int>, type, member);
    }

    private Delegate TextGetter(Func<TRow, string> read)
    {
        ValueGetter<ReadOnlyMemory<char>> getter = (ref ReadOnlyMemory<char> value) => value = read(_current()).AsMemory();
        return getter;
    }

    private Delegate TextsGetter(Func<TRow, string[]> read)
    {
        ValueGetter<VBuffer<ReadOnlyMemory<char>>> getter = (ref VBuffer<ReadOnlyMemory<char>> value) =>
        {
            string[] texts = read(_current()) ?? [];
            var editor = VBufferEditor.Create(ref value, texts.Length);
            for (int i = 0; i < texts.Length; i++)
                editor.Values[i] = texts[i].AsMemory();
            value = editor.Commit();
        };
        return getter;
    }

    private Delegate ArrayGetter<T>(MappedMember member)
    {
        var read = MemberAccess.Reader<TRow, T[]>(member.Member);
        ValueGetter<VBuffer<T>> getter = (ref VBuffer<T> value) =>
        {
            T[] items = read(_current()) ?? [];
            var editor = VBufferEditor.Create(ref value, items.Length);
            items.CopyTo(editor.Values);
            value = editor.Commit();
        };
        return getter;
    }

    private Delegate VectorGetter<T>(MappedMember member)
    {
        var read = MemberAccess.Reader<TRow, VBuffer<T>>(member.Member);
        ValueGetter<VBuffer<T>> getter = (ref VBuffer<T> value) => read(_current()).CopyTo(ref value);
        return getter;
    }

    private Delegate PlainGetter<T>(MappedMember member)
    {
        var read = MemberAccess.Reader<TRow, T>(member.Member);
        ValueGetter<T> getter = (ref T value) => value = read(_current());
        return getter;
    }

    // A member counts categories from 0, a key column from 1 with 0 as missing. ML.NET knows no UInt16 here.
    private Delegate KeyGetter(MappedMember member, KeyDataViewType key)
    {
        ulong count = key.Count;
        switch (Type.GetTypeCode(key.RawType))
        {
            case TypeCode.Byte:
                var bytes = MemberAccess.Reader<TRow, byte>(member.Member);
                return (ValueGetter<byte>)((ref byte value) => value = bytes(_current()) is var k && k < count ? (byte)(k + 1) : (byte)0);
            case TypeCode.UInt32:
                var ints = MemberAccess.Reader<TRow, uint>(member.Member);
                return (ValueGetter<uint>)((ref uint value) => value = ints(_current()) is var k && k < count ? k + 1 : 0);
            case TypeCode.UInt64:
                var longs = MemberAccess.Reader<TRow, ulong>(member.Member);
                return (ValueGetter<ulong>)((ref ulong value) => value = longs(_current()) is var k && k < count ? k + 1 : 0);
            default:
                throw _ectx.Except($"Key member '{member.Member.Name}' must be a Byte, UInt32 or UInt64, but it is {key.RawType.Name}.");
        }
    }
}
