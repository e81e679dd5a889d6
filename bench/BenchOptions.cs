using System.Globalization;
using Backbones.Engines;

namespace Bench;

/// <summary>What the command line asks for.</summary>
internal sealed record BenchOptions
{
    public const string Usage = """
        Usage: Bench models [NAME…] [--batch 1,8] [--threads N] [--runs N] [--json] [--no-onnxruntime] [--float16-weights] [--gain 1.0] [--image-size 224]
               Bench kernels [NAME…] [--batch 1] [--threads N] [--runs N] [--json]
               Bench detection [NAME…] [--batch 1] [--threads N] [--runs N] [--json] [--no-onnxruntime]
               Bench pipeline [NAME…] [--images FOLDER] [--batch 16] [--threads N] [--runs N] [--json]
               Bench peers [NAME…] [--images FOLDER] [--package FOLDER] [--threads N] [--runs N] [--json]
               Bench extract [NAME…] [--images FOLDER] [--threads N] [--runs N] [--json]
               Bench serve [NAME…] [--images FOLDER] [--connections 64] [--seconds 30] [--requests 20000] [--threads N] [--runs N] [--json]
               Bench cluster [NAME…] [--images FOLDER] [--threads N] [--runs N]
               Bench first-prediction [NAME…] [--images FOLDER] [--runs N]
               Bench hold [NAME…] [--parts threads,busy,callers,memory,first] [--threads N] [--runs N] [--json]
               Bench torchsharp [NAME…] [--batch 8] [--precision float32,bfloat16] [--device cpu] [--layouts] [--threads N] [--runs N] [--json]
          detection a call of a detector (torchvision/maskrcnn_resnet50_fpn if none is named) with images of 600×800, so 800×1088 after resizing and padding,
                   whole and part by part, its graphs beside ONNX Runtime, then RoIAlign and suppression alone
          pipeline images per second of ML.NET pipelines over JPEG files, beside the bare engine
          peers    images per second of our path and MLImage columns, beside ML.NET's ApplyOnnxModel of the same network and, for resnet18.cntk_in1k,
                   DnnFeaturizeImage; --package is the folder of Microsoft.ML.DnnImageFeaturizer.ResNet18
          extract  images per second of 'timm-features extract' over image files, beside ML.NET's LoadImages, ResizeImages, ExtractPixels, ApplyOnnxModel
          serve    'timm-features serve' in a process of its own under load from this one, beside the bare engine at batch 16 and beside direct calls
          cluster  what a job on a cluster costs beside its pictures: state and turns of its grain at ten million pictures, its list of them, a job of one process beside 'extract'
          models   milliseconds per image of whole models, beside ONNX Runtime in this process and, with --float16-weights, with weights of 16 bits; --gain is that of the convolutions' made-up
                   weights (with 1, StarNet's products amplify roundings until two engines no longer agree: 0.75)
          kernels  time and GFLOP/s of each step of a model (resnet50 if none is named)
          first-prediction  milliseconds from a saved model to its first prediction, in new processes
          hold     a second thread's gain, two threads beside a busy process, two callers of one plan, peak memory and time to the first output in new processes beside ONNX Runtime's, each with its target
          torchsharp  whole models on TorchSharp's engine, beside the same graph as an eager module and the managed engine;
                   with --layouts the engine in both layouts of maps. On shared cores set OMP_WAIT_POLICY=passive
        """;

    public required string Command { get; init; }

    public IReadOnlyList<string> Models { get; init; } = [];

    public IReadOnlyList<int> Batches { get; init; } = [1];

    public int Threads { get; init; } = Environment.ProcessorCount;

    public int Runs { get; init; } = 20;

    public bool Json { get; init; }

    public string? Images { get; init; }

    public int Connections { get; init; } = 64;

    public int Seconds { get; init; } = 30;

    public int Requests { get; init; } = 20_000;

    public string? Package { get; init; }

    public IReadOnlyList<string> Parts { get; init; } = HoldBenchmark.Parts;

    public IReadOnlyList<Precision> Precisions { get; init; } = [Precision.Float32];

    public string Device { get; init; } = "cpu";

    public bool Layouts { get; init; }

    public bool WithOnnxRuntime { get; init; } = true;

    public bool HalfWeights { get; init; }

    public double Gain { get; init; } = 1;

    public int? ImageSize { get; init; }

    /// <exception cref="ArgumentException">An argument is unknown or malformed.</exception>
    public static BenchOptions Parse(string[] args)
    {
        if (args.Length == 0 || args[0] is not ("models" or "kernels" or "detection" or "pipeline" or "peers" or "extract" or "serve" or "cluster" or "first-prediction" or "hold" or "torchsharp"))
            throw new ArgumentException($"Received '{args.FirstOrDefault()}'; valid commands are 'models', 'kernels', 'detection', 'pipeline', 'peers', 'extract', 'serve', 'cluster', 'first-prediction', 'hold' and 'torchsharp'.");
        var options = new BenchOptions { Command = args[0] };
        for (int i = 1; i < args.Length; i++)
        {
            options = args[i] switch
            {
                "--batch" => options with { Batches = [.. Next().Split(',').Select(Positive)] },
                "--threads" => options with { Threads = Positive(Next()) },
                "--runs" => options with { Runs = Positive(Next()) },
                "--connections" => options with { Connections = Positive(Next()) },
                "--seconds" => options with { Seconds = Positive(Next()) },
                "--requests" => options with { Requests = Positive(Next()) },
                "--images" => options with { Images = Next() },
                "--package" => options with { Package = Next() },
                "--parts" => options with { Parts = [.. Next().Split(',').Select(Part)] },
                "--precision" => options with { Precisions = [.. Next().Split(',').Select(Format)] },
                "--device" => options with { Device = Next() },
                "--layouts" => options with { Layouts = true },
                "--json" => options with { Json = true },
                "--image-size" => options with { ImageSize = Positive(Next()) },
                "--gain" => options with { Gain = Factor(Next()) },
                "--float16-weights" => options with { HalfWeights = true },
                "--no-onnxruntime" => options with { WithOnnxRuntime = false },
                ['-', ..] => throw new ArgumentException($"Unknown option '{args[i]}'."),
                string model => options with { Models = [.. options.Models, model] },
            };

            string Next() => ++i < args.Length ? args[i] : throw new ArgumentException($"{args[i - 1]} needs a value.");
        }
        return options.Models.Count > 0 ? options : options with
        {
            Models = options.Command switch
            {
                "detection" => ["torchvision/maskrcnn_resnet50_fpn"],
                "hold" => ["resnet50", "vit_small_patch16_224", "convnext_tiny", "resnest26d", "regnety_032"],
                _ => ["resnet50"],
            },
        };

        static int Positive(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value > 0
            ? value : throw new ArgumentException($"Received '{text}'; expected a positive number.");

        static double Factor(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value > 0
            ? value : throw new ArgumentException($"Received '{text}'; expected a positive number.");

        static string Part(string text) => HoldBenchmark.Parts.Contains(text) ? text
            : throw new ArgumentException($"Received '{text}'; valid parts are {string.Join(", ", HoldBenchmark.Parts)}.");

        static Precision Format(string text) => Enum.TryParse(text, ignoreCase: true, out Precision value) && value is Precision.Float32 or Precision.Float16 or Precision.BFloat16
            ? value : throw new ArgumentException($"Received '{text}'; valid precisions are float32, float16 and bfloat16.");
    }
}
