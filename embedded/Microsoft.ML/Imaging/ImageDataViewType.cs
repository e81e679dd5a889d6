using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms.Image;

/// <summary>The type of columns of <see cref="MLImage"/>, of one size or of any.</summary>
public sealed class ImageDataViewType : StructuredDataViewType
{
    /// <summary>Rows of every image, or 0.</summary>
    public readonly int Height;

    /// <summary>Pixels in a row of every image, or 0.</summary>
    public readonly int Width;

    /// <summary>Images of any size.</summary>
    public ImageDataViewType() : base(typeof(MLImage))
    {
    }

    /// <summary>Images of one size.</summary>
    public ImageDataViewType(int height, int width) : base(typeof(MLImage))
    {
        Contracts.CheckParam(height > 0, nameof(height), "Must be positive.");
        Contracts.CheckParam(width > 0, nameof(width), "Must be positive.");
        Contracts.CheckParam((long)height * width <= int.MaxValue / 4, nameof(height), $"{nameof(height)} * {nameof(width)} is too large.");
        (Height, Width) = (height, width);
    }

    /// <inheritdoc/>
    public override bool Equals(DataViewType other) => other is ImageDataViewType image && image.Height == Height && image.Width == Width;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Height, Width);

    /// <inheritdoc/>
    public override string ToString() => Height == 0 && Width == 0 ? "Image" : $"Image<{Height}, {Width}>";
}
