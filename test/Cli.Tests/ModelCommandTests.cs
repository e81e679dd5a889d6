using System.Text.Json;
using System.Text.RegularExpressions;
using Backbones.Weights;

namespace TimmFeatures.Cli.Tests;

/// <summary>Commands that tell about models or write them.</summary>
[TestClass]
public sealed class ModelCommandTests
{
    [TestMethod]
    public void List_takes_a_part_of_a_name_a_pattern_and_families()
    {
        Assert.Contains("resnet50\n", Tool.Succeed("list", "resnet5").Out);
        Assert.AreEqual("vit_tiny_patch16_224\nvit_tiny_patch16_384\n", Tool.Succeed("list", "vit_tiny_patch16_???").Out);
        string[] pretrained = [.. Tool.Json("list", "resnet18", "--pretrained", "--family", "resnet").EnumerateArray().Select(e => e.GetProperty("name").GetString()!)];
        Assert.Contains("resnet18.a1_in1k", pretrained);
        JsonElement entry = Tool.Json("list", "torchvision/resnet18", "--family", "torchvision")[0];
        Assert.AreEqual("torchvision", entry.GetProperty("family").GetString());
        Tool.Fail(1, ["list", "no_such"], "No model has a name like 'no_such'.");
        Tool.Fail(1, ["list", "--family", "resnets"], "There is no module 'resnets'.", "'resnet'", "Valid are beit, ", ", xcit and torchvision.");
    }

    /// <summary>timm's table has 25.56 M parameters, 4.11 GMACs (fvcore counts batch norms too) and 11.11 M activations.</summary>
    [TestMethod]
    public void Info_has_the_figures_of_timms_tables()
    {
        JsonElement info = Tool.Json("info", "resnet50.a1_in1k");
        Assert.AreEqual(25_557_032, info.GetProperty("parameters").GetInt64());
        Assert.AreEqual(4.089, info.GetProperty("gmacs").GetDouble(), 0.001);
        Assert.AreEqual(11.11, info.GetProperty("m_activations").GetDouble(), 0.01);
        Assert.AreEqual("apache-2.0", info.GetProperty("license").GetString());
        Assert.AreEqual("[2048,7,7]", info.GetProperty("levels")[4].GetProperty("shape").GetRawText().Replace("\n", "").Replace(" ", ""));
        Assert.Contains("resnet50.tv_in1k", info.GetProperty("tags").EnumerateArray().Select(t => t.GetProperty("name").GetString()));
        Assert.AreEqual("[192,14,14]", Tool.Json("info", "vit_tiny_patch16_224").GetProperty("levels")[11].GetProperty("shape").GetRawText().Replace("\n", "").Replace(" ", ""));
        // Attention's products are the difference between 1.08 (fvcore's count) and this.
        Assert.AreEqual(1.26, Tool.Json("info", "vit_tiny_patch16_224").GetProperty("gmacs").GetDouble(), 0.01);
        Assert.AreEqual(0.63, Tool.Json("info", "vit_tiny_patch16_224", "--model-args", """{"depth": 6}""").GetProperty("gmacs").GetDouble(), 0.03);
        JsonElement mobile = Tool.Json("info", "mobilenetv3_small_050", "--crop-pct", "0.5", "--use-test-size");
        Assert.AreEqual((288, 1024, 0.5), (mobile.GetProperty("num_features").GetInt32(), mobile.GetProperty("head_hidden_size").GetInt32(), mobile.GetProperty("crop_pct").GetDouble()));
        Assert.AreEqual(4, Tool.Json("info", "resnet18", "--image-size", "448").GetProperty("gmacs").GetDouble() / Tool.Json("info", "resnet18").GetProperty("gmacs").GetDouble(), 0.01);

        string text = Tool.Succeed("info", "resnet50.a1_in1k").Out;
        Assert.Contains("level\tchannels\treduction\tmodule\tshape\n0\t64\t2\tact1\t64×112×112\n", text);
        Assert.DoesNotContain("\e", text);
        Tool.Fail(1, ["info", "resnet5"], "Unknown model 'resnet5'.", "'resnet50'");
        Tool.Fail(1, ["info", "mixer_s32_224", "--image-size", "256"], "An image of 256×256 does not fit the weights of 'mixer_s32_224.untrained', which are for 224×224", "mlp_tokens");
    }

