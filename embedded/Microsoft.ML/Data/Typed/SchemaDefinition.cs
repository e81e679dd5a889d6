using System.Reflection;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>How a class's members map to columns. Starts as the attributes say, and can be changed.</summary>
public sealed class SchemaDefinition : List<SchemaDefinition.Column>
{
    private SchemaDefinition()
    {
    }

    /// <summary>What is done with the members.</summary>
    [Flags]
    public enum Direction
    {
        /// <summary>They are read.</summary>
        Read = 1,

        /// <summary>They are written.</summary>
        Write = 2,

        /// <summary>Either.</summary>
        Both = Read | Write,
    }

    /// <summary>The column of that name, or null.</summary>
    public Column this[string columnName]
    {
        get => Find(c => c.ColumnName == columnName);
        set
        {
            Contracts.CheckValue(value, nameof(value));
            if (value.ColumnName != columnName)
                throw Contracts.ExceptParam(nameof(columnName), $"The column name is specified as '{value.ColumnName}' but must match the selector '{columnName}'.");
            int index = FindIndex(c => c.ColumnName == columnName);
            if (index >= 0)
                this[index] = value;
            else
                Add(value);
        }
    }

    /// <summary>The definition that a class's members and attributes make.</summary>
    public static SchemaDefinition Create(Type userType, Direction direction = Direction.Both)
    {
        Contracts.CheckValue(userType, nameof(userType));
        var definition = new SchemaDefinition();
        var names = new HashSet<string>();
        foreach (var member in MemberMapping.GetMembers(userType, direction))
        {
            string name = member.GetCustomAttribute<ColumnNameAttribute>()?.Name ?? member.Name;
            if (!names.Add(name))
                throw Contracts.ExceptParam(nameof(userType), $"Duplicate column name '{name}' detected, this is disallowed");
            definition.Add(new Column(member.Name, MemberMapping.GetColumnType(member), name));
        }
        return definition;
    }

    /// <summary>How a member maps to a column.</summary>
    public sealed class Column
    {
        internal Column(string memberName, DataViewType columnType, string columnName)
        {
            MemberName = memberName;
            ColumnType = columnType;
            ColumnName = columnName;
        }

        /// <summary>The member.</summary>
        public string MemberName { get; }

        /// <summary>The column's name; without one it is the member's.</summary>
        public string ColumnName { get; set; }

        /// <summary>The column's type; without one it is derived from the member's.</summary>
        public DataViewType ColumnType { get; set; }

        /// <summary>The column's annotations.</summary>
        public DataViewSchema.Annotations Annotations
        {
            get
            {
                var builder = new DataViewSchema.Annotations.Builder();
                foreach (var (kind, value) in AnnotationValues)
                    builder.Add(kind, value.Type, value.CreateGetter());
                return builder.ToAnnotations();
            }
        }

        internal Dictionary<string, AnnotationValue> AnnotationValues { get; } = [];

        /// <summary>Adds an annotation.</summary>
        public void AddAnnotation<T>(string kind, T value, DataViewType annotationType)
        {
            Contracts.CheckValue(kind, nameof(kind));
            Contracts.CheckValue(annotationType, nameof(annotationType));
            if (!AnnotationValues.TryAdd(kind, AnnotationValue.Create(value, annotationType)))
                throw Contracts.Except("Column already contains an annotation of this kind.");
        }
    }
}
