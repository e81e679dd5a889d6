namespace Microsoft.ML.Data;

/// <summary>Small helpers over schemas.</summary>
internal static class SchemaExtensions
{
    public static DataViewSchema MakeSchema(IEnumerable<DataViewSchema.DetachedColumn> columns)
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(columns);
        return builder.ToSchema();
    }

    public static bool TryGetColumnIndex(this DataViewSchema schema, string name, out int col)
    {
        col = schema.GetColumnOrNull(name)?.Index ?? -1;
        return col >= 0;
    }

    /// <summary>A column name that the schema doesn't have yet: the tag itself where it is free.</summary>
    public static string GetTempColumnName(this DataViewSchema schema, string tag = null)
    {
        if (!string.IsNullOrWhiteSpace(tag) && schema.GetColumnOrNull(tag) is null)
            return tag;
        string prefix = string.IsNullOrWhiteSpace(tag) ? "temp" : "temp_" + tag;
        return Enumerable.Range(0, int.MaxValue).Select(i => $"{prefix}_{i:000}").First(name => schema.GetColumnOrNull(name) is null);
    }
}