    [TestMethod]
    public void Nodes_are_those_that_can_be_chosen()
    {
        JsonElement last = Tool.Json("nodes", "test_resnet").EnumerateArray().Last();
        Assert.AreEqual("fc", last.GetProperty("name").GetString());
        Assert.Contains("layer4.0.conv1\t", Tool.Succeed("nodes", "test_resnet").Out);
    }

    [TestMethod]
    public void Download_finds_what_is_here_and_says_why_the_rest_is_not()
    {
        Tool.Fail(1, ["download", "resnet18.a1_in1k"], "TIMM_FEATURES_OFFLINE=1");
        Tool.Fail(1, ["download", "resnet18.a1_in1k", "--cache-dir", "nowhere"], $"nothing downloaded in '{Path.GetFullPath("nowhere")}'");
        Tool.Fail(2, ["download", "resnet18.a1_in1k", "--cache-dir", ""], "--cache-dir '' is not valid; expected a folder.");
        Tool.Fail(2, ["download"], "See 'timm-features download --help'.");
    }

    [TestMethod]
    public void Convert_names_the_model_by_itself_and_writes_timms_file()
    {
        using var folder = new TemporaryFolder();
        string torchScript = folder["a.pt"], converted = folder["not there yet/b.safetensors"], again = folder["c.safetensors"];
        string weights = Path.Combine(Tool.DemoWeights, "model.safetensors");
        JsonElement first = Tool.Json("convert", weights, "-o", converted);
        Assert.AreEqual("test_resnet", first.GetProperty("model").GetString());
        Assert.AreEqual(16, first.GetProperty("num_classes").GetInt32());
        JsonElement second = Tool.Json("convert", Tool.DemoWeights, "-o", again);
        Assert.AreEqual(first.GetProperty("sha256").GetString(), second.GetProperty("sha256").GetString());
        Assert.IsTrue(File.ReadAllBytes(converted).AsSpan().SequenceEqual(File.ReadAllBytes(again)));

        Tool.Fail(2, ["convert", converted, "-o", converted], "is what is read, and would be overwritten");
        Tool.Fail(2, ["export", "test_resnet", "--weights", converted, "--pyramid", "--indices", "1", "--safetensors", converted], "--safetensors", "is what is read");

        File.WriteAllText(torchScript, "<html>");
        Tool.Fail(1, ["convert", torchScript, "-o", converted], "a web page");
        Tool.Fail(1, ["convert", weights, "-o", converted, "--model", "resnet18"], "test_resnet");
        string named = folder["test_resnet.mine"];
        Assert.AreEqual(first.GetProperty("sha256").GetString(), Tool.Json("convert", weights, "-o", named).GetProperty("sha256").GetString());
        using (Backbones.Backbone backbone = Backbones.Backbone.Create($"local-dir:{named}"))
            Assert.AreEqual(("test_resnet.mine", 16, 96), (backbone.Name, backbone.Config.NumClasses, backbone.NumFeatures));
        Tool.Fail(2, ["convert", weights], "--output");
        Tool.Fail(2, ["convert", weights, "-o", folder["d.pth"]], "d.pth", "ends in .safetensors");
        Assert.IsFalse(File.Exists(folder["d.pth"]));
    }

    /// <summary>A log on a full disk must end neither a command nor the service.</summary>
    [TestMethod]
    public void Errors_that_nobody_can_read_of_are_no_errors()
    {
        using var full = new StreamWriter(new FullDisk()) { AutoFlush = true };
        Assert.ThrowsExactly<IOException>(() => full.WriteLine("x"));
        Assert.AreEqual(ExitCode.Failure, CommandLine.Run(["info", "resnet5"], new Terminal(TextWriter.Null, new ErrorWriter(full), TextReader.Null, default)));
        Assert.AreEqual(ExitCode.Usage, CommandLine.Run(["inf"], new Terminal(TextWriter.Null, new ErrorWriter(full), TextReader.Null, default)));
    }

