namespace TorchSharp;

/// <summary>Kinds of devices; the CPU alone is there.</summary>
public enum DeviceType
{
    CPU = 0,
    CUDA = 1,
}

/// <summary>How a border is filled.</summary>
public enum PaddingModes
{
    Zeros = 0,
    Reflect = 1,
    Replicate = 2,
    Circular = 3,
    Constant = 4,
}

/// <summary>A number as an operator's argument; a native object in TorchSharp, so it is disposed.</summary>
public sealed class Scalar : IDisposable
{
    private Scalar(float value) => Value = value;

    internal float Value { get; }

    public static implicit operator Scalar(float value) => new(value);

    public void Dispose()
    {
    }
}
