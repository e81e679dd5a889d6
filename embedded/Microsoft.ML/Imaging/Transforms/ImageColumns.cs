using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms.Image;

/// <summary>Checks that image estimators and transformers share.</summary>
internal static class ImageColumns
{
    /// <summary>Throws where the column is missing or holds no images.</summary>
    public static void CheckIsImage(IExceptionContext context, SchemaShape inputSchema, string name)
    {
        if (!inputSchema.TryFindColumn(name, out var column))
        {
            throw context.ExceptSchemaMismatch(nameof(inputSchema), "input", name);
        }

        if (column.ItemType is not ImageDataViewType || column.Kind != SchemaShape.Column.VectorKind.Scalar)
        {
            throw context.ExceptSchemaMismatch(nameof(inputSchema), "input", name, new ImageDataViewType().ToString(), column.GetTypeString());
        }
    }

    /// <summary>Throws where the column holds no images.</summary>
    public static ImageDataViewType CheckIsImage(IExceptionContext context, DataViewSchema.Column column) =>
        column.Type as ImageDataViewType ?? throw context.ExceptSchemaMismatch("inputSchema", "input", column.Name, "image", column.Type.ToString());
}