    private sealed class FullDisk : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer) => throw new IOException("No space left on device");

        public override void Write(byte[] buffer, int offset, int count) => throw new IOException("No space left on device");
    }

    [TestMethod]
    public void Files_are_not_replaced_by_what_is_made_of_them()
    {
        using var folder = new TemporaryFolder();
        string weights = folder["weights.safetensors"], model = folder["test_resnet.mine"], picture = folder["picture.png"];
        Tool.Succeed("export", "test_resnet", "--weights", Tool.DemoWeights, "--safetensors", weights);
        Tool.Succeed("convert", weights, "-o", model);
        File.Copy(Directory.EnumerateFiles(Tool.Textures, "*.jpg", SearchOption.AllDirectories).First(), picture);
        byte[][] before = Contents();
        foreach (string option in new[] { "--onnx", "--torchscript", "--safetensors" })
        {
            Tool.Fail(2, ["export", "test_resnet", "--weights", weights, option, weights], $"'{weights}' is what is read, and would be overwritten");
            Tool.Fail(2, ["export", $"local-dir:{model}", option, Path.Combine(model, "model.safetensors")], "would be overwritten");
        }
        Tool.Fail(2, ["export", "test_resnet", "--weights", weights, "--onnx", folder["a.bin"], "--torchscript", folder["a.bin"]], $"'{folder["a.bin"]}' is the name of two outputs");
        Tool.Fail(2, ["convert", weights, "-o", weights], "would be overwritten");
        Tool.Fail(2, ["convert", model, "-o", model], "would be overwritten");
        Tool.Fail(2, ["visualize", "test_resnet", picture, "--weights", weights, "-o", picture], "would be overwritten");
        Assert.IsTrue(before.Zip(Contents()).All(f => f.First.AsSpan().SequenceEqual(f.Second)));
        Assert.IsFalse(File.Exists(folder["a.bin"]));

        byte[][] Contents() => [.. ((string[])[weights, Path.Combine(model, "model.safetensors"), picture]).Select(File.ReadAllBytes)];
    }

    /// <summary>mobilenetv3_small_075 and tf_mobilenetv3_small_075 differ in their padding, which no key tells.</summary>
    [TestMethod]
    public void Convert_asks_for_the_name_where_the_keys_are_those_of_several_models()
    {
        using var folder = new TemporaryFolder();
        string weights = folder["weights.safetensors"];
        Tool.Succeed("export", "mobilenetv3_small_075", "--random-weights", "--safetensors", weights);
        Tool.Fail(1, ["convert", weights, "-o", folder["a.safetensors"]], "the keys and shapes of 2 models", "'mobilenetv3_small_075', 'tf_mobilenetv3_small_075'", "with --model");
        Assert.AreEqual("mobilenetv3_small_075", Tool.Json("convert", weights, "-o", folder["a.safetensors"], "--model", "mobilenetv3_small_075").GetProperty("model").GetString());
    }

    /// <summary>A ConvNeXt as its authors save it: by other names, linear layers as matrices.</summary>
    [TestMethod]
    public void Convert_names_the_model_of_a_foreign_layout_by_itself()
    {
        using var folder = new TemporaryFolder();
        string timm = folder["timm.safetensors"], foreign = folder["foreign.safetensors"], converted = folder["converted.safetensors"];
        Tool.Succeed("export", "convnext_atto", "--random-weights", "--safetensors", timm);
        using (ParameterStore weights = ParameterStore.Open(timm))
            SafetensorsWriter.Write(foreign, weights.Tensors.Select(t => new MemoryTensor(Foreign(t.Name), t.Name.Contains(".mlp.") && t.Shape.Rank == 4 ? [t.Shape[0], t.Shape[1]] : t.Shape, t.ToArray())));
        Assert.AreEqual("convnext_atto", Tool.Json("convert", foreign, "-o", converted).GetProperty("model").GetString());
        using ParameterStore expected = ParameterStore.Open(timm), actual = ParameterStore.Open(converted);
        Assert.AreEqual(expected.ContentHash, actual.ContentHash);

        static string Foreign(string key)
        {
            (string Pattern, string Replacement)[] rules =
            [
                (@"^stem\.", "downsample_layers.0."), (@"^stages\.(\d)\.downsample\.", "downsample_layers.$1."), (@"^stages\.(\d)\.blocks\.", "stages.$1."), ("conv_dw", "dwconv"), (@"mlp\.fc", "pwconv"),
                (@"^head\.norm\.", "norm."), (@"^head\.fc\.", "head."),
            ];
            return rules.Aggregate(key, (k, rule) => Regex.Replace(k, rule.Pattern, rule.Replacement));
        }
    }

    /// <summary>Options are named as they are typed, values by what they may be and not by .NET's types.</summary>
    [TestMethod]
    [DataRow(2, "--image-size 0 is not valid; expected 1 to 16384", "info", "resnet18", "--image-size", "0")]
    [DataRow(2, "--image-size 'wide' is not valid; expected a whole number", "info", "resnet18", "--image-size", "wide")]
    [DataRow(2, "--precision 'float61' is not valid; expected auto, float32, float16, bfloat16, float16-weights. Did you mean 'float16'", "bench", "resnet18", "--precision", "float61")]
    [DataRow(2, "--crop-pct 0 is not valid; expected a number above 0", "info", "resnet18", "--crop-pct", "0")]
    [DataRow(2, "'middle'", "info", "resnet18", "--crop-mode", "middle")]
    [DataRow(2, "--model-args '{' is not valid", "info", "resnet18", "--model-args", "{")]
    [DataRow(2, "'dept', which is not known here", "info", "vit_tiny_patch16_224", "--model-args", """{"dept": 3}""")]
    [DataRow(1, "'depth' (3), which 'resnet18' does not take", "info", "resnet18", "--model-args", """{"depth": 3}""")]
    [DataRow(2, "--crop-mode 'centre' is not valid; expected border, center, squash. Did you mean 'center'?", "bench", "resnet18", "--crop-mode", "centre")]
    [DataRow(2, "--random-weights and --key-prefix 'a.' cannot be asked for at once", "info", "resnet18", "--random-weights", "--key-prefix", "a.")]
    [DataRow(1, "in precision float16: the managed engine does not compute in float16. Use 'cpu' or 'auto' with --precision auto.", "bench", "test_resnet", "--random-weights", "--device", "cpu", "--precision", "float16")]
    [DataRow(1, "Give a file or folder with --weights", "export", "resnet18", "--offline", "--safetensors", "never.safetensors")]
    [DataRow(1, "It was not downloaded because --offline was given", "export", "resnet18", "--offline", "--safetensors", "never.safetensors")]
    [DataRow(1, "--nodes", "bench", "convit_tiny", "--random-weights", "--pyramid")]
    public void Messages_speak_of_options_as_they_are_typed(int code, string message, params string[] arguments) => Tool.Fail(code, arguments, message);

    [TestMethod]
    public void Export_writes_each_kind_and_only_the_weights_that_are_needed()
    {
        using var folder = new TemporaryFolder();
        JsonElement exported = Tool.Json("export", "test_resnet", "--weights", Tool.DemoWeights, "--pyramid", "--indices", "1,-1", "--onnx", folder["a.onnx"], "--torchscript", folder["a.pt"], "--safetensors", folder["a.safetensors"]);
        Assert.AreEqual(2, exported.GetProperty("outputs").GetArrayLength());
        Assert.IsGreaterThan(1000, new FileInfo(folder["a.onnx"]).Length);
        Assert.IsGreaterThan(1000, new FileInfo(folder["a.pt"]).Length);
        Tool.Succeed("export", "test_resnet", "--weights", Tool.DemoWeights, "--safetensors", folder["all.safetensors"]);
        Tool.Succeed("export", "test_resnet", "--weights", Tool.DemoWeights, "--onnx", folder["not there yet/a.onnx"]);
        Assert.IsGreaterThan(new FileInfo(folder["a.safetensors"]).Length, new FileInfo(folder["all.safetensors"]).Length);
        Tool.Fail(2, ["export", "test_resnet", "--random-weights"], "--onnx FILE");
        Tool.Fail(2, ["export", "test_resnet", "--random-weights", "--onnx", folder["b.onnx"], "--logits", "--unpooled"], "--unpooled and --logits");
        Tool.Fail(2, ["export", "test_resnet", "--random-weights", "--onnx", folder["b.onnx"], "--indices", "1"], "--pyramid and --intermediates");
        Assert.IsFalse(File.Exists(folder["b.onnx"]));
    }

    [TestMethod]
    public void Bench_measures_each_batch_size()
    {
        JsonElement times = Tool.Json("bench", "test_resnet", "--batch", "1,2", "--runs", "2", "--threads", "1");
        Assert.AreEqual(2, times.GetArrayLength());
        Assert.IsGreaterThan(0, times[1].GetProperty("images_per_second").GetDouble());
        Assert.AreEqual(Tool.DemoModel, Tool.Json("bench", $"local-dir:{Tool.DemoWeights}", "--batch", "1", "--runs", "1")[0].GetProperty("model").GetString());
        Assert.AreEqual(Tool.DemoModel, WithWeightsOf(Path.GetDirectoryName(Tool.DemoWeights)!, () => Tool.Json("bench", Tool.DemoModel, "--batch", "1", "--runs", "1"))[0].GetProperty("model").GetString());
        Tool.Fail(1, ["bench", "test_resnet.mine"], "Unknown tag 'mine'");
        Tool.Fail(2, ["bench", "test_resnet", "--batch", "0"], "--batch '0'");
        Tool.Fail(2, ["bench", "test_resnet", "--batch", "2000000000"], "1 to 4096");
        Tool.Fail(2, ["bench", "test_resnet", "--threads", "0"], "--threads 0", "1 to 256");
        Tool.Fail(1, ["bench", "test_resnet", "--device", "tpu"], "'tpu' is not a device", "'cuda:N'");
    }

    private static T WithWeightsOf<T>(string folder, Func<T> run)
    {
        const string variable = "TIMM_FEATURES_WEIGHTS";
        string? before = Environment.GetEnvironmentVariable(variable);
        Environment.SetEnvironmentVariable(variable, folder);
        try
        {
            return run();
        }
        finally
        {
            Environment.SetEnvironmentVariable(variable, before);
        }
    }

    [TestMethod]
    public void Help_has_examples_and_a_wrong_line_is_answered_with_one()
    {
        foreach (string verb in (string[])["list", "info", "nodes", "download", "convert", "export", "extract", "merge", "similar", "visualize", "bench"])
        {
            Tool help = Tool.Succeed(verb, "--help");
            Assert.Contains($"Examples:\n  timm-features {verb} ", help.Out.ReplaceLineEndings("\n"));
        }
        Tool.Fail(1, ["list", "resnet5x"], "No model has a name like 'resnet5x'. Did you mean 'resnet50'");
        Tool.Fail(1, ["info", "qqqqqqqqqq"], "Unknown model 'qqqqqqqqqq'. 'timm-features list' has all names");
        string file = Path.Combine(Tool.DemoWeights, "model.safetensors");
        Tool.Fail(1, ["info", $"local-dir:{file}"], $"'{file}' is a file; expected a folder with a config.json and weights. A file of weights is given with --weights");
        Tool.Fail(1, ["visualize", Tool.DemoModel, "--weights", Tool.DemoWeights, "nowhere.jpg", "-o", "never.png"], "There is no image 'nowhere.jpg'.");
        Tool.Fail(1, ["visualize", Tool.DemoModel, "--weights", Tool.DemoWeights, Tool.Textures, "-o", "never.png"], $"'{Tool.Textures}' is a folder; expected one image.");
        Tool.Fail(1, ["similar", Tool.Textures, "nowhere.jpg"], $"'{Tool.Textures}' is a folder; expected a file that");
        Tool.Fail(2, ["exract"], "There is no command 'exract'.", "'extract'");
        Tool.Fail(2, ["info", "a", "b"], "'b'");
        Tool.Fail(2, ["extract", "test_resnet", "--poool", "max", "-o", "never.npz"], "There is no option '--poool'. Did you mean '--pool'?");
        Tool.Fail(2, ["info", "resnet18", "--frob"], "There is no option '--frob'.");
        Tool.Fail(1, ["info", "--", "--frob"], "Unknown model '--frob'.");
    }
}
