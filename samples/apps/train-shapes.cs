#:project ../../src/Backbones.Detection/Backbones.Detection.csproj
#:project ../../src/Backbones.TorchSharp/Backbones.TorchSharp.csproj
#:project ../Shapes/Shapes.csproj
#:property PublishAot=false
#:package TorchSharp-cpu

// Teaches a small backbone with a pyramid and FCOS's heads where circles, squares and triangles are, and with LR-ASPP's head which pixels are theirs, on pictures made here.
// The backbone stays as it is: only the heads are learned and saved, to samples/Shapes, where detect-shapes.cs finds them.
// dotnet run -c Release samples/apps/train-shapes.cs [steps] [folder]       (needs a system that loads TorchSharp-cpu)
using System.Globalization;
using Backbones;
using Backbones.Detection;
using Backbones.Engines.Torch;
using Backbones.Layers;
using Backbones.Segmentation;
using Backbones.Weights;
using Samples.Shapes;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

const int size = ShapePicture.Size, batch = 12, smallestOfCoarse = 52;
int[] strides = [8, 16];
string samples = Path.Combine((string)AppContext.GetData("EntryPointFileDirectoryPath")!, "..");
int steps = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 600, classes = ShapePicture.ClassNames.Count;
string folder = args.Length > 1 ? args[1] : Path.Combine(samples, "Shapes");

using var backbone = Backbone.Create("test_resnet.textures16", new BackboneOptions { WeightsPath = Path.Combine(samples, "weights", "test_resnet.textures16"), ImageSize = size });
using Fcos detector = Fcos.Create(backbone.Select(FeatureSelection.Pyramid([2, 3])), classes, new FcosOptions
{
    RandomWeights = true,
    Pyramid = new FeaturePyramid(OutChannels: 32, ExtraBlocks.None),
    AnchorGenerator = new AnchorGenerator([.. strides.Select(s => new float[] { s })], [[1]]),
});
using SegmentationModel segmenter = SegmentationModel.Create(backbone.Select(FeatureSelection.Pyramid([1, 3])), classes, SegmentationMethod.Lraspp, new SegmentationOptions { RandomWeights = true });
GraphModule boxes, masks;
try
{
    boxes = new GraphModule("boxes", detector.GraphFor(size), detector.Parameters);
    masks = new GraphModule("masks", segmenter.GraphFor(size), segmenter.Parameters);
}
catch (TorchSharpUnavailableException e)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}
random.manual_seed(1);
// The backbone's statistics stay; the heads have none that a batch would have to be asked for.
boxes.eval();
masks.eval();
(string Name, TorchSharp.Modules.Parameter Value)[] learned = [.. boxes.named_parameters().Concat(masks.named_parameters()).Select(p => (p.name, p.parameter))];
foreach ((string name, TorchSharp.Modules.Parameter value) in learned)
{
    value.requires_grad = !name.StartsWith("backbone.", StringComparison.Ordinal) || name.StartsWith("backbone.fpn.", StringComparison.Ordinal);
    using IDisposable noGrad = no_grad();
    // Nearly all pixels are ground, and a distance of 0 has no gradient.
    if (name == "head.classification_head.cls_logits.bias")
        value.fill_(-4);
    else if (name == "head.regression_head.bbox_reg.bias")
        value.fill_(2);
}
TorchSharp.Modules.Parameter[] trained = [.. learned.Where(p => p.Value.requires_grad).Select(p => p.Value)];
using var optimizer = optim.AdamW(trained, lr: 4e-3, weight_decay: 1e-4);
var watch = System.Diagnostics.Stopwatch.StartNew();
var losses = new List<float[]>();
for (int step = 0; step < steps; step++)
{
    using IDisposable scope = NewDisposeScope();
    ShapePicture[] pictures = [.. Enumerable.Range(0, batch).Select(i => ShapePicture.Draw(1_000_000 + step * batch + i))];
    foreach (var group in optimizer.ParamGroups)
        group.LearningRate = 4e-3 * 0.5 * (1 + Math.Cos(Math.PI * step / steps));
    optimizer.zero_grad();
    Tensor input = tensor(pictures.SelectMany(Normalized).ToArray()).reshape(batch, 3, size, size);
    Tensor[] heads = boxes.call(input);
    (Tensor classLoss, Tensor boxLoss) = DetectionLoss(heads, pictures);
    Tensor pixelLoss = F.cross_entropy(masks.call(input)[0], tensor(pictures.SelectMany(p => p.Classes.Select(c => (long)c)).ToArray()).reshape(batch, size, size));
    (classLoss + boxLoss + pixelLoss).backward();
    optimizer.step();
    losses.Add([classLoss.item<float>(), boxLoss.item<float>(), pixelLoss.item<float>()]);
    if (step % 50 == 49)
        Console.WriteLine($"step {step + 1} ({watch.Elapsed.TotalSeconds:0} s): classes {Mean(0):0.000}, boxes {Mean(1):0.000}, pixels {Mean(2):0.000}");
}
Directory.CreateDirectory(folder);
SaveHeads(boxes, "backbone.body.", "fcos.safetensors");
SaveHeads(masks, "backbone.", "lraspp.safetensors");
return 0;

