using System.Text.Json.Nodes;
using Backbones.Graphs;
using Backbones.Registry;
using Backbones.Tests.Weights;
using Backbones.Weights;

namespace Backbones.Tests.Registry;

[TestClass]
public sealed class WeightsLocatorTests
{
    private static readonly string[] Samples = [Path.GetDirectoryName(WeightsTestData.DemoFolder)!];

    [TestMethod]
    [DataRow("test_resnet.textures16", false)]
    [DataRow("test_resnet.textures16", true)]
    [DataRow("test_resnet", true)]
    [DataRow("local-dir:", false)]
    public void DemoWeightsAreFoundByNameOrFolder(string name, bool givePath)
    {
        name = name == "local-dir:" ? name + WeightsTestData.DemoFolder : name;
        LocatedModel found = WeightsLocator.Find(name, givePath ? WeightsTestData.DemoFolder : null, Samples);
        Assert.AreEqual(WeightsTestData.DemoFile, found.WeightsFile);
        Assert.AreEqual("test_resnet.textures16", found.Config.Name);
        Assert.AreEqual((16, 0.95, "bilinear", "[3, 160, 160]"),
            (found.Config.NumClasses, found.Config.CropPct, found.Config.Interpolation, found.Config.InputSize.ToString()));
        CollectionAssert.AreEqual(new[] { 0.5, 0.5, 0.5 }, found.Config.Mean.ToArray());
        CollectionAssert.AreEqual(new[] { "conv1.0" }, found.Config.FirstConv.ToArray());
    }

    [TestMethod]
    public void SamplesBesideTheProgramAreSearchedByDefault()
        => Assert.AreEqual(WeightsTestData.DemoFile, WeightsLocator.Find("test_resnet.textures16").WeightsFile);

