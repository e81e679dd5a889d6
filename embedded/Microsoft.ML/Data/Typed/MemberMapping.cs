using System.Reflection;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A member of a row class and its column.</summary>
internal sealed record MappedMember(MemberInfo Member, string ColumnName, DataViewType ColumnType, SchemaDefinition.Column Definition)
{
    public Type MemberType => MemberMapping.TypeOf(Member);
}

/// <summary>Finds out which members of a class are columns, and of which types.</summary>
internal static class MemberMapping
{
    /// <summary>The public fields and properties that can be columns.</summary>
    public static IEnumerable<MemberInfo> GetMembers(Type type, SchemaDefinition.Direction direction)
    {
        var fields = type.GetFields(BindingFlags.Public | BindingFlags.Instance);
        var properties = type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.GetIndexParameters().Length == 0
            && (direction.HasFlag(SchemaDefinition.Direction.Read) && p.GetGetMethod() is not null
                || direction.HasFlag(SchemaDefinition.Direction.Write) && p.GetSetMethod() is not null));

        // A member that takes the cursor's channel is no column.
        return fields.Concat<MemberInfo>(properties).Where(m => TypeOf(m) != typeof(IChannel) && m.GetCustomAttribute<NoColumnAttribute>() is null);
    }

    public static Type TypeOf(MemberInfo member) => member is FieldInfo field ? field.FieldType : ((PropertyInfo)member).PropertyType;

    /// <summary>The members of a class and their columns, by a definition or else by its attributes.</summary>
    public static MappedMember[] Create(Type type, SchemaDefinition definition, SchemaDefinition.Direction direction)
    {
        definition ??= SchemaDefinition.Create(type, direction);
        return [.. definition.Select(column => Map(type, column))];
    }

    /// <summary>The schema that the members make.</summary>
    public static DataViewSchema ToSchema(MappedMember[] members)
        => SchemaExtensions.MakeSchema(members.Select(m => new DataViewSchema.DetachedColumn(m.ColumnName, m.ColumnType, m.Definition.Annotations)));

    /// <summary>A definition that has exactly a schema's types and annotations.</summary>
    public static SchemaDefinition CreateDefinition(Type type, DataViewSchema schema, IExceptionContext ectx)
    {
        var definition = SchemaDefinition.Create(type, SchemaDefinition.Direction.Read);
        foreach (var column in schema)
        {
            var defined = definition[column.Name] ?? throw ectx.Except($"Type should contain a member named {column.Name}");
            defined.ColumnType = column.Type;
            foreach (var annotation in column.Annotations.Schema)
                defined.AnnotationValues[annotation.Name] = AnnotationValue.Copy(column.Annotations, annotation);
        }
        return definition;
    }

    /// <summary>The column type of a member by its attributes.</summary>
    public static DataViewType GetColumnType(MemberInfo member)
    {
        var attributes = member.GetCustomAttributes().ToArray();
        foreach (var attribute in attributes.OfType<DataViewTypeAttribute>())
            attribute.Register();
        GetItemType(member, out bool isVector, out var rawType);
        if (DataViewTypeManager.Knows(rawType, attributes))
            return DataViewTypeManager.GetDataViewType(rawType, attributes);

        var vector = member.GetCustomAttribute<VectorTypeAttribute>();
        if (vector is not null && !isVector)
            throw Contracts.ExceptParam("userType", $"Member {member.Name} marked with {nameof(VectorTypeAttribute)}, but does not appear to be a vector type");
        var itemType = ColumnTypeExtensions.PrimitiveTypeFromType(rawType);
        if (member.GetCustomAttribute<KeyTypeAttribute>() is { } key)
        {
            itemType = KeyDataViewType.IsValidDataType(rawType)
                ? new KeyDataViewType(rawType, key.Count)
                : throw Contracts.ExceptParam("userType", $"Member {member.Name} marked with KeyType attribute, but does not appear to be a valid kind of data for a key type");
        }
        if (!isVector)
            return itemType;
        return vector is { Dims.Length: > 0 } ? new VectorDataViewType(itemType, vector.Dims) : new VectorDataViewType(itemType);
    }

    /// <summary>Whether a .NET type stands for a vector, and the raw type of its items.</summary>
    public static void GetItemType(Type type, out bool isVector, out Type itemType)
    {
        bool isBuffer = type.IsGenericType && type.GetGenericTypeDefinition() == typeof(VBuffer<>);
        isVector = type.IsArray || isBuffer;
        itemType = type.IsArray ? type.GetElementType() : isBuffer ? type.GetGenericArguments()[0] : type;
        if (itemType == typeof(string))
            itemType = typeof(ReadOnlyMemory<char>);
    }

    /// <summary>As <see cref="GetItemType(Type, out bool, out Type)"/>; throws where the member's type can be no column's.</summary>
    public static void GetItemType(MemberInfo member, out bool isVector, out Type itemType)
    {
        GetItemType(TypeOf(member), out isVector, out itemType);
        if (ColumnTypeExtensions.TryGetPrimitiveType(itemType) is null && !DataViewTypeManager.Knows(itemType, member.GetCustomAttributes()))
            throw Contracts.ExceptParam("rawType", $"Could not determine an IDataView type and registered custom types for member {member.Name} of type {TypeOf(member)}");
    }

    private static MappedMember Map(Type type, SchemaDefinition.Column column)
    {
        var member = (MemberInfo)type.GetField(column.MemberName) ?? type.GetProperty(column.MemberName)
            ?? throw Contracts.ExceptParam("userSchemaDefinition", $"No field or property with name '{column.MemberName}' found in type '{type.FullName}'");
        GetItemType(member, out bool isVector, out var itemType);
        string name = string.IsNullOrEmpty(column.ColumnName) ? column.MemberName : column.ColumnName;
        var columnType = column.ColumnType;
        if (columnType is null)
        {
            var primitive = ColumnTypeExtensions.PrimitiveTypeFromType(itemType);
            columnType = isVector ? new VectorDataViewType(primitive) : primitive;
        }
        else if (isVector != columnType is VectorDataViewType || itemType != columnType.GetItemType().RawType)
        {
            throw Contracts.ExceptParam("userSchemaDefinition", $"Column '{name}' is supposed to be {columnType}, but type of associated field '{member.Name}' is {TypeOf(member)}");
        }
        return new MappedMember(member, name, columnType, column);
    }
}