float Mean(int loss) => losses.TakeLast(50).Average(l => l[loss]);

void SaveHeads(GraphModule module, string backbonePrefix, string file)
{
    using ParameterStore weights = module.Snapshot();
    SafetensorsWriter.Write(Path.Combine(folder, file), weights.Tensors.Where(t => !t.Name.StartsWith(backbonePrefix, StringComparison.Ordinal)));
    Console.WriteLine($"Saved {file}, {new FileInfo(Path.Combine(folder, file)).Length / 1e3:0} kB.");
}

// Red, green and blue planes, as the backbone wants them.
float[] Normalized(ShapePicture picture)
{
    var values = new float[3 * size * size];
    for (int i = 0; i < values.Length; i++)
    {
        (int channel, int pixel) = Math.DivRem(i, size * size);
        values[i] = (picture.Pixels[3 * pixel + channel] / 255f - (float)backbone.Config.Mean[channel]) / (float)backbone.Config.Std[channel];
    }
    return values;
}

// FCOS: focal loss of the classes; of the pixels near a shape's centre the overlap of their box with the shape's, and how far inside it they are.
(Tensor Classes, Tensor Boxes) DetectionLoss(Tensor[] heads, ShapePicture[] pictures)
{
    Tensor Rows(int head, int length) => cat([.. strides.Select((_, level) => heads[head * strides.Length + level].reshape(batch, -1, length))], 1).reshape(-1, length);
    int[] grids = [.. strides.Select(s => size / s)];
    int pixels = grids.Sum(g => g * g);
    var labels = new float[batch * pixels * classes];
    var rows = new List<long>();
    var distances = new List<float>();
    for (int image = 0; image < batch; image++)
    {
        int first = image * pixels;
        for (int level = 0; level < strides.Length; level++)
        {
            (int stride, int grid) = (strides[level], grids[level]);
            foreach (KnownShape shape in pictures[image].Shapes.Where(s => Math.Max(s.X2 - s.X1, s.Y2 - s.Y1) >= smallestOfCoarse == (level == 1)))
            {
                (double cx, double cy) = ((shape.X1 + shape.X2) / 2.0, (shape.Y1 + shape.Y2) / 2.0);
                for (int i = 0; i < grid * grid; i++)
                {
                    (int y, int x) = (i / grid * stride, i % grid * stride);
                    if (Math.Max(Math.Abs(x - cx), Math.Abs(y - cy)) >= 1.5 * stride)
                        continue;
                    labels[(first + i) * classes + shape.Label] = 1;
                    rows.Add(first + i);
                    distances.AddRange([(float)(x - shape.X1) / stride, (float)(y - shape.Y1) / stride, (float)(shape.X2 - x) / stride, (float)(shape.Y2 - y) / stride]);
                }
            }
            first += grid * grid;
        }
    }
    Tensor logits = Rows(0, classes), target = tensor(labels).reshape(-1, classes), p = sigmoid(logits);
    Tensor entropy = F.binary_cross_entropy_with_logits(logits, target, reduction: nn.Reduction.None);
    Tensor wrong = p * (1 - target) + (1 - p) * target, share = 0.25 * target + 0.75 * (1 - target);
    Tensor classLoss = (share * wrong * wrong * entropy).sum() / rows.Count;

    Tensor at = tensor(rows.ToArray()), wanted = tensor(distances.ToArray()).reshape(-1, 4), found = Rows(1, 4).index_select(0, at), centre = Rows(2, 1).index_select(0, at).squeeze(1);
    Tensor[] w = wanted.unbind(1), f = found.unbind(1);
    Tensor shared = (minimum(w[0], f[0]) + minimum(w[2], f[2])) * (minimum(w[1], f[1]) + minimum(w[3], f[3]));
    Tensor all = (w[0] + w[2]) * (w[1] + w[3]) + (f[0] + f[2]) * (f[1] + f[3]) - shared;
    Tensor inside = (minimum(w[0], w[2]) / maximum(w[0], w[2]) * (minimum(w[1], w[3]) / maximum(w[1], w[3]))).clamp(0, 1).sqrt();
    return (classLoss, (1 - shared / all).mean() + F.binary_cross_entropy_with_logits(centre, inside));
}
