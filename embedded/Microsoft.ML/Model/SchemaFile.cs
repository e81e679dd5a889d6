using Microsoft.ML.Internal.Utilities;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Writes and reads a schema: the input schema that is saved along with a model. Columns of other than standard types are left out.</summary>
internal static class SchemaFile
{
    private const int Version = 1;

    public static void Write(BinaryWriter writer, DataViewSchema schema, IChannel channel)
    {
        foreach (var column in schema.Where(c => !IsSavable(c.Type)))
            channel.Info(MessageSensitivity.Schema, $"The column '{column.Name}' will not be written as it has unsavable column type.");
        var columns = schema.Where(c => IsSavable(c.Type)).ToArray();
        channel.Check(columns.Length > 0, "No valid columns to save");
        writer.Write(Version);
        writer.Write(columns.Length);
        foreach (var column in columns)
        {
            WriteNameAndType(writer, column);
            var annotations = column.Annotations.Schema.Where(a => IsSavable(a.Type)).ToArray();
            writer.Write(annotations.Length);
            foreach (var annotation in annotations)
            {
                WriteNameAndType(writer, annotation);
                Generic.Invoke(WriteAnnotation<int>, annotation.Type.RawType, writer, column.Annotations, annotation);
            }
        }
    }

    public static DataViewSchema Read(BinaryReader reader)
    {
        int version = reader.ReadInt32();
        Contracts.CheckDecode(version == Version, $"The schema has version {version}, and this code reads version {Version}.");
        var schema = new DataViewSchema.Builder();
        for (int columns = reader.ReadInt32(); columns > 0; columns--)
        {
            string name = reader.ReadString();
            var type = DataViewTypeFile.Read(reader);
            var builder = new DataViewSchema.Annotations.Builder();
            for (int annotations = reader.ReadInt32(); annotations > 0; annotations--)
            {
                string kind = reader.ReadString();
                var annotationType = DataViewTypeFile.Read(reader);
                builder.Add(kind, annotationType, (Delegate)Generic.Invoke(ReadAnnotation<int>, annotationType.RawType, reader));
            }
            schema.AddColumn(name, type, builder.ToAnnotations());
        }
        return schema.ToSchema();
    }

    private static bool IsSavable(DataViewType type) => type.GetItemType() is KeyDataViewType || type.GetItemType().IsStandardScalar();

    private static void WriteNameAndType(BinaryWriter writer, DataViewSchema.Column column)
    {
        writer.Write(column.Name);
        DataViewTypeFile.Write(writer, column.Type);
    }

    private static void WriteAnnotation<T>(BinaryWriter writer, DataViewSchema.Annotations annotations, DataViewSchema.Column column)
    {
        T value = default;
        annotations.GetGetter<T>(column)(ref value);
        ValueFile.Write(writer, value);
    }

    private static Delegate ReadAnnotation<T>(BinaryReader reader)
    {
        var value = ValueFile.Read<T>(reader);
        return ValueFile.CreateGetter(value);
    }
}
