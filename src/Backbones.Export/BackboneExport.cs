using System.Globalization;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Imaging;
using Backbones.Onnx;
using Backbones.TorchScript;
using Backbones.Weights;

namespace Backbones;

/// <summary>Selected features of a backbone as files for other runtimes.</summary>
public static class BackboneExport
{
    /// <summary>Writes a selection as an ONNX file (opset 17, float32, batch of any size), replacing an existing one.</summary>
    /// <remarks>
    /// The input is <c>x</c> <c>[N, C, H, W]</c>, normalised; the outputs have the selection's names. The file's metadata_props say how to make
    /// such an input from a picture: <c>input_size</c>, <c>interpolation</c>, <c>crop_pct</c>, <c>crop_mode</c>, <c>mean</c>, <c>std</c> as in timm's
    /// config; and what the file is: <c>model</c>, <c>selection</c> (JSON).
    /// </remarks>
    /// <param name="backbone">The backbone with its weights.</param>
    /// <param name="selection">What is wanted.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="ArgumentException">Two of the selection's outputs have the same name, or one is called <c>x</c> as the input.</exception>
    /// <exception cref="NotSupportedException">The file would be over the 2 GB that protobuf can hold.</exception>
    /// <exception cref="ParameterMismatchException">The weights lack what the selection needs.</exception>
    public static void ExportOnnx(this Backbone backbone, FeatureSelection selection, string path)
        => OnnxExporter.Export(backbone.Select(selection), backbone.Parameters, path, new OnnxExportOptions { Name = backbone.Name, Metadata = ExportMetadata.Of(backbone, selection) });

    /// <summary>The same for what was selected before, and perhaps extended by a neck or a head; the metadata have no <c>selection</c> then.</summary>
    /// <param name="backbone">The backbone.</param>
    /// <param name="selected">What is wanted.</param>
    /// <param name="path">The file.</param>
    /// <param name="parameters">Weights of all of the graph; null for the backbone's, where nothing was added that has weights.</param>
    /// <exception cref="ArgumentException">Two outputs have the same name, or one is called <c>x</c> as the input.</exception>
    /// <exception cref="NotSupportedException">The file would be over the 2 GB that protobuf can hold.</exception>
    /// <exception cref="ParameterMismatchException">The weights lack what the selection needs.</exception>
    public static void ExportOnnx(this Backbone backbone, SelectedFeatures selected, string path, IParameterSource? parameters = null)
        => OnnxExporter.Export(selected, parameters ?? backbone.Parameters, path, new OnnxExportOptions { Name = backbone.Name, Metadata = ExportMetadata.Of(backbone) });

    /// <summary>Writes a selection as a TorchScript file, which <c>torch.jit.load</c> opens in Python and C++ (PyTorch 2.1 or later), replacing an existing one.</summary>
    /// <remarks>
    /// The input is <c>x</c> <c>[N, C, H, W]</c>, normalised, of any batch size; the result is a tensor, or a list of tensors where the selection has
    /// several outputs. The archive's extra files have the same entries as an ONNX file's metadata_props, and <c>outputs</c>: the outputs' names
    /// as a JSON array. Weights are under timm's keys, with batch normalisations folded into the convolutions before them.
    /// </remarks>
    /// <param name="backbone">The backbone with its weights.</param>
    /// <param name="selection">What is wanted.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="ParameterMismatchException">The weights lack what the selection needs.</exception>
    public static void ExportTorchScript(this Backbone backbone, FeatureSelection selection, string path)
        => TorchScriptExporter.Export(backbone.Select(selection), backbone.Parameters, path, new TorchScriptExportOptions { Name = backbone.Name, Metadata = ExportMetadata.Of(backbone, selection) });

    /// <summary>The same for what was selected before, and perhaps extended by a neck or a head; the extra files have no <c>selection</c> then.</summary>
    /// <param name="backbone">The backbone.</param>
    /// <param name="selected">What is wanted.</param>
    /// <param name="path">The file.</param>
    /// <param name="parameters">Weights of all of the graph; null for the backbone's, where nothing was added that has weights.</param>
    /// <exception cref="ParameterMismatchException">The weights lack what the selection needs.</exception>
    public static void ExportTorchScript(this Backbone backbone, SelectedFeatures selected, string path, IParameterSource? parameters = null)
        => TorchScriptExporter.Export(selected, parameters ?? backbone.Parameters, path, new TorchScriptExportOptions { Name = backbone.Name, Metadata = ExportMetadata.Of(backbone) });
}

/// <summary>What an exported backbone says about itself, under timm's config names.</summary>
internal static class ExportMetadata
{
    public static IReadOnlyDictionary<string, string> Of(Backbone backbone, FeatureSelection? selection = null)
    {
        ImageTransformOptions transform = backbone.TransformOptions;
        var metadata = new Dictionary<string, string>
        {
            ["model"] = backbone.Name,
            ["input_size"] = JsonSerializer.Serialize((int[])[transform.Channels, transform.Height, transform.Width]),
            ["interpolation"] = transform.Interpolation.ToString().ToLowerInvariant(),
            ["crop_pct"] = transform.CropPct.ToString(CultureInfo.InvariantCulture),
            ["crop_mode"] = transform.CropMode.ToString().ToLowerInvariant(),
            ["mean"] = JsonSerializer.Serialize(transform.Mean),
            ["std"] = JsonSerializer.Serialize(transform.Std),
        };
        if (selection is not null)
            metadata["selection"] = JsonSerializer.Serialize(selection);
        return metadata;
    }
}
