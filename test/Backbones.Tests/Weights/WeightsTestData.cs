using System.Text.Json;
using Backbones.Graphs;
using Backbones.Weights;

namespace Backbones.Tests.Weights;

/// <summary>Files that the tests of this folder share.</summary>
internal static class WeightsTestData
{
    /// <summary>timm's test_resnet with weights trained on textures, in timm's local-dir layout.</summary>
    public static string DemoFolder => Path.Combine(AppContext.BaseDirectory, "samples", "weights", "test_resnet.textures16");

    public static string DemoFile => Path.Combine(DemoFolder, "model.safetensors");

    public static string File(string name) => Path.Combine(AppContext.BaseDirectory, "Weights", "Data", name);

    public static JsonDocument Json(string name) => JsonDocument.Parse(System.IO.File.ReadAllBytes(File(name)));

    /// <summary>The state dict of timm's test_resnet with 1000 classes, as the reference data list it.</summary>
    public static ParameterSpec[] TestResNet(JsonDocument model)
        => [.. model.RootElement.GetProperty("state_dict").EnumerateArray().Select(e => new ParameterSpec(
            e[0].GetString()!,
            [.. e[1].EnumerateArray().Select(d => d.GetInt32())],
            e.GetArrayLength() > 2 ? ElementType.Int64 : ElementType.Float32))];

    /// <summary>The specs that fit the demo file: 16 classes.</summary>
    public static ParameterSpec[] Demo()
    {
        using JsonDocument model = Json("test_resnet.json");
        return [.. TestResNet(model).Select(s => s.Name.StartsWith("fc.", StringComparison.Ordinal)
            ? s with { Shape = s.Shape.With(0, 16) }
            : s)];
    }

    public static MemoryTensor Tensor(string name, Shape shape, params float[] values) => new(name, shape, values);
}

/// <summary>A directory that goes with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("timm-features-test").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
