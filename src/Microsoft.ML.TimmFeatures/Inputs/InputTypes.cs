using Backbones.Graphs;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.TimmFeatures.Inputs;

/// <summary>What an input column can hold.</summary>
internal enum InputKind
{
    Unsupported,
    /// <summary>Decoded images.</summary>
    Image,
    /// <summary>Paths of image files.</summary>
    Path,
    /// <summary>Encoded images (JPEG, PNG, BMP, GIF, WebP).</summary>
    Bytes,
    /// <summary>Normalised tensors <c>[C, H, W]</c>.</summary>
    Tensor,
}

/// <summary>Which column types can be featurized.</summary>
internal static class InputTypes
{
    public static InputKind KindOf(DataViewType type) => type switch
    {
        ImageDataViewType => InputKind.Image,
        TextDataViewType => InputKind.Path,
        VectorDataViewType { ItemType: var item } when item == NumberDataViewType.Byte => InputKind.Bytes,
        VectorDataViewType { ItemType: var item } when item == NumberDataViewType.Single => InputKind.Tensor,
        _ => InputKind.Unsupported,
    };

    /// <summary>An input column of data.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is missing or has a type that cannot be featurized.</exception>
    public static DataViewSchema.Column Find(DataViewSchema schema, string name)
    {
        DataViewSchema.Column column = schema.GetColumnOrNull(name) ?? throw Missing(name, schema.Where(c => !c.IsHidden).Select(c => c.Name));
        return KindOf(column.Type) != InputKind.Unsupported ? column : throw Wrong(name, column.Type);
    }

    /// <summary>Makes sure that a tensor column of known size has the model's size.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It has another.</exception>
    public static void CheckSize(DataViewSchema.Column column, Shape input, string model)
    {
        if (KindOf(column.Type) == InputKind.Tensor && column.Type is VectorDataViewType { Size: > 0 } vector && vector.Size != input.Length)
            throw new ArgumentOutOfRangeException("inputSchema", $"Input column '{column.Name}' has {vector.Size} values; '{model}' takes normalised tensors {input}, {input.Length} values.");
    }

    /// <summary>Makes sure that a promised schema has an input column that can be featurized.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It has not.</exception>
    public static void Check(SchemaShape schema, string name)
    {
        foreach (SchemaShape.Column column in schema)
        {
            if (column.Name != name)
                continue;
            if (KindOf(column) == InputKind.Unsupported)
                throw Wrong(name, column.Kind == SchemaShape.Column.VectorKind.Scalar ? column.ItemType : $"{column.Kind}<{column.ItemType}>");
            return;
        }
        throw Missing(name, schema.Select(c => c.Name));
    }

    public static ArgumentOutOfRangeException Wrong(string column, object type)
        => new("inputSchema", $"Input column '{column}' has type {type}. Valid are images (MLImage), text (paths), Vector<Byte> (encoded images) and Vector<Single> (normalised tensors).");

    private static InputKind KindOf(SchemaShape.Column column) => column.Kind switch
    {
        SchemaShape.Column.VectorKind.Scalar when column.ItemType is ImageDataViewType => InputKind.Image,
        SchemaShape.Column.VectorKind.Scalar when column.ItemType == TextDataViewType.Instance => InputKind.Path,
        not SchemaShape.Column.VectorKind.Scalar when column.ItemType == NumberDataViewType.Byte && !column.IsKey => InputKind.Bytes,
        not SchemaShape.Column.VectorKind.Scalar when column.ItemType == NumberDataViewType.Single => InputKind.Tensor,
        _ => InputKind.Unsupported,
    };

    private static ArgumentOutOfRangeException Missing(string name, IEnumerable<string> columns)
        => new("inputSchema", $"There is no input column '{name}'. The data has {string.Join(", ", columns.Select(c => $"'{c}'"))}.");
}
