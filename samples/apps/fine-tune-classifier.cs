#:project ../../src/Backbones.TorchSharp/Backbones.TorchSharp.csproj
#:property PublishAot=false
#:package TorchSharp-cpu

// Fine-tunes a backbone end to end: its weights know sixteen other textures, a new classifier learns these eight. Saves, loads again, compares.
// dotnet run -c Release samples/apps/fine-tune-classifier.cs         (needs a system that loads TorchSharp-cpu)
using Backbones;
using Backbones.Engines.Torch;
using Backbones.Imaging;
using Backbones.Weights;
using TorchSharp;

string samples = Path.Combine((string)AppContext.GetData("EntryPointFileDirectoryPath")!, "..");
using var backbone = Backbone.Create("test_resnet.textures16", new BackboneOptions { WeightsPath = Path.Combine(samples, "weights", "test_resnet.textures16"), ImageSize = 96 });
string[] classes = [.. Directory.EnumerateDirectories(Path.Combine(samples, "textures")).Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal)];

// The classifier is a part of the graph: one module, one state_dict, and timm's name for it.
SelectedFeatures selected = backbone.Select(FeatureSelection.Pooled()).Extend((b, outputs) => [("logits", b.Linear("fc", outputs[0].Map, classes.Length))]);
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
var pictures = classes.SelectMany((name, label) => Directory.EnumerateFiles(Path.Combine(samples, "textures", name), "*.jpg").Order(StringComparer.Ordinal)
    .Select((path, i) => (Values: Load(path), Label: (long)label, IsHeldOut: i % 3 == 0))).ToArray();
(torch.Tensor trainX, torch.Tensor trainY) = Tensors(pictures.Where(p => !p.IsHeldOut));
(torch.Tensor testX, torch.Tensor testY) = Tensors(pictures.Where(p => p.IsHeldOut));

Console.WriteLine($"Before: {Accuracy(module):P1} of {testY.numel()} held-out pictures are right.");
using var optimizer = torch.optim.AdamW(module.parameters(), lr: 2e-3, weight_decay: 0.01);
const int steps = 60, batch = 16;
var losses = new List<float>();
module.train();
for (int step = 0; step < steps; step++)
{
    using IDisposable scope = torch.NewDisposeScope();
    torch.Tensor chosen = torch.randperm(trainY.numel())[..batch];
    torch.Tensor images = trainX[chosen];
    if (step % 2 == 1)
        images = images.flip(3);
    optimizer.zero_grad();
    torch.Tensor loss = torch.nn.functional.cross_entropy(module.call(images)[0], trainY[chosen]);
    loss.backward();
    optimizer.step();
    losses.Add(loss.item<float>());
    if (step % 10 == 9)
        Console.WriteLine($"step {step + 1}: loss {losses.TakeLast(10).Average():0.000}");
}
double tuned = Accuracy(module);
Console.WriteLine($"After: {tuned:P1} of {testY.numel()} held-out pictures are right.");

// Saved under timm's names, and read by a new module.
string file = Path.Combine(Path.GetTempPath(), $"timm-features-{Environment.ProcessId}.safetensors");
using (ParameterStore weights = module.Snapshot())
    SafetensorsWriter.Write(file, weights.Tensors);
using (ParameterStore weights = ParameterStore.Open(file))
using (var loaded = new GraphModule("loaded", selected.Graph, weights))
{
    bool same = Logits(loaded).SequenceEqual(Logits(module));
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

(torch.Tensor X, torch.Tensor Y) Tensors(IEnumerable<(float[] Values, long Label, bool)> pictures)
    => (torch.stack([.. pictures.Select(p => torch.tensor(p.Values).reshape(3, 96, 96))]), torch.tensor(pictures.Select(p => p.Label).ToArray()));

float[] Logits(GraphModule module)
{
    using IDisposable noGrad = torch.no_grad(), scope = torch.NewDisposeScope();
    module.eval();
    return module.call(testX)[0].data<float>().ToArray();
}

double Accuracy(GraphModule module)
{
    using IDisposable scope = torch.NewDisposeScope();
    return torch.tensor(Logits(module)).reshape(-1, classes.Length).argmax(1).eq(testY).to(torch.float32).mean().item<float>();
}
