using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace Microsoft.ML;

/// <summary>Mappings and filters written by the user.</summary>
public static class CustomMappingCatalog
{
    /// <summary>Adds the columns that a function makes of other columns, both given as objects. May be called from several threads.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="mapAction">Reads its first argument's members and sets its second's.</param>
    /// <param name="contractName">Name under which a loaded model finds the function again (see <see cref="CustomMappingFactoryAttributeAttribute"/>); null if it isn't to be saved.</param>
    /// <param name="inputSchemaDefinition">How members of <typeparamref name="TSrc"/> map to columns, if not as their attributes say.</param>
    /// <param name="outputSchemaDefinition">How members of <typeparamref name="TDst"/> map to columns, if not as their attributes say.</param>
    public static CustomMappingEstimator<TSrc, TDst> CustomMapping<TSrc, TDst>(this TransformsCatalog catalog, Action<TSrc, TDst> mapAction, string contractName,
        SchemaDefinition inputSchemaDefinition = null, SchemaDefinition outputSchemaDefinition = null)
        where TSrc : class, new()
        where TDst : class, new()
        => new(catalog.GetEnvironment(), mapAction, contractName, inputSchemaDefinition, outputSchemaDefinition);

    /// <summary>Drops the rows for which the predicate is true.</summary>
    public static IDataView FilterByCustomPredicate<TSrc>(this DataOperationsCatalog catalog, IDataView input, Func<TSrc, bool> filterPredicate)
        where TSrc : class, new()
        => new PredicateFilter<TSrc>(catalog.GetEnvironment(), input, filterPredicate);
}
