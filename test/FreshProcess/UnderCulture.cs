using System.Globalization;
using System.Security.Cryptography;
using Backbones;
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

    private static void Print(string what, string file) => Console.WriteLine($"{what} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))}");

    private static void Print(float[] features) => Console.WriteLine(string.Join(' ', features.Take(8).Select(v => v.ToString("R", CultureInfo.InvariantCulture))));
}
