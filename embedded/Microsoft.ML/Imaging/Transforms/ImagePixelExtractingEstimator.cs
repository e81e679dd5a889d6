using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms.Image;

/// <summary>Turns images of one size into vectors of their pixels. Has nothing to learn.</summary>
public sealed class ImagePixelExtractingEstimator : TrivialEstimator<ImagePixelExtractingTransformer>
{
    internal ImagePixelExtractingEstimator(IHostEnvironment env, params ColumnOptions[] columns)
        : base(Contracts.CheckRef(env, nameof(env)).Register(nameof(ImagePixelExtractingEstimator)), new ImagePixelExtractingTransformer(env, columns))
    {
    }

    /// <summary>Channels of a pixel.</summary>
    [Flags]
    public enum ColorBits : byte
    {
        /// <summary>Alpha.</summary>
        Alpha = 0x01,

        /// <summary>Red.</summary>
        Red = 0x02,

        /// <summary>Green.</summary>
        Green = 0x04,

        /// <summary>Blue.</summary>
        Blue = 0x08,

        /// <summary>Red, green and blue.</summary>
        Rgb = Red | Green | Blue,

        /// <summary>All four.</summary>
        All = Alpha | Red | Green | Blue,
    }

    /// <summary>Order of channels; those that aren't taken are left out.</summary>
    public enum ColorsOrder : byte
    {
        /// <summary>Alpha, red, green, blue.</summary>
        ARGB = 1,

        /// <summary>Alpha, red, blue, green.</summary>
        ARBG = 2,

        /// <summary>Alpha, blue, red, green.</summary>
        ABRG = 3,

        /// <summary>Alpha, blue, green, red.</summary>
        ABGR = 4,

        /// <summary>Alpha, green, red, blue.</summary>
        AGRB = 5,

        /// <summary>Alpha, green, blue, red.</summary>
        AGBR = 6,
    }

    /// <inheritdoc/>
    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        Host.CheckValue(inputSchema, nameof(inputSchema));
        var result = inputSchema.ToDictionary(column => column.Name);
        foreach (ColumnOptions column in Transformer.Columns)
        {
            ImageColumns.CheckIsImage(Host, inputSchema, column.InputColumnName);
            result[column.Name] = new SchemaShape.Column(column.Name, SchemaShape.Column.VectorKind.Vector, column.ItemType, isKey: false);
        }

        return new SchemaShape(result.Values);
    }

    internal static class Defaults
    {
        public const ColorsOrder Order = ColorsOrder.ARGB;
        public const ColorBits Colors = ColorBits.Rgb;
        public const bool Convert = true;
        public const float Scale = 1f;
        public const float Offset = 0f;
    }

    /// <summary>What is done with one column.</summary>
    internal sealed class ColumnOptions
    {
        public readonly string Name;
        public readonly string InputColumnName;
        public readonly ColorBits ColorsToExtract;
        public readonly ColorsOrder OrderOfExtraction;
        public readonly bool InterleavePixelColors;
        public readonly float OffsetImage;
        public readonly float ScaleImage;
        public readonly bool OutputAsFloatArray;

        public ColumnOptions(
            string name, string inputColumnName, ColorBits colors, ColorsOrder order, bool interleave, float offset, float scale, bool asFloats)
        {
            Contracts.CheckNonWhiteSpace(name, nameof(name));
            (Name, InputColumnName) = (name, inputColumnName ?? name);
            (ColorsToExtract, OrderOfExtraction, InterleavePixelColors, OutputAsFloatArray) = (colors, order, interleave, asFloats);
            (OffsetImage, ScaleImage) = asFloats ? (offset, scale) : (Defaults.Offset, Defaults.Scale);
            Contracts.CheckParam((colors & ColorBits.All) != 0, "colorsToExtract", "Need to use at least one color plane.");
            Contracts.CheckParam(Enum.IsDefined(order), "orderOfExtraction");
            Contracts.CheckParam(float.IsFinite(OffsetImage), "offsetImage");
            Contracts.CheckParam(float.IsFinite(ScaleImage) && ScaleImage != 0, "scaleImage");
        }

        public PrimitiveDataViewType ItemType => OutputAsFloatArray ? NumberDataViewType.Single : NumberDataViewType.Byte;

        /// <summary>The channels taken, in their order.</summary>
        public ColorBits[] Channels => [.. OrderOfExtraction.ToString()
            .Select(letter => letter switch { 'A' => ColorBits.Alpha, 'R' => ColorBits.Red, 'G' => ColorBits.Green, _ => ColorBits.Blue })
            .Where(channel => (ColorsToExtract & channel) != 0)];
    }
}
