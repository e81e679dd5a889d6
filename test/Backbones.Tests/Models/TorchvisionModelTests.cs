using Backbones.Graphs;
using Backbones.Models;
using Backbones.Tests.Weights;
using Backbones.Weights;

namespace Backbones.Tests.Models;

/// <summary>What the reference lines of torchvision's models do not show: every variant's parameters, pyramids, pooled features, the auxiliary classifiers of published files.</summary>
[TestClass]
public sealed class TorchvisionModelTests
{
    // num_params of torchvision's weights tables; Inception's without its auxiliary classifier, as the reference has it.
    [TestMethod]
    [DataRow("alexnet", 61100840)]
    [DataRow("densenet121", 7978856)]
    [DataRow("densenet161", 28681000)]
    [DataRow("densenet169", 14149480)]
    [DataRow("densenet201", 20013928)]
    [DataRow("efficientnet_b0", 5288548)]
    [DataRow("efficientnet_b1", 7794184)]
    [DataRow("efficientnet_b2", 9109994)]
    [DataRow("efficientnet_b3", 12233232)]
    [DataRow("efficientnet_b4", 19341616)]
    [DataRow("efficientnet_b5", 30389784)]
    [DataRow("efficientnet_b6", 43040704)]
    [DataRow("efficientnet_b7", 66347960)]
    [DataRow("efficientnet_v2_s", 21458488)]
    [DataRow("efficientnet_v2_m", 54139356)]
    [DataRow("efficientnet_v2_l", 118515272)]
    [DataRow("googlenet", 6624904)]
    [DataRow("inception_v3", 23834568)]
    [DataRow("mnasnet0_5", 2218512)]
    [DataRow("mnasnet0_75", 3170208)]
    [DataRow("mnasnet1_0", 4383312)]
    [DataRow("mnasnet1_3", 6282256)]
    [DataRow("mobilenet_v2", 3504872)]
    [DataRow("mobilenet_v3_large", 5483032)]
    [DataRow("mobilenet_v3_small", 2542856)]
    [DataRow("shufflenet_v2_x0_5", 1366792)]
    [DataRow("shufflenet_v2_x1_0", 2278604)]
    [DataRow("shufflenet_v2_x1_5", 3503624)]
    [DataRow("shufflenet_v2_x2_0", 7393996)]
    [DataRow("squeezenet1_0", 1248424)]
    [DataRow("squeezenet1_1", 1235496)]
    [DataRow("vgg11", 132863336)]
    [DataRow("vgg11_bn", 132868840)]
    [DataRow("vgg13", 133047848)]
    [DataRow("vgg13_bn", 133053736)]
    [DataRow("vgg16", 138357544)]
    [DataRow("vgg16_bn", 138365992)]
    [DataRow("vgg19", 143667240)]
    [DataRow("vgg19_bn", 143678248)]
    public void ParametersAreAsManyAsTorchvisions(string name, long count) => Assert.AreEqual(count, Graph(name).ParameterCount);

    // Where timm has the same layers under the same names, it is the reference for all shapes.
    [TestMethod]
    [DataRow("densenet161")]
    [DataRow("densenet169")]
    [DataRow("densenet201")]
    [DataRow("inception_v3")]
    public void KeysAndShapesAreTimms(string name)
        => CollectionAssert.AreEqual(ModelCatalog.Find(name).Build(BuildOptions.Default).Graph.Parameters, Graph(name).Parameters);

