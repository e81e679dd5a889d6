namespace Backbones.Engines.Torch;

/// <summary>Backbones as trainable modules.</summary>
public static class BackboneModules
{
    /// <summary>A selection of the backbone as a <see cref="GraphModule"/> with a copy of its weights.</summary>
    /// <param name="backbone">The backbone.</param>
    /// <param name="selection">What the module gives back; null for the logits.</param>
    /// <param name="batchNormMomentum">Share of the batch in the running statistics.</param>
    /// <exception cref="TorchSharpUnavailableException">TorchSharp's native package is not there.</exception>
    public static GraphModule ToModule(this Backbone backbone, FeatureSelection? selection = null, double batchNormMomentum = 0.1)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        return new GraphModule(backbone.Name, backbone.Select(selection ?? FeatureSelection.Logits).Graph, backbone.Parameters, batchNormMomentum);
    }
}
