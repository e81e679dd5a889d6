using Backbones;
using Backbones.Conformance;
using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Engines.Reference;
using Backbones.Engines.Torch;
using Backbones.Models;

const string Usage = """
    Usage: Conformance FILE… [--filter GLOB] [--engine managed|reference|torchsharp] [--max N] [--report MD] [--structure] [--quiet]
           Conformance preprocessing FILE IMAGE_FOLDER
           Conformance pth FOLDER
           Conformance remap FILE [--filter FAMILY/ID]
           Conformance segmentation FILE [--filter NAME]
           Conformance detection FILE [--filter KIND/NAME] [--engine managed|reference|torchsharp]
           Conformance sizes > src/Backbones/Models/sizes.txt
    Reads model lines (.jsonl) or torchvision's models in one object (.json), both also as .gz;
    prints a line a model and last 'N passed, N failed, N missing'.
    --precision float32|float16|bfloat16  number format, where the engine has it
    --device auto|cpu|cuda|cuda:N         device of the torchsharp engine
    --report MD  also writes a table of families and mechanisms
    --structure  names, shapes, counts and checksums only, no model is run
    """;

if (args is ["preprocessing", .. var preprocessing])
{
    return Preprocessing.Run(preprocessing);
}
if (args is ["pth", .. var pth])
{
    return PthRunner.Run(pth);
}
if (args is ["remap", .. var remap])
{
    return RemapRunner.Run(remap);
}
if (args is ["segmentation", .. var segmentation])
{
    return SegmentationRunner.Run(segmentation);
}
if (args is ["detection", .. var detection])
{
    return DetectionRunner.Run(detection);
}
if (args is ["sizes"])
{
    foreach (string name in ModelCatalog.Names)
    {
        ModelSize size = ModelSize.Of(ModelCatalog.Find(name).Build(BuildOptions.Default).Graph.Parameters.Select(p => (p.Name, p.Shape)));
        Console.WriteLine($"{name} {size.Entries} {size.Elements}");
    }
    return 0;
}

var files = new List<string>();
string filter = "*", engineName = "managed";
string? report = null;
string device = "auto";
Precision precision = Precision.Auto;
int max = int.MaxValue;
bool quiet = false, structure = false;
for (int i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "--filter": filter = args[++i]; break;
        case "--engine": engineName = args[++i]; break;
        case "--precision": precision = Enum.Parse<Precision>(args[++i], ignoreCase: true); break;
        case "--device": device = args[++i]; break;
        case "--max": max = int.Parse(args[++i]); break;
        case "--report": report = args[++i]; break;
        case "--quiet": quiet = true; break;
        case "--structure": structure = true; break;
        case "--help" or "-h": Console.WriteLine(Usage); return 0;
        default: files.Add(args[i]); break;
    }
}
if (files.Count == 0)
{
    Console.Error.WriteLine(Usage);
    return 2;
}
if (files.FirstOrDefault(f => !File.Exists(f)) is { } absent)
{
    Console.Error.WriteLine($"There is no file '{absent}'; expected model lines, or one of the words that --help shows.");
    return 2;
}
IEngine? engine = engineName switch
{
    "managed" => new ManagedEngine(),
    "reference" => new ReferenceEngine(),
    "torchsharp" => new TorchSharpEngine(new TorchSharpOptions { Device = device }),
    _ => null,
};
if (engine is null)
{
    Console.Error.WriteLine($"Unknown engine '{engineName}'; valid engines are 'managed', 'reference' and 'torchsharp'.");
    return 2;
}
if (precision != Precision.Auto)
    engine = new PrecisionEngine(engine, precision);

var results = new List<ModelResult>();
(int passed, int failed, int missing) = (0, 0, 0);
foreach (ModelResult result in files.SelectMany(f => ReferenceFile.Run(f, filter, structure ? null : engine)).Take(max))
{
    results.Add(result);
    switch (result.Outcome)
    {
        case Outcome.Passed: passed++; break;
        case Outcome.Failed: failed++; break;
        default: missing++; break;
    }
    if (!quiet || result.Outcome == Outcome.Failed)
        Console.WriteLine(result.Text);
}
if (report is not null)
    ConformanceReport.Write(report, engineName, results);
Console.WriteLine($"{passed} passed, {failed} failed, {missing} missing");
return ExitStatus.Of(results.Count, failed);
