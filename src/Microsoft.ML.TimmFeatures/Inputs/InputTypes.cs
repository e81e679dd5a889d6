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
    /// <summary>Encoded images (JPEG, PNG, BMP).</summary>
    Bytes,
    /// <summary>Normalised tensors <c>[C, H, W]</c>.</summary>
    Tensor,
}

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

    public static InputKind KindOf(SchemaShape.Column column) => column.Kind switch
    {
        SchemaShape.Column.VectorKind.Scalar when column.ItemType is ImageDataViewType => InputKind.Image,
        SchemaShape.Column.VectorKind.Scalar when column.ItemType == TextDataViewType.Instance => InputKind.Path,
        not SchemaShape.Column.VectorKind.Scalar when column.ItemType == NumberDataViewType.Byte && !column.IsKey => InputKind.Bytes,
        not SchemaShape.Column.VectorKind.Scalar when column.ItemType == NumberDataViewType.Single => InputKind.Tensor,
        _ => InputKind.Unsupported,
    };

    public static ArgumentException Wrong(string column, object type)
        => new($"Input column '{column}' has type {type}. Valid are images (MLImage), text (paths), Vector<Byte> (encoded images) and Vector<Single> (normalised tensors).");
}
