using System.Text.Json.Nodes;
using Backbones.Registry;

namespace Backbones.Tests.Registry;

/// <summary>Changes of a config that are sent as JSON.</summary>
[TestClass]
public sealed class ConfigPatchTests
{
    private static PretrainedConfig Plain { get; } = ModelNames.GetConfig("resnet50.a1_in1k");

    private static PretrainedConfig Changed { get; } = Plain.WithModelArgs("""{"cardinality": 4, "global_pool": "max", "output_stride": 16, "layers": [1, 2, 3, 4], "mean_image": true}""") with
    {
        Architecture = "resnext50_32x4d",
        Tag = "mine",
        Url = null,
        HfHubId = "a/b",
        HfHubFilename = "c.bin",
        InputSize = [1, 64, 96],
        TestInputSize = null,
        Interpolation = "bilinear",
        CropPct = 0.123456789012345,
        TestCropPct = null,
        CropMode = "squash",
        Mean = [0.1, 0.2, 0.3],
        Std = [0.4, 0.5, 1e-3],
        NumClasses = 3,
        PoolSize = [2, 3],
        FirstConv = ["a", "b"],
        Classifier = [],
        License = "mit",
        LabelNames = ["x", "y", "z"],
    };

    /// <summary>There and back again, through text.</summary>
    [TestMethod]
    public void WhatDiffersIsChangedAndNothingElse()
    {
        AssertSent(Plain, Changed);
        AssertSent(Changed, Plain);
        Assert.IsNull(ConfigPatch.Between(Changed, Changed));
        Assert.IsNull(ConfigPatch.ToOverlay(null));
        Assert.AreEqual("""{"crop_pct":1,"test_crop_pct":null}""", ConfigPatch.Between(Plain, Plain with { CropPct = 1, TestCropPct = null })!.ToJsonString());
    }

    /// <summary>A config's own arguments stay beside those that are added.</summary>
    [TestMethod]
    public void ArgumentsAreAdded()
    {
        JsonObject patch = new() { ["model_args"] = new JsonObject { ["img_size"] = 32, ["base_width"] = 8, ["global_pool"] = null } };
        PretrainedConfig both = ConfigPatch.ToOverlay(patch)!(Changed);
        Assert.AreEqual((32, 32, null), (both.InputSize[1], both.InputSize[2], both.GlobalPool));
        CollectionAssert.AreEqual(new[] { "base_width", "cardinality" }, both.FamilyArgs.Keys.ToArray());
        patch["model_args"]!["base_width"] = "wide";
        StringAssert.Contains(Assert.ThrowsExactly<FormatException>(() => ConfigPatch.ToOverlay(patch)!(Changed)).Message, "'base_width'");
    }

    private static void AssertSent(PretrainedConfig from, PretrainedConfig to)
    {
        string sent = ConfigPatch.Between(from, to)!.ToJsonString();
        PretrainedConfig received = ConfigPatch.ToOverlay(JsonNode.Parse(sent)!.AsObject())!(from);
        Assert.AreEqual(PretrainedConfigWriter.ToJson(to).GetRawText(), PretrainedConfigWriter.ToJson(received).GetRawText());
    }
}
