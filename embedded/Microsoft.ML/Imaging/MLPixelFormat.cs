namespace Microsoft.ML.Data;

/// <summary>How the bytes of a pixel follow each other.</summary>
public enum MLPixelFormat
{
    /// <summary>Not known.</summary>
    Unknown,

    /// <summary>Four bytes a pixel: blue, green, red, alpha.</summary>
    Bgra32,

    /// <summary>Four bytes a pixel: red, green, blue, alpha.</summary>
    Rgba32,
}
