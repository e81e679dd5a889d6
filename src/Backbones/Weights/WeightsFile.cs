namespace Backbones.Weights;

/// <summary>Opens a weights file by its kind.</summary>
public static class WeightsFile
{
    /// <summary>The tensors of a safetensors file.</summary>
    /// <exception cref="WeightsFormatException">The file is malformed or of another kind.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static ParameterStore Open(string path) => ParameterStore.FromSafetensors(SafetensorsFile.Open(path));
}
