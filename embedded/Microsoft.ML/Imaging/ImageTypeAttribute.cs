using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms.Image;

/// <summary>Marks a member of a row class as an image column of one size.</summary>
public sealed class ImageTypeAttribute : DataViewTypeAttribute
{
    private readonly int _height;
    private readonly int _width;

    /// <summary>An image without size. A column type can't be made of it: registering it throws, as in the real package.</summary>
    public ImageTypeAttribute()
    {
    }

    /// <summary>An image of one size.</summary>
    public ImageTypeAttribute(int height, int width)
    {
        Contracts.CheckParam(width > 0, nameof(width), "Should be positive number");
        Contracts.CheckParam(height > 0, nameof(height), "Should be positive number");
        (_height, _width) = (height, width);
    }

    /// <inheritdoc/>
    public override bool Equals(DataViewTypeAttribute other) => other is ImageTypeAttribute image && image._height == _height && image._width == _width;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_height, _width);

    /// <inheritdoc/>
    public override void Register() => DataViewTypeManager.Register(new ImageDataViewType(_height, _width), typeof(MLImage), this);
}
