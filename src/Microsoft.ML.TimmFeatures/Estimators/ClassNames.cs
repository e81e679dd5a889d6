using System.Collections.Immutable;
using Backbones.Registry;

namespace Microsoft.ML.TimmFeatures;

/// <summary>What a model's classes are called.</summary>
internal static class ClassNames
{
    /// <summary>The names in the order of the class scores; null where nobody knows them.</summary>
    public static ImmutableArray<string>? Of(PretrainedConfig config) => config.LabelNames.IsDefaultOrEmpty ? null : config.LabelNames;
}
