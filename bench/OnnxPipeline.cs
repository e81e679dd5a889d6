using Backbones;
using Backbones.Graphs;
using Microsoft.ML;

namespace Bench;

/// <summary>What ML.NET has without us: LoadImages, ResizeImages, ExtractPixels and ApplyOnnxModel of a network that we export.</summary>
internal static class OnnxPipeline
{
    /// <summary>Exports a model's pooled features and makes the pipeline.</summary>
    /// <param name="backbone">The model.</param>
    /// <returns>Computes the features of pictures and throws them away.</returns>
    public static Action<Picture[]> Create(Backbone backbone)
    {
        string folder = Path.Combine(Repository.Artifacts, "bench"), onnx = Path.Combine(folder, $"{backbone.Name}.pooled.onnx");
        Directory.CreateDirectory(folder);
        backbone.ExportOnnx(FeatureSelection.Pooled(), onnx);
        Shape input = backbone.Graph.Inputs[0].Shape;
        var context = new MLContext();
        ITransformer pipeline = context.Transforms.LoadImages("Image", null, "Path")
            .Append(context.Transforms.ResizeImages("Image", input[2], input[1]))
            .Append(context.Transforms.ExtractPixels("x", "Image", offsetImage: 117, scaleImage: 1 / 58f))
            .Append(context.Transforms.ApplyOnnxModel("features", "x", onnx, new Dictionary<string, int[]> { ["x"] = [1, .. input], ["features"] = [1, -1] }))
            .Fit(context.Data.LoadFromEnumerable(Array.Empty<Picture>()));
        return pictures => Picture.Read(pipeline.Transform(context.Data.LoadFromEnumerable(pictures)), "features", pictures.Length);
    }
}
