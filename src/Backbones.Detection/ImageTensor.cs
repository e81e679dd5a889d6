namespace Backbones.Detection;

/// <summary>An image as torchvision's detectors take it: float values in [0, 1], red, green and blue plane after plane.</summary>
/// <param name="Values"><c>[3, Height, Width]</c>.</param>
/// <param name="Height">Number of rows.</param>
/// <param name="Width">Pixels in a row.</param>
public sealed record ImageTensor(ReadOnlyMemory<float> Values, int Height, int Width);
