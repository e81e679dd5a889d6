using Backbones;
using Backbones.Graphs;
using Backbones.Weights;

namespace TimmFeatures.Service.Backends;

/// <summary>A selection in the fields of a request: which of them it is about when it is refused.</summary>
internal static class SelectionFields
{
    /// <summary>Whether an exception says that a model does not have what was selected.</summary>
    public static bool IsRefusal(Exception e) => e is GraphException or ArgumentException or ParameterMismatchException or OverflowException;

    /// <summary>The field that says how much of the model is wanted.</summary>
    public static string Extent(FeatureSelection selection) => selection switch
    {
        NodesSelection => "nodes",
        PyramidSelection { OutIndices: not null } or IntermediatesSelection { Indices: not null } => "indices",
        _ => "kind",
    };

    /// <summary>The field at which a selection fails that a model refuses: the kind alone is tried first, then one field more each time, in the order in which they are looked at.</summary>
    public static string AtFault(Backbone backbone, FeatureSelection selection)
    {
        (string Field, FeatureSelection Selection)[] steps = selection switch
        {
            PooledSelection => [("kind", FeatureSelection.Pooled()), ("pool", selection)],
            PyramidSelection p => [("kind", FeatureSelection.Pyramid(null)), ("output_stride", FeatureSelection.Pyramid(null, p.OutputStride)), ("indices", selection)],
            IntermediatesSelection i =>
                [("kind", FeatureSelection.Intermediates(null)), ("norm", FeatureSelection.Intermediates(null, i.Norm)), ("indices", i with { OutputFormat = FeatureFormat.Nchw }), ("tokens", selection)],
            _ => [(Extent(selection), selection)],
        };
        // Where the model has all of it, its weights have not.
        return steps.FirstOrDefault(s => !Has(backbone, s.Selection)).Field ?? Extent(selection);
    }

    private static bool Has(Backbone backbone, FeatureSelection selection)
    {
        try
        {
            backbone.Select(selection);
            return true;
        }
        catch (Exception e) when (IsRefusal(e))
        {
            return false;
        }
    }
}
