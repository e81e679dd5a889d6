namespace TorchSharp.Modules;

/// <summary>GELU's two forms.</summary>
public static class GELU
{
    public enum Approximate
    {
        none,
        tanh,
    }
}