    [TestMethod]
    [DataRow("resnet50", "resnet50.a1_in1k.safetensors", "resnet50.a1_in1k")]
    [DataRow("resnet50.a1_in1k", "resnet50.a1_in1k.safetensors", "resnet50.a1_in1k")]
    [DataRow("resnet50", "resnet50.safetensors", "resnet50.a1_in1k")]
    [DataRow("tv_resnet50", "resnet50.tv_in1k.safetensors", "resnet50.tv_in1k")]
    public void FilesAreFoundByNameWithDefaultTagAndReplacement(string name, string file, string config)
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder.File(file), []);
        LocatedModel found = WeightsLocator.Find(name, folders: [folder.File("none"), folder.Path]);
        Assert.AreEqual(folder.File(file), found.WeightsFile);
        Assert.AreEqual(config, found.Config.Name);
    }

    [TestMethod]
    public void AGivenFileIsTakenAndTheRegistryHasItsConfig()
    {
        LocatedModel found = WeightsLocator.Find("resnet50", WeightsTestData.DemoFile);
        Assert.AreEqual((WeightsTestData.DemoFile, "resnet50.a1_in1k"), (found.WeightsFile, found.Config.Name));
        Assert.AreEqual("test_resnet.textures16", WeightsLocator.Find("local-dir:" + WeightsTestData.DemoFolder, WeightsTestData.DemoFile).Config.Name);
    }

    [TestMethod]
    public void WhatIsMissingIsNamedWithThePlacesLookedIn()
    {
        using TemporaryFolder folder = new();
        string message = Assert.ThrowsExactly<FileNotFoundException>(() => WeightsLocator.Find("resnet50", folders: [folder.Path])).Message;
        StringAssert.Contains(message, "no resnet50.a1_in1k.safetensors");
        StringAssert.Contains(message, folder.Path);
        StringAssert.Contains(message, "https://huggingface.co/timm/resnet50.a1_in1k");
        string missing = folder.File("missing.safetensors");
        StringAssert.Contains(Assert.ThrowsExactly<FileNotFoundException>(() => WeightsLocator.Find("resnet50", missing)).Message, missing);
        StringAssert.Contains(Assert.ThrowsExactly<FileNotFoundException>(() => WeightsLocator.Find("resnet50", folder.Path)).Message, "has no weights");
        StringAssert.Contains(Assert.ThrowsExactly<FileNotFoundException>(() => WeightsLocator.Find("local-dir:" + folder.Path)).Message, "has no config.json");
        StringAssert.Contains(Assert.ThrowsExactly<FileNotFoundException>(() => WeightsLocator.Find("local-dir:" + missing)).Message, "There is no folder");
        StringAssert.Contains(Assert.ThrowsExactly<FileNotFoundException>(() => WeightsLocator.Find("hf-hub:timm/resnet50")).Message, "not on this machine");
    }

    [TestMethod]
    public void MistypedNamesAreSuggestedFromLocalFoldersToo()
    {
        UnknownModelException tag = Assert.ThrowsExactly<UnknownModelException>(() => WeightsLocator.Find("test_resnet.texture16", folders: Samples));
        StringAssert.Contains(tag.Message, "Did you mean 'test_resnet.textures16'?");
        UnknownModelException model = Assert.ThrowsExactly<UnknownModelException>(() => WeightsLocator.Find("tset_resnet.textures16", folders: Samples));
        StringAssert.Contains(model.Message, "'test_resnet'");
    }

    /// <summary>A config of the old kind has everything in one object, with the names of the classes as 'labels'.</summary>
    [TestMethod]
    [DataRow("""{"architecture":"resnet18","num_classes":2,"crop_pct":0.95,"labels":["cat","dog"]}""")]
    [DataRow("""{"architecture":"resnet18","num_classes":2,"label_names":["cat","dog"],"pretrained_cfg":{"crop_pct":0.95}}""")]
    [DataRow("""{"architecture":"resnet18","num_classes":2,"label_names":{"0":"cat","1":"dog"},"labels":["none"],"pretrained_cfg":{"crop_pct":0.95}}""")]
    public void OldAndNewConfigsNameTheirClasses(string json)
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("config.json"), json);
        PretrainedConfig config = ModelFolder.Read(folder.Path).Config;
        Assert.AreEqual((2, 0.95, "cat, dog"), (config.NumClasses, config.CropPct, string.Join(", ", config.LabelNames)));
    }

    [TestMethod]
    public void WeightsOfAnotherArchitectureAreRefused()
    {
        WeightsFormatException e = Assert.ThrowsExactly<WeightsFormatException>(() => WeightsLocator.Find("resnet50", WeightsTestData.DemoFolder));
        StringAssert.Contains(e.Message, "the weights are for 'test_resnet', not for 'resnet50'");
    }

    [TestMethod]
    [DataRow("{", "not valid JSON")]
    [DataRow("[]", "must be an object")]
    [DataRow("{}", "'architecture' is missing")]
    [DataRow("""{"architecture":1}""", "'architecture' is 1; it must be a text")]
    [DataRow("""{"architecture":"a","pretrained_cfg":[]}""", "'pretrained_cfg' must be an object")]
    [DataRow("""{"architecture":"a","num_classes":-1}""", "'num_classes' is -1; it must be a whole number, 0 or more")]
    [DataRow("""{"architecture":"a","input_size":[3,224]}""", "'input_size' is [3,224]; it must be a list of 3 whole numbers above 0")]
    [DataRow("""{"architecture":"a","mean":["x"]}""", "'mean' is [\"x\"]; it must be a list of numbers")]
    [DataRow("""{"architecture":"a","crop_pct":"1"}""", "'crop_pct' is \"1\"; it must be a number")]
    [DataRow("""{"architecture":"a","classifier":{}}""", "'classifier' is {}; it must be a text or a list of texts")]
    public void MalformedConfigsAreRefusedAndNamed(string json, string problem)
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("config.json"), json);
        WeightsFormatException e = Assert.ThrowsExactly<WeightsFormatException>(() => ModelFolder.Read(folder.Path));
        StringAssert.StartsWith(e.Message, folder.File("config.json"));
        StringAssert.Contains(e.Message, problem);
    }

    /// <summary>No picture is blamed for them, and where they are is said.</summary>
    [TestMethod]
    [DataRow("mean", "[0.5,0.5]", "'mean' is [0.5, 0.5]; it must be a list of 3 or 1 finite numbers.")]
    [DataRow("mean", "[]", "'mean' is []; it must be a list of 3 or 1 finite numbers.")]
    [DataRow("std", "[0.5,0,0.5]", "'std' is [0.5, 0, 0.5]; it must be a list of 3 or 1 finite numbers, none of them 0.")]
    [DataRow("crop_pct", "-1", "'crop_pct' is -1; it must be a number above 0, usually 0.8 to 1.")]
    [DataRow("test_crop_pct", "-0.5", "'test_crop_pct' is -0.5; it must be a number above 0")]
    [DataRow("crop_pct", "1e9", "crop_pct 1000000000 scales a side of 160 pixels to 0")]
    [DataRow("interpolation", "\"cubic\"", "'interpolation' is 'cubic'; it must be nearest, box, bilinear, hamming, bicubic or lanczos. Did you mean 'bicubic'?")]
    [DataRow("interpolation", "\"random\"", "'interpolation' is 'random'; it must be nearest")]
    [DataRow("crop_mode", "\"middle\"", "'crop_mode' is 'middle'; it must be center, squash or border.")]
    public void Configs_with_a_transform_that_there_is_not_are_refused_and_named(string field, string value, string problem)
    {
        using TemporaryFolder folder = new();
        string name = Folder(folder, config => config["pretrained_cfg"]![field] = JsonNode.Parse(value));
        foreach (Action open in (Action[])[() => Backbone.Create(name), () => Backbone.Create("test_resnet", new BackboneOptions { WeightsPath = folder.Path }), () => Backbone.Describe(name, FeatureSelection.Logits)])
            Assert.AreEqual(0, Assert.ThrowsExactly<WeightsFormatException>(open).Message.IndexOf($"{folder.File("config.json")}: {problem}", StringComparison.Ordinal));
        // Where the file is not one's own, it is mended so.
        using Backbone mended = Backbone.Create(name, new BackboneOptions { ConfigOverlay = c => c with { Mean = [0], Std = [1], CropPct = 1, TestCropPct = null, Interpolation = "box", CropMode = "center" } });
    }

    [TestMethod]
    public void Configs_of_an_unknown_architecture_are_named_with_the_nearest()
    {
        using TemporaryFolder folder = new();
        string name = Folder(folder, config => config["architecture"] = "test_resnett");
        foreach (Action open in (Action[])[() => Backbone.Create(name), () => Backbone.Describe(name, FeatureSelection.Logits)])
        {
            UnknownModelException e = Assert.ThrowsExactly<UnknownModelException>(open);
            StringAssert.StartsWith(e.Message, $"{folder.File("config.json")}: 'architecture': Unknown model 'test_resnett'. Did you mean 'test_resnet'");
            Assert.AreEqual("test_resnet", e.Suggestions[0]);
        }
    }

    [TestMethod]
    public void Configs_with_arguments_that_the_model_cannot_have_are_named()
    {
        using TemporaryFolder folder = new();
        string name = Folder(folder, config => config["model_args"] = new JsonObject { ["global_pool"] = "mean" });
        StringAssert.StartsWith(Assert.ThrowsExactly<GraphException>(() => Backbone.Create(name)).Message, $"{folder.File("config.json")}: Unknown pool type 'mean'.");
    }

    /// <summary>What was saved with an older version of timm has its name for the model.</summary>
    [TestMethod]
    public void Deprecated_architectures_of_configs_are_read()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("config.json"), """{"architecture":"tf_efficientnet_b0_ns","num_classes":1000}""");
        CollectionAssert.AreEqual(Backbone.Describe("tf_efficientnet_b0", FeatureSelection.Pooled(), new BackboneOptions { RandomWeights = true }), Backbone.Describe($"local-dir:{folder.Path}", FeatureSelection.Pooled()));
    }

    /// <summary>The demo weights with another config.</summary>
    private static string Folder(TemporaryFolder folder, Action<JsonNode> change)
    {
        JsonNode config = JsonNode.Parse(File.ReadAllText(Path.Combine(WeightsTestData.DemoFolder, "config.json")))!;
        change(config);
        File.WriteAllText(folder.File("config.json"), config.ToJsonString());
        File.Copy(WeightsTestData.DemoFile, folder.File("model.safetensors"));
        return $"local-dir:{folder.Path}";
    }

    [TestMethod]
    public void FlatConfigsAreRead()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("config.json"),
            """{"architecture":"resnet18","num_classes":7,"input_size":[1,64,64],"classifier":null}""");
        ModelFolder read = ModelFolder.Read(folder.Path);
        Assert.AreEqual(("resnet18", 7, 0.875), (read.Config.Name, read.Config.NumClasses, read.Config.CropPct));
        Assert.AreEqual((null, 32), (read.Config.GlobalPool, read.Config.OutputStride));
    }

    [TestMethod]
    [DataRow("config-lone-surrogate.json", "not valid JSON")]
    [DataRow("config-vit-overflow.json", "'input_size' is [3, 1000000, 1000000]")]
    public void Hostile_configs_are_refused_and_named(string file, string problem)
    {
        using TemporaryFolder folder = new();
        File.Copy(WeightsTestData.File($"hostile/{file}"), folder.File("config.json"));
        StringAssert.Contains(Assert.ThrowsExactly<WeightsFormatException>(() => ModelFolder.Read(folder.Path)).Message, problem);
    }

    [TestMethod]
    [DataRow("""{"architecture":"resnet18","input_size":[100000000,1,1]}""", "at most 4096 channels")]
    [DataRow("""{"architecture":"resnet18","test_input_size":[3,65536,65536]}""", "at most 4096 channels and 268435456 elements")]
    [DataRow("""{"architecture":"resnet18","num_classes":2000000000}""", "it may be at most 10000000")]
    public void Sizes_that_no_picture_has_are_refused(string json, string problem)
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("config.json"), json);
        StringAssert.Contains(Assert.ThrowsExactly<WeightsFormatException>(() => ModelFolder.Read(folder.Path)).Message, problem);
    }

    [TestMethod]
    public void A_folder_of_weights_needs_no_config()
    {
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder.File("resnet18.a1_in1k"));
        File.WriteAllBytes(folder.File("resnet18.a1_in1k/model.safetensors"), []);
        foreach (string name in new[] { "resnet18", "resnet18.a1_in1k" })
        {
            LocatedModel found = WeightsLocator.Find(name, folders: [folder.Path]);
            Assert.AreEqual((folder.File("resnet18.a1_in1k/model.safetensors"), "resnet18.a1_in1k"), (found.WeightsFile, found.Config.Name));
        }
        UnknownModelException tag = Assert.ThrowsExactly<UnknownModelException>(() => WeightsLocator.Find("resnet18.a1_in1", folders: [folder.Path]));
        StringAssert.Contains(tag.Message, "'resnet18.a1_in1k'");
        Assert.AreEqual(tag.Message.IndexOf("a1_in1k,", StringComparison.Ordinal), tag.Message.LastIndexOf("a1_in1k,", StringComparison.Ordinal), "a tag of timm's that is here as well is listed once");
        StringAssert.EndsWith(tag.Message, $" Nor are there weights of that name in '{folder.Path}'.");
    }

    [TestMethod]
    public void A_missing_file_is_told_of_before_an_unknown_tag()
    {
        using TemporaryFolder folder = new();
        Assert.ThrowsExactly<FileNotFoundException>(() => WeightsLocator.Find("resnet18.mine", folder.File("missing.pth")));
        Assert.ThrowsExactly<FileNotFoundException>(() => WeightsLocator.FindConfig("resnet18.mine", folder.File("missing.pth")));
        File.WriteAllBytes(folder.File("there.pth"), [1]);
        StringAssert.Contains(Assert.ThrowsExactly<UnknownModelException>(() => WeightsLocator.Find("resnet18.mine", folder.File("there.pth"))).Message, "Unknown tag 'mine'");
    }

    [TestMethod]
    public void WeightsFilesAreChosenInTimmsOrder()
    {
        using TemporaryFolder folder = new();
        foreach (string file in new[] { "z.bin", "checkpoint.pth.tar", "b.pth", "a.pth", "last.safetensors", "model.safetensors.index.json", "model.pth", "pytorch_model.bin", "model.safetensors" })
        {
            File.WriteAllBytes(folder.File(file), []);
            Assert.AreEqual(folder.File(file), ModelFolder.FindWeights(folder.Path), "each one goes before those written so far");
        }
    }
}
