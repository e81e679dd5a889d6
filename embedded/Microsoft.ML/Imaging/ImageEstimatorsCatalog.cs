using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML;

/// <summary>The image estimators of the transforms catalog.</summary>
public static class ImageEstimatorsCatalog
{
    /// <summary>Loads the files that a text column names as a column of <see cref="MLImage"/>.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="outputColumnName">Name of the new column.</param>
    /// <param name="imageFolder">The folder that the paths are relative to; null or empty: they are complete.</param>
    /// <param name="inputColumnName">Name of the column of paths; null: the same as the new one.</param>
    public static ImageLoadingEstimator LoadImages(this TransformsCatalog catalog, string outputColumnName, string imageFolder, string inputColumnName = null)
        => new(catalog.GetEnvironment(), imageFolder, asImages: true, (outputColumnName, inputColumnName ?? outputColumnName));

    /// <summary>Loads the files that a text column names as a column of their bytes.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="outputColumnName">Name of the new column, a vector of bytes of variable size.</param>
    /// <param name="imageFolder">The folder that the paths are relative to; null or empty: they are complete.</param>
    /// <param name="inputColumnName">Name of the column of paths; null: the same as the new one.</param>
    public static ImageLoadingEstimator LoadRawImageBytes(this TransformsCatalog catalog, string outputColumnName, string imageFolder, string inputColumnName = null)
        => new(catalog.GetEnvironment(), imageFolder, asImages: false, (outputColumnName, inputColumnName ?? outputColumnName));

    /// <summary>Brings images to one size.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="outputColumnName">Name of the new column.</param>
    /// <param name="imageWidth">Pixels in a row of the resized images.</param>
    /// <param name="imageHeight">Rows of the resized images.</param>
    /// <param name="inputColumnName">Name of the column of images; null: the same as the new one.</param>
    /// <param name="resizing">How other proportions are fitted.</param>
    /// <param name="cropAnchor">Which part is kept where the image is cropped.</param>
    public static ImageResizingEstimator ResizeImages(
        this TransformsCatalog catalog,
        string outputColumnName,
        int imageWidth,
        int imageHeight,
        string inputColumnName = null,
        ImageResizingEstimator.ResizingKind resizing = ImageResizingEstimator.ResizingKind.IsoCrop,
        ImageResizingEstimator.Anchor cropAnchor = ImageResizingEstimator.Anchor.Center)
        => new(catalog.GetEnvironment(), new ImageResizingEstimator.ColumnOptions(outputColumnName, imageWidth, imageHeight, inputColumnName, resizing, cropAnchor));

    /// <summary>Turns images of one size into vectors of their pixels.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="outputColumnName">Name of the new column: a vector [channels, height, width], or [height, width, channels] if interleaved.</param>
    /// <param name="inputColumnName">Name of the column of images; null: the same as the new one.</param>
    /// <param name="colorsToExtract">The channels that are taken.</param>
    /// <param name="orderOfExtraction">Their order.</param>
    /// <param name="interleavePixelColors">Whether the channels of a pixel stay together.</param>
    /// <param name="offsetImage">Is subtracted from every value, before scaling.</param>
    /// <param name="scaleImage">Every value is multiplied by it.</param>
    /// <param name="outputAsFloatArray">Whether values are Single; otherwise they are bytes, and offset and scale don't count.</param>
    public static ImagePixelExtractingEstimator ExtractPixels(
        this TransformsCatalog catalog,
        string outputColumnName,
        string inputColumnName = null,
        ImagePixelExtractingEstimator.ColorBits colorsToExtract = ImagePixelExtractingEstimator.Defaults.Colors,
        ImagePixelExtractingEstimator.ColorsOrder orderOfExtraction = ImagePixelExtractingEstimator.Defaults.Order,
        bool interleavePixelColors = false,
        float offsetImage = ImagePixelExtractingEstimator.Defaults.Offset,
        float scaleImage = ImagePixelExtractingEstimator.Defaults.Scale,
        bool outputAsFloatArray = ImagePixelExtractingEstimator.Defaults.Convert)
        => new(catalog.GetEnvironment(), new ImagePixelExtractingEstimator.ColumnOptions(
            outputColumnName, inputColumnName, colorsToExtract, orderOfExtraction, interleavePixelColors, offsetImage, scaleImage, outputAsFloatArray));
}
