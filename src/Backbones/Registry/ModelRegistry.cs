using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Registry;

/// <summary>From timm's names to what can be built here.</summary>
public static class ModelRegistry
{
    /// <summary>The builder of an architecture.</summary>
    /// <param name="architecture">Name without tag, such as <see cref="PretrainedConfig.Architecture"/>.</param>
    /// <exception cref="UnknownModelException">There is none; the message says whether timm has the model, and what is near.</exception>
    public static ModelEntry Find(string architecture)
    {
        if (ModelCatalog.Contains(architecture))
        {
            return ModelCatalog.Find(architecture);
        }
        string problem = ModelNames.IsArchitecture(architecture)
            ? $"'{architecture}' is a model of timm's {ModelNames.ModuleOf(architecture)} that is not supported here yet."
            : $"Unknown model '{architecture}'.";
        throw new UnknownModelException(architecture, problem, NearestName.Find(architecture, ModelCatalog.Names));
    }
}
