using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;
using Microsoft.ML.Transforms.Onnx;

namespace Bench;

/// <summary>ML.NET's LoadImages, ResizeImages, ExtractPixels and DnnFeaturizeImage with the ResNet-18 of its package.</summary>
/// <remarks>The package's 64 MB are nothing that every build should restore: its library is loaded from where the package lies.</remarks>
internal static class DnnFeaturizerPipeline
{
    private delegate EstimatorChain<ColumnCopyingTransformer> ResNet18(DnnImageModelSelector models, IHostEnvironment environment, string output, string input, string folder);

    /// <summary>Makes the pipeline.</summary>
    /// <param name="package">The package's folder as NuGet restores it.</param>
    /// <returns>Computes the features of pictures and throws them away.</returns>
    public static Action<Picture[]> Create(string package)
    {
        Type extensions = Assembly.LoadFrom(Path.Combine(package, "lib", "netstandard2.0", "Microsoft.ML.DnnImageFeaturizer.ResNet18.dll")).GetType("Microsoft.ML.ResNet18Extension", throwOnError: true)!;
        ResNet18 resNet18 = extensions.GetMethod(nameof(ResNet18), [.. typeof(ResNet18).GetMethod("Invoke")!.GetParameters().Select(p => p.ParameterType)])!.CreateDelegate<ResNet18>();
        string models = Path.Combine(package, "tools", "DnnImageModels");
        var context = new MLContext();
        ITransformer pipeline = context.Transforms.LoadImages("Image", null, "Path")
            .Append(context.Transforms.ResizeImages("Image", 224, 224))
            .Append(context.Transforms.ExtractPixels("Pixels", "Image"))
            .Append(context.Transforms.DnnFeaturizeImage("Features", m => resNet18(m.ModelSelector, context, m.OutputColumn, m.InputColumn, models), "Pixels"))
            .Fit(context.Data.LoadFromEnumerable(Array.Empty<Picture>()));
        return pictures => Picture.Read(pipeline.Transform(context.Data.LoadFromEnumerable(pictures)), "Features", pictures.Length);
    }
}
