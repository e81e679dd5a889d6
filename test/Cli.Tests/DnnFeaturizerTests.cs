using Backbones;
using Backbones.Imaging;
using Microsoft.ML.OnnxRuntime;
using Samples.Tests;
using TimmFeatures.Cli.Conversion;

namespace TimmFeatures.Cli.Tests;

/// <summary>The pretrained network of ML.NET's DnnFeaturizeImage, out of its NuGet package.</summary>
[TestClass]
public sealed class DnnFeaturizerTests
{
    private const string Version = "0.23.1";

    /// <summary>
    /// Downloads 64 MB, therefore a part of <c>./test.sh --all</c> alone. Of pictures, from the file to the features: the original's two files in ONNX Runtime get the pixels that the transform makes.
    /// </summary>
    [TestMethod]
    [TestCategory("Slow")]
    public void The_converted_network_has_the_originals_features()
    {
        using var folder = new TemporaryFolder();
        (int exitCode, string output) = DotNet.TryRun(Tool.Root, "package", "download", $"{DnnFeaturizerNetwork.PackageId}@{Version}", "--output", folder["packages"]);
        if (exitCode != 0 && output.Contains(DnnFeaturizerNetwork.PackageId))
            Assert.Inconclusive($"The package feeds lack {DnnFeaturizerNetwork.PackageId} {Version}: {output}");
        string package = Path.Combine(folder["packages"], DnnFeaturizerNetwork.PackageId.ToLowerInvariant(), Version), models = Path.Combine(package, "tools", "DnnImageModels");
        string network = Path.Combine(models, "ResNet18Onnx", "ResNet18.onnx"), converted = folder["resnet18.cntk_in1k"];
        Assert.AreEqual(133, Tool.Json("convert", package, "-o", converted).GetProperty("tensors").GetInt32());
        byte[] weights = File.ReadAllBytes(Path.Combine(converted, "model.safetensors"));
        foreach (string source in (string[])[network, Directory.EnumerateFiles(package, "*.nupkg").Single()])
        {
            Tool.Succeed("convert", source, "-o", folder["again"]);
            Assert.IsTrue(weights.AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(folder["again"], "model.safetensors"))));
        }
        Tool.Fail(2, ["convert", package, "-o", folder["a.safetensors"]], "need a config.json beside them");
        Tool.Fail(2, ["convert", package, "-o", folder["a"], "--model", "resnet18"], "--model", "resnet18.cntk_in1k");
        Tool.Fail(1, ["convert", Path.Combine(models, "ResNetPrepOnnx", "ResNetPreprocess.onnx"), "-o", folder["a"]], "0 convolutions");

        using var backbone = Backbone.Create($"local-dir:{converted}");
        using FeatureExtractor extractor = backbone.Extract(FeatureSelection.Pooled());
        using var preprocessing = new InferenceSession(Path.Combine(models, "ResNetPrepOnnx", "ResNetPreprocess.onnx"));
        using var original = new InferenceSession(network);
        foreach (string path in Directory.EnumerateFiles(Tool.Textures, "*.jpg", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Where((_, i) => i % 40 == 0))
        {
            ImagePixels picture = ImagePixels.Load(path);
            float[] expected = Run(original, Run(preprocessing, Planes(extractor.Transform, picture))), actual = extractor.Run(picture)[0][0].ToArray();
            double norm = Math.Sqrt(expected.Sum(v => (double)v * v)), difference = Math.Sqrt(expected.Zip(actual, (e, a) => Math.Pow((double)e - a, 2)).Sum());
            Assert.IsLessThanOrEqualTo(1e-5, difference / norm, path);
        }
    }

    [TestMethod]
    public void Other_onnx_files_and_packages_are_refused()
    {
        using var folder = new TemporaryFolder();
        string onnx = folder["ResNet18.onnx"], package = folder["other.nupkg"];
        Tool.Succeed("export", Tool.DemoModel, "--weights", Tool.DemoWeights, "--onnx", onnx);
        Tool.Fail(1, ["convert", onnx, "-o", folder["a"]], "no ResNetPreprocess.onnx", DnnFeaturizerNetwork.PackageId);
        File.Copy(onnx, folder["ResNetPreprocess.onnx"]);
        Tool.Fail(1, ["convert", onnx, "-o", folder["a"]], "another network", "ResNet-18 with blocks 2-2-2-3 has 22 of each");
        File.WriteAllBytes(onnx, File.ReadAllBytes(onnx)[..5000]);
        Tool.Fail(1, ["convert", onnx, "-o", folder["a"]], "no ONNX file, or a damaged one");
        System.IO.Compression.ZipFile.CreateFromDirectory(Directory.CreateDirectory(folder["empty"]).FullName, package);
        Tool.Fail(1, ["convert", package, "-o", folder["a"]], "has no ResNet18.onnx");
        Assert.IsFalse(Directory.Exists(folder["a"]));
    }

    /// <summary>The picture that the transform makes, as the original wants it: <c>[3, H, W]</c>, values from 0 to 255.</summary>
    private static float[] Planes(ImageTransform transform, ImagePixels picture)
    {
        byte[] pixels = new byte[transform.OutputLength];
        transform.ApplyToPixels(new ImageBuffer(picture.Pixels.Span, picture.Width, picture.Height, picture.Format), pixels);
        int plane = pixels.Length / 3;
        return [.. Enumerable.Range(0, pixels.Length).Select(i => (float)pixels[i % plane * 3 + i / plane])];
    }

    private static float[] Run(InferenceSession session, float[] input)
    {
        using var run = new RunOptions();
        using OrtValue value = OrtValue.CreateTensorValueFromMemory(input, [1, 3, 224, 224]);
        using IDisposableReadOnlyCollection<OrtValue> outputs = session.Run(run, session.InputNames, [value], session.OutputNames);
        return outputs[0].GetTensorDataAsSpan<float>().ToArray();
    }
}
