using System.IO.Compression;
using Backbones.Graphs;
using Backbones.Models;
using Backbones.Onnx;
using Backbones.Registry;
using Backbones.Weights;

namespace TimmFeatures.Cli.Conversion;

/// <summary>
/// The pretrained ResNet-18 of ML.NET's <c>DnnFeaturizeImage</c>, which comes in the NuGet package Microsoft.ML.DnnImageFeaturizer.ResNet18 (MIT): trained with CNTK on ImageNet, four stages of
/// 2, 2, 2 and 3 blocks without a classifier, for pixels from 0 to 255 in the order blue, green, red, less a mean image that is a second file.
/// </summary>
/// <remarks>Under timm's keys the order of the colours goes into the first convolution and the mean image, which is then a parameter: the features are those of the original to the last bits.
/// Scaling and crop are those that CNTK evaluated with.</remarks>
internal static class DnnFeaturizerNetwork
{
    public const string PackageId = "Microsoft.ML.DnnImageFeaturizer.ResNet18";

    private const string NetworkFile = "ResNet18.onnx", MeanFile = "ResNetPreprocess.onnx", NetworkFolder = "ResNet18Onnx", MeanFolder = "ResNetPrepOnnx";

    private static readonly string s_models = Path.Combine("tools", "DnnImageModels");

    /// <summary>What it is under timm's names.</summary>
    public static PretrainedConfig Config { get; } = ModelNames.GetConfig("resnet18") with
    {
        Tag = "cntk_in1k",
        Url = null,
        HfHubId = null,
        InputSize = [3, 224, 224],
        TestInputSize = null,
        TestCropPct = null,
        Interpolation = "bilinear",
        CropPct = 0.875,
        Mean = [0, 0, 0],
        Std = [1 / 255.0, 1 / 255.0, 1 / 255.0],
        NumClasses = 0,
        Layers = [2, 2, 2, 3],
        MeanImage = true,
        License = "mit",
    };

