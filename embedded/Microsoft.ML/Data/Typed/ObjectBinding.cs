using Microsoft.ML.Internal.Utilities;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Which columns of a schema go into which members of a class.</summary>
internal sealed class ObjectBinding<TRow> where TRow : class
{
    private readonly (MappedMember Member, DataViewSchema.Column Column)[] _pairs;

    public ObjectBinding(IHostEnvironment env, DataViewSchema schema, bool ignoreMissingColumns, SchemaDefinition definition)
    {
        var pairs = new List<(MappedMember, DataViewSchema.Column)>();
        foreach (var member in MemberMapping.Create(typeof(TRow), definition, SchemaDefinition.Direction.Write))
        {
            if (schema.GetColumnOrNull(member.ColumnName) is not { } column)
            {
                if (ignoreMissingColumns)
                    continue;
                throw env.ExceptSchemaMismatch(nameof(schema), "", member.ColumnName);
            }
            MemberMapping.GetItemType(member.MemberType, out bool isVector, out var itemType);
            if (isVector != column.Type is VectorDataViewType || column.Type.GetItemType().RawType != itemType)
                throw env.Except($"Can't bind the IDataView column '{column.Name}' of type '{column.Type}' to field or property '{member.Member.Name}' of type '{member.MemberType.FullName}'.");
            pairs.Add((member, column));
        }
        _pairs = [.. pairs];
    }

    public IEnumerable<DataViewSchema.Column> Columns => _pairs.Select(p => p.Column);

    /// <summary>A function that writes the row's current values into an object.</summary>
    public Action<TRow> CreateFiller(DataViewRow row)
    {
        var setters = Array.ConvertAll(_pairs, pair => CreateSetter(row, pair.Member, pair.Column));
        return target =>
        {
            foreach (var set in setters)
                set(target);
        };
    }

    private static Action<TRow> CreateSetter(DataViewRow row, MappedMember member, DataViewSchema.Column column)
    {
        var type = member.MemberType;
        if (type == typeof(string))
            return TextSetter(row, member, column);
        if (type == typeof(string[]))
            return TextsSetter(row, member, column);
        if (type.IsArray)
            return (Action<TRow>)Generic.Invoke(ArraySetter<int>, type.GetElementType(), row, member, column);
        if (column.Type is VectorDataViewType vector)
            return (Action<TRow>)Generic.Invoke(VectorSetter<int>, vector.ItemType.RawType, row, member, column);
        return (Action<TRow>)Generic.Invoke(ValueSetter<int>, type, row, member, column);
    }

    private static Action<TRow> TextSetter(DataViewRow row, MappedMember member, DataViewSchema.Column column)
    {
        var get = row.GetGetter<ReadOnlyMemory<char>>(column);
        var write = MemberAccess.Writer<TRow, string>(member.Member);
        ReadOnlyMemory<char> value = default;
        return target =>
        {
            get(ref value);
            write(target, value.ToString());
        };
    }

    private static Action<TRow> TextsSetter(DataViewRow row, MappedMember member, DataViewSchema.Column column)
    {
        var get = row.GetGetter<VBuffer<ReadOnlyMemory<char>>>(column);
        var read = MemberAccess.Reader<TRow, string[]>(member.Member);
        var write = MemberAccess.Writer<TRow, string[]>(member.Member);
        VBuffer<ReadOnlyMemory<char>> value = default;
        return target =>
        {
            get(ref value);
            var texts = read(target);
            if ((texts?.Length ?? 0) != value.Length)
                texts = new string[value.Length];
            foreach (var (slot, text) in value.Items(all: true))
                texts[slot] = text.ToString();
            write(target, texts);
        };
    }

    // An array of the right size in the target is filled, any other is replaced; for an empty vector null stays null.
    private static Action<TRow> ArraySetter<T>(DataViewRow row, MappedMember member, DataViewSchema.Column column)
    {
        var get = row.GetGetter<VBuffer<T>>(column);
        var read = MemberAccess.Reader<TRow, T[]>(member.Member);
        var write = MemberAccess.Writer<TRow, T[]>(member.Member);
        VBuffer<T> value = default;
        return target =>
        {
            get(ref value);
            var items = read(target);
            if ((items?.Length ?? 0) != value.Length || !value.IsDense)
                items = new T[value.Length];
            value.CopyTo(items.AsSpan());
            write(target, items);
        };
    }

    private static Action<TRow> VectorSetter<T>(DataViewRow row, MappedMember member, DataViewSchema.Column column)
    {
        var get = row.GetGetter<VBuffer<T>>(column);
        var read = MemberAccess.Reader<TRow, VBuffer<T>>(member.Member);
        var write = MemberAccess.Writer<TRow, VBuffer<T>>(member.Member);
        return target =>
        {
            // Takes over the arrays of the vector that the target has.
            var value = read(target);
            get(ref value);
            write(target, value);
        };
    }

    // The value is kept from row to row: a getter of images disposes the one before.
    private static Action<TRow> ValueSetter<T>(DataViewRow row, MappedMember member, DataViewSchema.Column column)
    {
        var get = row.GetGetter<T>(column);
        var write = MemberAccess.Writer<TRow, T>(member.Member);
        T value = default;
        return target =>
        {
            get(ref value);
            write(target, value);
        };
    }
}
