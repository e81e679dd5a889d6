using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Gives the extension methods that fill the catalogs their environment.</summary>
internal static class CatalogUtils
{
    public static IHostEnvironment GetEnvironment(this IInternalCatalog catalog) => Contracts.CheckRef(catalog, nameof(catalog)).Environment;
}

/// <summary>A catalog that has an environment.</summary>
internal interface IInternalCatalog
{
    IHostEnvironment Environment { get; }
}
