using System.IO.Hashing;
using System.Text;
using Backbones.Graphs;
using Backbones.Imaging;
using Backbones.Registry;

namespace Backbones.Tests.Registry;

[TestClass]
public sealed class ModelNamesTests
{
    [TestMethod]
    public void RegistryIsComplete()
    {
        Assert.AreEqual("1.0.29.dev0", ModelNames.TimmVersion);
        Assert.AreEqual(91, ModelNames.Modules.Count);
        Assert.AreEqual(1302, ModelNames.List().Count);
        foreach (string name in ModelNames.List(includeTags: true))
        {
            PretrainedConfig config = ModelNames.GetConfig(name);
            Assert.AreEqual(name, config.Name);
            Assert.AreEqual(3, config.InputSize.Rank, name);
            Assert.IsTrue(config.CropPct is > 0 and < 1.2, name);
            Assert.AreEqual(config.InputSize[0], config.Mean.Length, name);
            Assert.AreEqual(config.InputSize[0], config.Std.Length, name);
        }
    }

    [TestMethod]
    public void ConfigHasTimmsFields()
    {
        PretrainedConfig config = ModelNames.GetConfig("resnet50");
        Assert.AreEqual("resnet50.a1_in1k", config.Name);
        Assert.AreEqual("a1_in1k", config.Tag);
        Assert.AreEqual("https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-rsb-weights/resnet50_a1_0-14fe96d1.pth", config.Url);
        Assert.AreEqual("timm/resnet50.a1_in1k", config.HfHubId);
        Assert.AreEqual("[3, 224, 224]", config.InputSize.ToString());
        Assert.AreEqual("[3, 288, 288]", config.TestInputSize.ToString());
        Assert.AreEqual((0.95, 1.0, "center", "bicubic"), (config.CropPct, config.TestCropPct, config.CropMode, config.Interpolation));
        CollectionAssert.AreEqual(new[] { 0.485, 0.456, 0.406 }, config.Mean.ToArray());
        CollectionAssert.AreEqual(new[] { 0.229, 0.224, 0.225 }, config.Std.ToArray());
        Assert.AreEqual("[7, 7]", config.PoolSize.ToString());
        Assert.AreEqual((1000, true, "apache-2.0"), (config.NumClasses, config.HasWeights, config.License));
        CollectionAssert.AreEqual(new[] { "conv1" }, config.FirstConv.ToArray());
        CollectionAssert.AreEqual(new[] { "fc" }, config.Classifier.ToArray());

        PretrainedConfig vit = ModelNames.GetConfig("beit3_giant_patch14_224");
        Assert.AreEqual(("untrained", false), (vit.Tag, vit.HasWeights));
        Assert.AreEqual("nf_resnet26", ModelNames.GetConfig("nf_resnet26").Name);
        CollectionAssert.AreEqual(new[] { "head", "head_dist" }, ModelNames.GetConfig("deit_tiny_distilled_patch16_224").Classifier.ToArray());
    }

    [TestMethod]
    public void EveryConfigIsAnInputThatTheImageTransformTakes()
    {
        foreach (string name in ModelNames.List(includeTags: true))
        {
            PretrainedConfig config = ModelNames.GetConfig(name);
            ImageTransformOptions options = ImageTransformOptions.Resolve(config.ToDataConfig(), useTestSize: true);
            Shape size = config.TestInputSize ?? config.InputSize;
            Assert.AreEqual((size[0], size[1], size[2]), (options.Channels, options.Height, options.Width), name);
            Assert.AreEqual(config.TestCropPct ?? config.CropPct, options.CropPct, name);
            Assert.AreEqual(config.Interpolation, options.Interpolation.ToString().ToLowerInvariant(), name);
            Assert.AreEqual(config.CropMode, options.CropMode.ToString().ToLowerInvariant(), name);
            CollectionAssert.AreEqual(config.Mean.ToArray(), options.Mean.ToArray(), name);
            CollectionAssert.AreEqual(config.Std.ToArray(), options.Std.ToArray(), name);
        }
    }

    [TestMethod]
    public void TagsAndModules()
    {
        Assert.AreEqual("resnet", ModelNames.ModuleOf("seresnet50"));
        Assert.AreEqual(18, ModelNames.TagsOf("resnet50").Count);
        Assert.AreEqual("a1_in1k", ModelNames.TagsOf("resnet50")[0]);
        Assert.AreEqual(0, ModelNames.TagsOf("nf_resnet26").Count);
        Assert.IsTrue(ModelNames.IsArchitecture("resnet50"));
        Assert.IsFalse(ModelNames.IsArchitecture("resnet50.a1_in1k"));
        Assert.IsFalse(ModelNames.IsArchitecture("tv_resnet50"));
    }