    /// <summary>Whether a path is the package, its folder, or one with its network: whatever else it may be is read as other checkpoints are.</summary>
    public static bool IsAt(string path) => path.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".nupkg", StringComparison.OrdinalIgnoreCase)
        || (Directory.Exists(path) && NetworksIn(path).Any(File.Exists));

    /// <summary>The weights under timm's keys.</summary>
    /// <param name="path">The package's folder as NuGet restores it, the .nupkg file, or <c>ResNet18.onnx</c> as it lies in there.</param>
    /// <exception cref="FileNotFoundException">One of the two files is not there.</exception>
    /// <exception cref="WeightsFormatException">The files are other networks.</exception>
    public static ParameterStore Read(string path)
    {
        (OnnxNetwork network, OnnxNetwork preprocessing) = path.EndsWith(".nupkg", StringComparison.OrdinalIgnoreCase) ? ReadPackage(path) : ReadFiles(path);
        Graph graph = ModelCatalog.Find(Config).Build(new BuildOptions { NumClasses = Config.NumClasses, MeanImage = true }).Graph;
        return ParameterStore.FromTensors([.. Convolutions(network, graph, path), MeanImage(preprocessing, graph, path)], path);
    }

    private static (OnnxNetwork Network, OnnxNetwork Preprocessing) ReadFiles(string path)
    {
        string network = Directory.Exists(path) ? NetworksIn(path).First(File.Exists) : path, folder = Path.GetDirectoryName(Path.GetFullPath(network))!;
        string[] means = [Path.Combine(folder, MeanFile), Path.Combine(folder, "..", MeanFolder, MeanFile)];
        OnnxNetwork read = OnnxNetwork.Read(File.ReadAllBytes(network), network);
        string mean = means.FirstOrDefault(File.Exists) ?? throw new FileNotFoundException(
            $"There is no {MeanFile} with the mean image beside '{network}', nor in the folder {MeanFolder} beside its own. Of ONNX files the network of the package {PackageId} alone is converted.", means[0]);
        return (read, OnnxNetwork.Read(File.ReadAllBytes(mean), mean));
    }

    private static (OnnxNetwork Network, OnnxNetwork Preprocessing) ReadPackage(string path)
    {
        using ZipArchive package = ZipFile.OpenRead(path);
        return (Read(NetworkFile), Read(MeanFile));

        OnnxNetwork Read(string file)
        {
            ZipArchiveEntry entry = package.Entries.FirstOrDefault(e => e.Name == file) ?? throw new WeightsFormatException(path, $"the package has no {file}; of packages {PackageId} alone is converted.");
            using Stream content = entry.Open();
            using var memory = new MemoryStream();
            content.CopyTo(memory);
            return OnnxNetwork.Read(memory.ToArray(), $"{path}/{entry.FullName}");
        }
    }

    /// <summary>Where the network is in a folder: the package's, and those in it.</summary>
    private static string[] NetworksIn(string folder) =>
    [
        Path.Combine(folder, s_models, NetworkFolder, NetworkFile),
        Path.Combine(folder, NetworkFolder, NetworkFile),
        Path.Combine(folder, NetworkFile),
    ];

    /// <summary>
    /// Convolutions in the order in which they run, each with its batch norm. The names in the file are numbers and say nothing; the shortcuts' convolutions, 1×1, run before the blocks' own there, and after them here.
    /// </summary>
    private static IEnumerable<ParameterTensor> Convolutions(OnnxNetwork network, Graph graph, string source)
    {
        OnnxNetwork.Node[] stored = [.. network.Nodes.Where(n => n.Operator == "Conv")], norms = [.. network.Nodes.Where(n => n.Operator == "BatchNormalization")];
        Node[] wanted = [.. graph.Nodes.Where(n => n.Operator is Conv2dOp)];
        if (stored.Length != wanted.Length || norms.Length != stored.Length)
            throw Other($"it has {stored.Length} convolutions and {norms.Length} batch norms, ResNet-18 with blocks {string.Join("-", Config.Layers.Select(l => $"{l}"))} has {wanted.Length} of each");
        return Paired(isShortcut: false).Concat(Paired(isShortcut: true));

        IEnumerable<ParameterTensor> Paired(bool isShortcut)
        {
            (OnnxNetwork.Node Conv, OnnxNetwork.Node Norm)[] from = [.. stored.Zip(norms).Where(p => Find(p.First, 1).Shape is [_, _, 1, 1] == isShortcut)];
            Node[] to = [.. wanted.Where(n => n.Name.Contains("downsample", StringComparison.Ordinal) == isShortcut)];
            return from.Length == to.Length ? from.Zip(to).SelectMany(p => Block(p.First.Conv, p.First.Norm, p.Second.Name)) : throw Other($"{from.Length} of its convolutions are of shortcuts, {to.Length} of ResNet-18's");
        }

        IEnumerable<ParameterTensor> Block(OnnxNetwork.Node conv, OnnxNetwork.Node norm, string module)
        {
            MemoryTensor weight = Find(conv, 1);
            yield return Named(module == "conv1" ? WithBlocksReversed(weight, axis: 1) : weight, $"{module}.weight");
            string normModule = module.EndsWith(".0", StringComparison.Ordinal) ? $"{module[..^1]}1" : module.Replace("conv", "bn", StringComparison.Ordinal);
            string[] names = ["weight", "bias", "running_mean", "running_var"];
            for (int i = 0; i < names.Length; i++)
                yield return Named(Find(norm, i + 1), $"{normModule}.{names[i]}");
            yield return new MemoryTensor($"{normModule}.num_batches_tracked", DType.Int64, [], new byte[sizeof(long)]);
        }

        MemoryTensor Named(MemoryTensor tensor, string key)
        {
            Shape shape = graph.Parameters.First(p => p.Name == key).Shape;
            return tensor.Shape == shape ? new MemoryTensor(key, shape, tensor.AsFloats().Span) : throw Other($"'{tensor.Name}' has shape {tensor.Shape} where '{key}' is wanted, {shape}");
        }

        MemoryTensor Find(OnnxNetwork.Node node, int input) => node.Inputs.Count > input && network.Tensors.TryGetValue(node.Inputs[input], out MemoryTensor? tensor) ? tensor
            : throw Other($"a {node.Operator} has no float32 weights");

        WeightsFormatException Other(string difference) => new(source, $"another network than the one of the package {PackageId}, which alone is converted from ONNX: {difference}.");
    }

    private static ParameterTensor MeanImage(OnnxNetwork preprocessing, Graph graph, string source)
    {
        Shape shape = graph.Parameters.First(p => p.Name == GraphBuilder.MeanImage).Shape;
        MemoryTensor mean = preprocessing.Tensors.Values.FirstOrDefault(t => t.Length == shape.Length) ?? throw new WeightsFormatException(source, $"{MeanFile} has no mean image of shape {shape}.");
        return new MemoryTensor(GraphBuilder.MeanImage, shape, WithBlocksReversed(mean, axis: mean.Shape.Rank - 3).AsFloats().Span);
    }

    /// <summary>Blue, green, red become red, green, blue.</summary>
    private static MemoryTensor WithBlocksReversed(MemoryTensor tensor, int axis)
    {
        int count = tensor.Shape[axis], length = (int)tensor.Shape.Dimensions[(axis + 1)..].ToArray().Aggregate(1L, (product, d) => product * d);
        float[] values = tensor.ToArray(), reversed = new float[values.Length];
        for (int i = 0; i < values.Length; i += length)
        {
            int block = i / length, first = block / count * count;
            values.AsSpan(i, length).CopyTo(reversed.AsSpan((first + count - 1 - block % count) * length));
        }
        return new MemoryTensor(tensor.Name, tensor.Shape, reversed);
    }
}
