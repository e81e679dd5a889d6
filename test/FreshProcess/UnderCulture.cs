using System.Globalization;
using System.Security.Cryptography;
using Backbones;
using Backbones.Graphs;
using Backbones.Imaging;
using Microsoft.ML;
using Microsoft.ML.Data;

/// <summary>What is written for machines under a culture whose minus is not the hyphen, or whose decimal point is a comma: a line for each, the same under all cultures.</summary>
internal static class UnderCulture
{
    public static void Run(string culture, string model, string picture)
    {
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = new CultureInfo(culture);
        string folder = Directory.CreateTempSubdirectory("timm-culture").FullName;
        try
        {
            // Says whether the culture is a real one: without ICU it would be the invariant one under another name.
            Console.WriteLine((-1).ToString(CultureInfo.CurrentCulture).StartsWith('-') ? "hyphen" : "minus");
            foreach (string name in new[] { "test_resnet", "test_vit" })
            {
                using Backbone backbone = Backbone.Create(name, new BackboneOptions { RandomWeights = true });
                foreach (FeatureSelection selection in new[] { FeatureSelection.Pooled(), FeatureSelection.Intermediates([1], norm: true) })
                {
                    string file = Path.Combine(folder, "file");
                    backbone.ExportTorchScript(selection, file);
                    Print($"{name} TorchScript", file);
                    backbone.ExportOnnx(selection, file);
                    Print($"{name} ONNX", file);
                    backbone.SaveWeights(file, selection);
                    Print($"{name} safetensors", file);
                }
            }
            foreach (Action wrong in Wrong())
                Console.WriteLine(MessageOf(wrong));
            var context = new MLContext();
            IDataView data = context.Data.LoadFromEnumerable([new Picture { Path = picture }]);
            ITransformer loaded = context.Model.Load(model, out _);
            Print(loaded.Transform(data).GetColumn<float[]>("Features").Single());
            string again = Path.Combine(folder, "again.zip");
            context.Model.Save(loaded, data.Schema, again);
            Print(context.Model.Load(again, out _).Transform(data).GetColumn<float[]>("Features").Single());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Whose messages have negative numbers and decimals.</summary>
    private static Action[] Wrong()
    {
        var options = new BackboneOptions { RandomWeights = true };
        var b = new GraphBuilder([4, 8, 8]);
        return
        [
            () => b.Softmax(b.Input, -7),
            () => b.LayerNorm("norm", b.Input, axis: -7),
            () => b.Slice(b.Input, 1, -3, 2),
            () => b.Pad2d(b.Input, new Padding(-1, 2, -3, 4)),
            () => Backbone.Describe("test_resnet", FeatureSelection.Pyramid([-99]), options),
            () => Backbone.Describe("test_resnet", FeatureSelection.Pyramid(outputStride: -8), options),
            () => Backbone.Describe("test_vit", FeatureSelection.Intermediates([-99]), options),
            () => new ImageTransform(new ImageTransformOptions { CropPct = -1.5 }),
            () => new ImageTransform(new ImageTransformOptions { Std = [0.5, -2.5, 0] }),
            () => Backbone.Create("test_vit", options with { ConfigOverlay = config => config.WithModelArgs("""{"mlp_ratio": -0.5}""") }),
        ];
    }

    /// <summary>The first line: the second of .NET's own exceptions about arguments repeats the value, by the culture.</summary>
    private static string MessageOf(Action wrong)
    {
        try
        {
            wrong();
            return "nothing was wrong";
        }
        catch (Exception e)
        {
            return e.Message.Split('\n')[0];
        }
    }

    private static void Print(string what, string file) => Console.WriteLine($"{what} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))}");

    private static void Print(float[] features) => Console.WriteLine(string.Join(' ', features.Take(8).Select(v => v.ToString("R", CultureInfo.InvariantCulture))));
}