    [TestMethod]
    [DataRow("alexnet", "64/4 features.1, 192/8 features.4, 256/16 features.11, 256/32 features.12", 4096)]
    [DataRow("vgg16_bn", "64/1 features.5, 128/2 features.12, 256/4 features.22, 512/8 features.32, 512/16 features.42, 512/32 features.43", 4096)]
    [DataRow("squeezenet1_0", "96/2 features.1, 256/4 features.5, 512/8 features.10, 512/16 features.12", 512)]
    [DataRow("squeezenet1_1", "64/2 features.1, 128/4 features.4, 256/8 features.7, 512/16 features.12", 512)]
    [DataRow("densenet121", "64/2 features.relu0, 256/4 features.denseblock1, 512/8 features.denseblock2, 1024/16 features.denseblock3, 1024/32 relu", 1024)]
    [DataRow("googlenet", "64/2 conv1, 192/4 conv3, 480/8 inception3b, 832/16 inception4e, 1024/32 inception5b", 1024)]
    [DataRow("inception_v3", "64/2 Conv2d_2b_3x3, 192/4 Conv2d_4a_3x3, 288/8 Mixed_5d, 768/16 Mixed_6e, 2048/32 Mixed_7c", 2048)]
    [DataRow("mobilenet_v2", "16/2 features.1, 24/4 features.3, 32/8 features.6, 96/16 features.13, 320/32 features.17", 1280)]
    [DataRow("mobilenet_v3_large", "16/2 features.1, 24/4 features.3, 40/8 features.6, 112/16 features.12, 160/32 features.15", 960)]
    [DataRow("mobilenet_v3_small", "16/2 features.0, 16/4 features.1, 24/8 features.3, 48/16 features.8, 96/32 features.11", 576)]
    [DataRow("shufflenet_v2_x0_5", "24/2 conv1, 24/4 maxpool, 48/8 stage2, 96/16 stage3, 192/32 stage4", 1024)]
    [DataRow("mnasnet1_3", "24/2 layers.7, 32/4 layers.8, 56/8 layers.9, 128/16 layers.11, 416/32 layers.13", 1280)]
    [DataRow("efficientnet_b0", "16/2 features.1, 24/4 features.2, 40/8 features.3, 112/16 features.5, 320/32 features.7", 1280)]
    [DataRow("efficientnet_v2_s", "24/2 features.1, 48/4 features.2, 64/8 features.3, 160/16 features.5, 256/32 features.6", 1280)]
    public void LevelsAreTheLastMapsOfEachSizeAndPooledFeaturesAreBeforeTheClassifier(string name, string levels, int pooled)
    {
        ModelEntry model = ModelCatalog.Find($"torchvision/{name}");
        SelectedFeatures pyramid = SelectedFeatures.Create(model, FeatureSelection.Pyramid());
        Assert.AreEqual(levels, string.Join(", ", pyramid.Outputs.Select(o => $"{o.Level!.Channels}/{o.Level.Reduction} {o.Level.Module}")));
        SelectedFeatures features = SelectedFeatures.Create(model, FeatureSelection.Pooled());
        Assert.AreEqual<Shape>([pooled], features.Outputs.Single().Shape);
        Assert.AreEqual<Shape>([pooled], model.Build(BuildOptions.Default).PreLogits.Shape);
        Assert.AreEqual(pooled, model.Build(BuildOptions.Default).HeadHiddenSize);
    }

    // The classifier is a convolution over the map, in front of the mean: it has to be gone.
    [TestMethod]
    public void SqueezeNetsPooledFeaturesAreTheMeanOfItsMap()
    {
        SelectedFeatures pooled = SelectedFeatures.Create(ModelCatalog.Find("torchvision/squeezenet1_1"), FeatureSelection.Pooled());
        Assert.IsFalse(pooled.Graph.Parameters.Any(p => p.Name.StartsWith("classifier", StringComparison.Ordinal)));
        SelectedFeatures unpooled = SelectedFeatures.Create(ModelCatalog.Find("torchvision/squeezenet1_1"), FeatureSelection.Pooled(""));
        Assert.AreEqual<Shape>([512, 13, 13], unpooled.Outputs.Single().Shape);
    }

