using System.IO.Compression;
using Backbones.Engines.Managed;
using Backbones.Engines.Reference;

namespace Backbones.Conformance.Tests;

/// <summary>
/// timm's reference numbers: names, shapes and counts of every model, and the outputs of small models of every family.
/// <c>./test.sh --all</c> runs every line in full.
/// </summary>
[TestClass]
public sealed class ModelLineTests
{
    private static readonly string s_data = Path.Combine(FindRoot(), "test", "data", "conformance");

    public static IEnumerable<object[]> Families => Directory.EnumerateFiles(Path.Combine(s_data, "models")).Order().Select(f => new object[] { Path.GetFileName(f)[..^".jsonl.gz".Length] });

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void Every_model_has_timms_keys_shapes_counts_and_levels(string family)
    {
        ModelResult[] results = [.. Lines(Path.Combine("models", $"{family}.jsonl.gz")).Select(l => ModelRunner.Run(l, "*", engine: null)!)];
        Assert.IsNotEmpty(results);
        AssertPassed(results);
    }

    [TestMethod]
    [DataRow("resnet", "test_resnet")]
    [DataRow("resnet", "resnet18")]
    [DataRow("resnet", "ecaresnet26t")]
    [DataRow("resnet", "resnetblur18")]
    [DataRow("resnest", "resnest14d")]
    [DataRow("convnext", "test_convnext*")]
    [DataRow("convnext", "convnext_zepto_rms_ols")]
    [DataRow("convnext", "convnextv2_atto")]
    [DataRow("vision_transformer", "test_vit*")]
    [DataRow("vision_transformer", "vit_dpwee_patch16_reg1_gap_256")]
    [DataRow("deit", "deit_tiny_distilled_patch16_224")]
    public void Small_models_have_timms_outputs(string family, string model)
        => AssertPassed([.. Lines(Path.Combine("models", $"{family}.jsonl.gz")).Select(l => ModelRunner.Run(l, model, new ManagedEngine())).OfType<ModelResult>()]);

    [TestMethod]
    public void The_reference_engine_has_timms_outputs()
        => AssertPassed([.. Lines(Path.Combine("models", "resnet.jsonl.gz")).Select(l => ModelRunner.Run(l, "test_resnet", new ReferenceEngine())).OfType<ModelResult>()]);

    [TestMethod]
    [DataRow("resnet18/*")]
    [DataRow("resnet34/*")]
    [DataRow("resnet50/neg2")]
    [DataRow("resnet50/pool_*")]
    [DataRow("vit_small_patch16_224/*")]
    public void Variants_have_timms_outputs(string filter)
        => AssertPassed([.. Lines("variants.jsonl").Select(l => ModelRunner.Run(l, filter, new ManagedEngine())).OfType<ModelResult>()]);

    private static void AssertPassed(ModelResult[] results)
    {
        Assert.IsNotEmpty(results);
        string[] wrong = [.. results.Where(r => r.Outcome != Outcome.Passed).Select(r => r.Text)];
        Assert.IsEmpty(wrong, string.Join(Environment.NewLine, wrong));
    }

    private static IEnumerable<string> Lines(string file)
    {
        using Stream stream = File.OpenRead(Path.Combine(s_data, file));
        using var reader = new StreamReader(file.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(stream, CompressionMode.Decompress) : stream);
        while (reader.ReadLine() is { } line)
            yield return line;
    }

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "TimmFeatures.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new DirectoryNotFoundException($"There is no TimmFeatures.sln above {AppContext.BaseDirectory}.");
    }
}
