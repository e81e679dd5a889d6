#:project ../../src/Backbones.TorchSharp/Backbones.TorchSharp.csproj
#:property PublishAot=false
#:package TorchSharp-cpu

// Teaches a backbone with a feature pyramid network and a segmentation head which texture each pixel shows, on pictures put together from two
// textures. Saves, loads again, compares.
// dotnet run -c Release samples/apps/fine-tune-segmentation.cs       (needs a system that loads TorchSharp-cpu)
using Backbones;
using Backbones.Engines.Torch;
using Backbones.Imaging;
using Backbones.Layers;
using Backbones.Weights;
using TorchSharp;

const int size = 96, steps = 120, batch = 8;
string samples = Path.Combine((string)AppContext.GetData("EntryPointFileDirectoryPath")!, "..");
using var backbone = Backbone.Create("test_resnet.textures16", new BackboneOptions { WeightsPath = Path.Combine(samples, "weights", "test_resnet.textures16"), ImageSize = size });
string[] classes = [.. Directory.EnumerateDirectories(Path.Combine(samples, "textures")).Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal)];

// Pyramid → equal widths → a score of each class for each pixel: all one graph, so one module, with timm's names for the backbone's part.
SelectedFeatures selected = backbone.Select(FeatureSelection.Pyramid([1, 2, 3, 4])).Extend((b, levels) =>
{
    var maps = FeaturePyramidNetwork.Build(b, "fpn", levels, outChannels: 48);
    return [("scores", SegmentationHead.Build(b, "head", [.. maps.Select(m => m.Map)], classes.Length, size, size))];
});
GraphModule module;
try
{
    module = backbone.ToModule(selected);
}
catch (TorchSharpUnavailableException e)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}
using IDisposable disposal = module;

// Of the pictures of each class every third is held out.
var transform = new ImageTransform(backbone.TransformOptions);
var textures = classes.Select(name => Directory.EnumerateFiles(Path.Combine(samples, "textures", name), "*.jpg").Order(StringComparer.Ordinal).Select(Load).ToArray()).ToArray();
float[][][] training = [.. textures.Select(t => t.Where((_, i) => i % 3 != 0).ToArray())], heldOut = [.. textures.Select(t => t.Where((_, i) => i % 3 == 0).ToArray())];
(torch.Tensor testX, torch.Tensor testY) = Mosaics(heldOut, 40, new Random(7));

Console.WriteLine($"Before: mean IoU {MeanIoU(Predict(module), testY):P1} on {testX.size(0)} held-out pictures.");
using var optimizer = torch.optim.AdamW(module.parameters(), lr: 3e-3, weight_decay: 0.01);
var random = new Random(3);
var losses = new List<float>();
module.train();
for (int step = 0; step < steps; step++)
{
    using IDisposable scope = torch.NewDisposeScope();
    (torch.Tensor images, torch.Tensor labels) = Mosaics(training, batch, random);
    optimizer.zero_grad();
    torch.Tensor loss = torch.nn.functional.cross_entropy(module.call(images)[0], labels);
    loss.backward();
    optimizer.step();
    losses.Add(loss.item<float>());
    if (step % 10 == 9)
        Console.WriteLine($"step {step + 1}: loss {losses.TakeLast(10).Average():0.000}");
}
Console.WriteLine($"After: mean IoU {MeanIoU(Predict(module), testY):P1} on {testX.size(0)} held-out pictures.");

// Saved under timm's names, and read by a new module.
string file = Path.Combine(Path.GetTempPath(), $"timm-features-{Environment.ProcessId}.safetensors");
using (ParameterStore weights = module.Snapshot())
    SafetensorsWriter.Write(file, weights.Tensors);
using (ParameterStore weights = ParameterStore.Open(file))
using (var loaded = new GraphModule("loaded", selected.Graph, weights))
{
    bool same = Predict(loaded).eq(Predict(module)).all().item<bool>();
    Console.WriteLine($"Saved ({new FileInfo(file).Length / 1e6:0.0} MB) and loaded: the outputs are {(same ? "the same" : "different")}.");
    File.Delete(file);
    return same ? 0 : 1;
}

float[] Load(string path)
{
    var values = new float[transform.OutputLength];
    transform.ApplyEncoded(File.ReadAllBytes(path), values);
    return values;
}

// Two textures, one on each side of a line through the picture; the label of a pixel is the number of its texture.
(torch.Tensor Images, torch.Tensor Labels) Mosaics(float[][][] textures, int count, Random random)
{
    float[] images = new float[count * 3 * size * size];
    long[] labels = new long[count * size * size];
    for (int n = 0; n < count; n++)
    {
        int first = random.Next(classes.Length), second = (first + random.Next(1, classes.Length)) % classes.Length;
        float[] a = textures[first][random.Next(textures[first].Length)], b = textures[second][random.Next(textures[second].Length)];
        (double sin, double cos) = Math.SinCos(random.NextDouble() * 2 * Math.PI);
        double offset = (random.NextDouble() - 0.5) * size / 2;
        for (int i = 0; i < size * size; i++)
        {
            bool isFirst = (i % size - size / 2) * cos + (i / size - size / 2) * sin < offset;
            labels[n * size * size + i] = isFirst ? first : second;
            for (int c = 0; c < 3; c++)
                images[(n * 3 + c) * size * size + i] = (isFirst ? a : b)[c * size * size + i];
        }
    }
    return (torch.tensor(images).reshape(count, 3, size, size), torch.tensor(labels).reshape(count, size, size));
}

torch.Tensor Predict(GraphModule module)
{
    using IDisposable noGrad = torch.no_grad();
    module.eval();
    torch.Tensor scores = module.call(testX)[0];
    module.train();
    return scores;
}

double MeanIoU(torch.Tensor scores, torch.Tensor labels)
{
    using IDisposable scope = torch.NewDisposeScope();
    torch.Tensor predicted = scores.argmax(1);
    return Enumerable.Range(0, classes.Length).Average(c =>
    {
        torch.Tensor said = predicted.eq(c), shown = labels.eq(c);
        return said.logical_and(shown).sum().item<long>() / (double)Math.Max(1, said.logical_or(shown).sum().item<long>());
    });
}