    [TestMethod]
    [DataRow("torchvision/vgg11")]
    [DataRow("torchvision/alexnet")]
    [DataRow("torchvision/squeezenet1_0")]
    [DataRow("torchvision/mnasnet0_5")]
    public void OtherPoolsAndStridesAreRefused(string name)
    {
        ModelEntry model = ModelCatalog.Find(name);
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => model.Build(new BuildOptions { GlobalPool = "max" })).Message, "valid types are 'avg' and ''");
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => model.Build(new BuildOptions { GlobalPool = "" })).Message, "ask for no classes");
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => model.Build(new BuildOptions { OutputStride = 16 })).Message, "output_stride 16 is not supported");
    }

    // torchvision makes the model with the auxiliary classifiers, loads the file and drops them.
    [TestMethod]
    [DataRow("googlenet", "aux1.conv.conv.weight", "aux2.fc2.bias")]
    [DataRow("inception_v3", "AuxLogits.conv0.conv.weight", "AuxLogits.fc.bias")]
    public void AuxiliaryClassifiersOfAFileAreLeftAside(string name, string first, string last)
    {
        using TemporaryFolder folder = new();
        using Backbone random = Backbone.Create($"torchvision/{name}", new() { RandomWeights = true });
        string file = folder.File("published.safetensors");
        SafetensorsWriter.Write(file, random.Parameters.Tensors.Concat(new[] { first, last }.Select(key => new MemoryTensor(key, [2], [1, 2]))));
        using Backbone published = Backbone.Create($"{name switch { "googlenet" => "GoogLeNet", _ => "Inception_V3" }}_Weights.IMAGENET1K_V1", new() { WeightsPath = file });
        Assert.AreEqual(random.Parameters.ContentHash, published.Parameters.ContentHash);
        // Their input is scaled to [-1, 1] by the model itself (transform_input), here with the picture.
        CollectionAssert.AreEqual(new[] { 0.5, 0.5, 0.5 }, published.Config.Mean.ToArray());
    }

    // The names from before torchvision 0.3, which the published files have still.
    [TestMethod]
    public void DenseNetsFilesLoadUnderTheirOldNames()
    {
        using TemporaryFolder folder = new();
        using Backbone random = Backbone.Create("torchvision/densenet121", new() { RandomWeights = true });
        string file = folder.File("densenet121-a639ec97.safetensors");
        SafetensorsWriter.Write(file, random.Parameters.Tensors.Select(t => new RenamedTensor(System.Text.RegularExpressions.Regex.Replace(t.Name, @"(denselayer\d+\.(?:norm|conv))(?=[12]\.)", "$1."), t.Shape, t)));
        using Backbone published = Backbone.Create("DenseNet121_Weights.DEFAULT", new() { WeightsPath = file });
        Assert.AreEqual(random.Parameters.ContentHash, published.Parameters.ContentHash);
    }

    // What FX lists of channel_shuffle is sizes and a tuple for the most part.
    [TestMethod]
    public void ShuffleNetListsSizesThatCannotBeChosen()
    {
        Graph graph = Graph("shufflenet_v2_x0_5");
        CollectionAssert.AreEqual(new[] { "stage2.1.chunk", "stage2.1.getitem", "stage2.1.getitem_1", "stage2.1.branch2.0" }, graph.NodeNames.SkipWhile(n => n != "stage2.1.chunk").Take(4).ToArray());
        foreach (string name in new[] { "stage2.1.chunk", "stage2.1.size", "stage2.1.getitem_5", "stage2.1.floordiv" })
        {
            CollectionAssert.Contains(graph.NodeNames, name);
            StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => graph.Find(name)).Message, $"'{name}' is a size, a number or a tuple of tensors");
        }
        Assert.AreEqual<Shape>([24, 28, 28], graph.Find("stage2.1.getitem_1").Shape);
        Assert.AreEqual("stage2.1.view_1", graph.Find("stage2.1").Name);
    }

    private static Graph Graph(string name) => ModelCatalog.Find($"torchvision/{name}").Build(BuildOptions.Default).Graph;
}
