using System.Reflection;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.TimmFeatures;

/// <summary>The environment behind a catalog: ML.NET keeps it internal, and log messages go through it.</summary>
internal static class EnvironmentAccess
{
    /// <summary>The catalog's environment; null where this version of ML.NET hides it otherwise (then there are no log messages).</summary>
    public static IHostEnvironment? Of(TransformsCatalog catalog) => catalog.GetType()
        .GetInterfaces().FirstOrDefault(i => i.Name == "IInternalCatalog")?
        .GetProperty("Environment", BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)?
        .GetValue(catalog) as IHostEnvironment;
}