    // Counts and CRC-32 of the joined names from a listing made in Python, with fnmatch and timm's sort key, over the same registry.
    [TestMethod]
    [DataRow("", "", "", false, null, 1302, 0x87938a5du)]
    [DataRow("", "", "", true, null, 1722, 0x21d92930u)]
    [DataRow("", "", "", true, false, 1087, 0xf6ea189cu)]
    [DataRow("", "", "", false, true, 1943, 0x2a88b056u)]
    [DataRow("resnet*", "", "", false, null, 75, 0x2f1ff6ceu)]
    [DataRow("*resnext*", "resnet", "", false, null, 18, 0xb08e9735u)]
    [DataRow("resnet[2-5]*,vit_tiny*", "", "*d,*clip*", false, null, 18, 0x4cd17d34u)]
    [DataRow("resnet50", "", "", true, null, 18, 0x6501a3adu)]
    [DataRow("efficientnet_b?", "", "", false, null, 9, 0x08f0485bu)]
    [DataRow("tf_efficientnet_b[!0-7]*", "", "", false, true, 2, 0x7c3c2b4fu)]
    [DataRow("resnet50.a*", "", "", false, true, 5, 0xfe72623eu)]
    [DataRow("resnet50.a*", "", "", false, null, 0, 0u)]
    [DataRow("", "vgg,xception", "*bn", false, null, 5, 0xc18c3cd4u)]
    [DataRow("*RESNET*", "", "", false, null, 0, 0u)]
    [DataRow("*.in12k*", "", "", true, null, 8, 0xfa61422fu)]
    [DataRow("[]r]esnet18", "", "", false, null, 1, 0x4832e414u)]
    [DataRow("nf_*", "", "", true, null, 2, 0xc5c51b4au)]
    public void ListingsAreTimms(string filter, string module, string exclude, bool pretrained, bool? includeTags, int count, uint crc)
    {
        IReadOnlyList<string> names = ModelNames.List(Parts(filter), Parts(module), pretrained, Parts(exclude), includeTags);
        Assert.AreEqual(count, names.Count, string.Join(" ", names.Take(20)));
        Assert.AreEqual(crc, Crc32.HashToUInt32(Encoding.UTF8.GetBytes(string.Join('\n', names))), string.Join(" ", names.Take(20)));
    }

    [TestMethod]
    public void UnknownModuleIsRefused()
        => StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => ModelNames.List(module: ["resnets"])).Message,
            "There is no module 'resnets'. Did you mean 'resnet'");

    [TestMethod]
    public void UnknownModelHasSuggestions()
    {
        UnknownModelException e = Assert.ThrowsExactly<UnknownModelException>(() => ModelNames.GetConfig("resnet5"));
        Assert.AreEqual("Unknown model 'resnet5'. Did you mean 'resnet50', 'resnet50c', 'resnet50d'?", e.Message);
        Assert.AreEqual("resnet5", e.Name);
        CollectionAssert.AreEqual(new[] { "resnet50", "resnet50c", "resnet50d" }, e.Suggestions.ToArray());
        Assert.AreEqual("Unknown model 'qqqqqqqq'.", Assert.ThrowsExactly<UnknownModelException>(() => ModelNames.GetConfig("qqqqqqqq.a1_in1k")).Message);
        Assert.ThrowsExactly<UnknownModelException>(() => ModelNames.TagsOf("resnet5"));
        Assert.ThrowsExactly<UnknownModelException>(() => ModelNames.ModuleOf("Resnet50"));
    }

    [TestMethod]
    public void UnknownTagListsTheKnownOnes()
    {
        UnknownModelException e = Assert.ThrowsExactly<UnknownModelException>(() => ModelNames.GetConfig("resnet50.a5_in1k"));
        StringAssert.StartsWith(e.Message, "Unknown tag 'a5_in1k' of 'resnet50'. Did you mean 'resnet50.");
        StringAssert.Contains(e.Message, "Known tags: a1_in1k, a1h_in1k, a2_in1k");
        CollectionAssert.Contains(e.Suggestions.ToArray(), "resnet50.a1_in1k");
        StringAssert.EndsWith(Assert.ThrowsExactly<UnknownModelException>(() => ModelNames.GetConfig("nf_resnet26.x")).Message, "It has no tags.");
    }

    [TestMethod]
    [DataRow("tv_resnet50", "resnet50.tv_in1k")]
    [DataRow("tv_resnet50.a1_in1k", "resnet50.a1_in1k")]
    [DataRow("regnetz_040h", "regnetz_040_h.ra3_in1k")]
    [DataRow("vit_base_patch32_224_sam", "vit_base_patch32_224.sam_in1k")]
    [DataRow("xcit_tiny_12_p8_384_dist", "xcit_tiny_12_p8_384.fb_dist_in1k")]
    public void DeprecatedNamesGiveWhatReplacesThem(string name, string expected)
    {
        Assert.AreEqual(expected, ModelNames.GetConfig(name).Name);
        Assert.IsNotNull(ModelNames.ReplacementOf(name));
        Assert.IsNull(ModelNames.ReplacementOf(expected));
        CollectionAssert.DoesNotContain(ModelNames.List().ToArray(), name);
    }

    [TestMethod]
    public void EveryDeprecatedNameLeadsToAModel()
    {
        Assert.AreEqual(209, RegistryData.Instance.Deprecated.Count);
        foreach (string name in RegistryData.Instance.Deprecated.Keys)
        {
            Assert.IsFalse(ModelNames.IsArchitecture(name), name);
            Assert.AreEqual(ModelNames.ReplacementOf(name)!.Split('.')[0], ModelNames.GetConfig(name).Architecture);
        }
    }

    [TestMethod]
    public void OtherSourcesAreNoRegistryNames()
        => StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => ModelNames.GetConfig("hf-hub:timm/resnet50")).Message, "not a name of the registry");

    private static string[]? Parts(string text) => text.Length == 0 ? null : text.Split(',');

    [TestMethod]
    public void Long_filters_are_refused_and_those_within_the_limit_work()
    {
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => ModelNames.List([new string('*', 100_000)])).Message, "at most 1000");
        foreach (string part in new[] { "*", "?", "a", "[a-z]", "[!a-z]", "*a" })
            Assert.IsLessThan(2000, ModelNames.List([string.Concat(Enumerable.Repeat(part, 998 / part.Length))]).Count, part);
    }
}
