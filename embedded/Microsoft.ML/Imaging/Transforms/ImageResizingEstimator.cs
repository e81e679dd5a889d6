using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms.Image;

/// <summary>Brings images to one size. Has nothing to learn.</summary>
public sealed class ImageResizingEstimator : TrivialEstimator<ImageResizingTransformer>
{
    internal ImageResizingEstimator(IHostEnvironment env, params ColumnOptions[] columns)
        : base(Contracts.CheckRef(env, nameof(env)).Register(nameof(ImageResizingEstimator)), new ImageResizingTransformer(env, columns))
    {
    }

    /// <summary>How an image of other proportions is fitted.</summary>
    public enum ResizingKind : byte
    {
        /// <summary>Proportions are kept, what is left over is padded.</summary>
        IsoPad = 0,

        /// <summary>Proportions are kept, what is too much is cropped.</summary>
        IsoCrop = 1,

        /// <summary>The image is squeezed or stretched.</summary>
        Fill = 2,
    }

    /// <summary>Which part of an image is kept where it is cropped.</summary>
    public enum Anchor : byte
    {
        /// <summary>The right side.</summary>
        Right = 0,

        /// <summary>The left side.</summary>
        Left = 1,

        /// <summary>The top.</summary>
        Top = 2,

        /// <summary>The bottom.</summary>
        Bottom = 3,

        /// <summary>The centre.</summary>
        Center = 4,
    }

    /// <inheritdoc/>
    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        Host.CheckValue(inputSchema, nameof(inputSchema));
        var result = inputSchema.ToDictionary(column => column.Name);
        foreach (ColumnOptions column in Transformer.Columns)
        {
            ImageColumns.CheckIsImage(Host, inputSchema, column.InputColumnName);
            result[column.Name] = new SchemaShape.Column(column.Name, SchemaShape.Column.VectorKind.Scalar, column.Type, isKey: false);
        }

        return new SchemaShape(result.Values);
    }

    /// <summary>What is done with one column.</summary>
    internal sealed class ColumnOptions
    {
        public readonly string Name;
        public readonly string InputColumnName;
        public readonly int ImageWidth;
        public readonly int ImageHeight;
        public readonly ResizingKind Resizing;
        public readonly Anchor Anchor;

        public ColumnOptions(string name, int imageWidth, int imageHeight, string inputColumnName, ResizingKind resizing, Anchor anchor)
        {
            Contracts.CheckNonEmpty(name, nameof(name));
            Contracts.CheckUserArg(imageWidth > 0, nameof(imageWidth));
            Contracts.CheckUserArg(imageHeight > 0, nameof(imageHeight));
            Contracts.CheckUserArg(Enum.IsDefined(resizing), nameof(resizing));
            Contracts.CheckUserArg(Enum.IsDefined(anchor), nameof(anchor));
            (Name, InputColumnName, ImageWidth, ImageHeight, Resizing, Anchor) = (name, inputColumnName ?? name, imageWidth, imageHeight, resizing, anchor);
            Type = new ImageDataViewType(imageHeight, imageWidth);
        }

        public ImageDataViewType Type { get; }
    }
}
