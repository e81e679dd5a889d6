namespace Backbones.Engines.Torch;

/// <summary>The device asked for is not there: no native package, no CUDA, or no GPU of that number. The message says what was asked and what would be valid.</summary>
public sealed class TorchSharpUnavailableException : InvalidOperationException
{
    /// <summary>With a message.</summary>
    public TorchSharpUnavailableException(string message) : base(message)
    {
    }

    /// <summary>With a message and its cause.</summary>
    public TorchSharpUnavailableException(string message, Exception? inner) : base(message, inner)
    {
    }
}
