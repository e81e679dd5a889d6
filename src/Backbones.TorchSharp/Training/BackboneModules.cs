using Backbones.Graphs;

namespace Backbones.Engines.Torch;

/// <summary>Backbones as trainable modules.</summary>
public static class BackboneModules
{
    /// <summary>A selection of the backbone as a <see cref="GraphModule"/> with a copy of its weights.</summary>
    /// <param name="backbone">The backbone.</param>
    /// <param name="selection">What the module gives back; null for the logits.</param>
    /// <param name="batchNormMomentum">Share of the batch in the running statistics.</param>
    /// <exception cref="Weights.ParameterMismatchException">The weights lack what the selection needs.</exception>
    /// <exception cref="TorchSharpUnavailableException">TorchSharp's native package is not there.</exception>
    public static GraphModule ToModule(this Backbone backbone, FeatureSelection? selection = null, double batchNormMomentum = 0.1)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        Graph graph = backbone.Select(selection ?? FeatureSelection.Logits).Graph;
        backbone.Parameters.EnsureHas(graph.Parameters);
        return new GraphModule(backbone.Name, graph, backbone.Parameters, batchNormMomentum);
    }

    /// <summary>
    /// What was selected from the backbone and extended by a neck or head (<see cref="SelectedFeatures.Extend"/>), as one module with a copy of the
    /// backbone's weights. What was added begins as PyTorch's layers do, from torch's random numbers.
    /// </summary>
    /// <param name="backbone">The backbone.</param>
    /// <param name="selected">Made by the backbone's <see cref="Backbone.Select(FeatureSelection)"/>.</param>
    /// <param name="batchNormMomentum">Share of the batch in the running statistics.</param>
    /// <exception cref="ArgumentException">An added parameter has no usual initial value.</exception>
    /// <exception cref="Weights.ParameterMismatchException">The backbone's weights lack what the selection needs.</exception>
    /// <exception cref="TorchSharpUnavailableException">TorchSharp's native package is not there.</exception>
    public static GraphModule ToModule(this Backbone backbone, SelectedFeatures selected, double batchNormMomentum = 0.1)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        ArgumentNullException.ThrowIfNull(selected);
        var parameters = new InitialParameters(selected, backbone.Parameters);
        backbone.Parameters.EnsureHas(parameters.Trained);
        return new GraphModule(backbone.Name, selected.Graph, parameters, batchNormMomentum);
    }
}
