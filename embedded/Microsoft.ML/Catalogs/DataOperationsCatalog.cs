using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Loading and rearranging of data. Everything is lazy: rows are made when a cursor asks.</summary>
public sealed partial class DataOperationsCatalog : IInternalCatalog
{
    private readonly IHostEnvironment _env;

    internal DataOperationsCatalog(IHostEnvironment env) => _env = env;

    IHostEnvironment IInternalCatalog.Environment => _env;

    /// <summary>A view over objects, whose public members are columns. Each cursor enumerates them anew.</summary>
    public IDataView LoadFromEnumerable<TRow>(IEnumerable<TRow> data, SchemaDefinition schemaDefinition = null) where TRow : class
    {
        _env.CheckValue(data, nameof(data));
        return new EnumerableDataView<TRow>(_env, data, schemaDefinition);
    }

    /// <summary>A view over objects with exactly the types and annotations of a schema, for whose columns there must be members.</summary>
    public IDataView LoadFromEnumerable<TRow>(IEnumerable<TRow> data, DataViewSchema schema) where TRow : class
    {
        _env.CheckValue(data, nameof(data));
        _env.CheckValue(schema, nameof(schema));
        return new EnumerableDataView<TRow>(_env, data, MemberMapping.CreateDefinition(typeof(TRow), schema, _env));
    }

    /// <summary>The rows of a view as objects, made while they are enumerated.</summary>
    /// <param name="data">The view.</param>
    /// <param name="reuseRowObject">Whether one object is filled again and again.</param>
    /// <param name="ignoreMissingColumns">Whether members without a column are left as they are, or are an error.</param>
    /// <param name="schemaDefinition">How members map to columns, if not as their attributes say.</param>
    public IEnumerable<TRow> CreateEnumerable<TRow>(IDataView data, bool reuseRowObject, bool ignoreMissingColumns = false, SchemaDefinition schemaDefinition = null) where TRow : class, new()
    {
        _env.CheckValue(data, nameof(data));
        return Enumerate(data, new ObjectBinding<TRow>(_env, data.Schema, ignoreMissingColumns, schemaDefinition), reuseRowObject);
    }

    private static IEnumerable<TRow> Enumerate<TRow>(IDataView data, ObjectBinding<TRow> binding, bool reuseRowObject) where TRow : class, new()
    {
        using var cursor = data.GetRowCursor(binding.Columns, null);
        var fill = binding.CreateFiller(cursor);
        TRow row = null;
        while (cursor.MoveNext())
        {
            if (row is null || !reuseRowObject)
                row = new TRow();
            fill(row);
            yield return row;
        }
    }
}
