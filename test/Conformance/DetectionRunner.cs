using System.IO.Enumeration;
using System.Text.Json;
using System.Text.RegularExpressions;
using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Engines.Reference;
using Backbones.Engines.Torch;

namespace Backbones.Conformance;

/// <summary>Compares detectors and their operators with torchvision's: a line for every case of every operator, every model's state dict, and every run of a model.</summary>
internal static class DetectionRunner
{
    /// <summary>Runs every case of a file.</summary>
    /// <param name="args">The file, <c>--filter GLOB</c> over KIND/NAME (<c>ops/nms/*</c>, <c>models/*</c>, <c>cases/mask_a</c>), and <c>--engine NAME</c> for what runs detectors' graphs.</param>
    /// <returns>0 if no case failed, 1 if one did or none matched, 2 if the arguments are wrong.</returns>
    public static int Run(string[] args)
    {
        string filter = "*", engineName = "managed";
        int i = 1;
        for (; i + 1 < args.Length && args[i] is "--filter" or "--engine"; i += 2)
            (filter, engineName) = args[i] == "--filter" ? (args[i + 1], engineName) : (filter, args[i + 1]);
        IEngine? engine = engineName switch { "managed" => new ManagedEngine(), "reference" => new ReferenceEngine(), "torchsharp" => new TorchSharpEngine(new TorchSharpOptions()), _ => null };
        if (args.Length == 0 || i < args.Length || !File.Exists(args[0]) || engine is null)
        {
            Console.Error.WriteLine($"detection needs an existing FILE, and may have --filter KIND/NAME and --engine managed|reference|torchsharp; received: {string.Join(' ', args)}");
            return 2;
        }
        (int passed, int failed) = (0, 0);
        foreach (ModelResult result in Compare(args[0], filter, engine))
        {
            Console.WriteLine(result.Text);
            (passed, failed) = result.Outcome == Outcome.Passed ? (passed + 1, failed) : (passed, failed + 1);
        }
        Console.WriteLine($"{passed} passed, {failed} failed");
        return ExitStatus.Of(passed + failed, failed);
    }

    /// <summary>What became of every case that matches the filter.</summary>
    public static IEnumerable<ModelResult> Compare(string file, string filter, IEngine engine)
    {
        using StreamReader reader = new(ReferenceFile.Open(file));
        // Python writes NaN, which JSON does not have.
        using JsonDocument document = JsonDocument.Parse(Regex.Replace(reader.ReadToEnd(), @"(?<=[:,\[] ?)NaN(?=[,\]}])", "\"nan\""));
        JsonElement root = document.RootElement;
        IEnumerable<(string Name, Action<DetectionChecks> Run)> all =
        [
            .. root.TryGetProperty("ops", out JsonElement ops) ? DetectionOps.Cases(ops) : [],
            .. root.TryGetProperty("models", out JsonElement models) ? models.EnumerateObject().Select(m => ($"models/{m.Name}", (Action<DetectionChecks>)(checks => DetectionModels.CheckStateDict(checks, m.Name, m.Value)))) : [],
            .. root.TryGetProperty("cases", out JsonElement cases) ? cases.EnumerateArray().Select(c => ($"cases/{c.GetProperty("id").GetString()}", (Action<DetectionChecks>)(checks => DetectionModels.CheckCase(checks, models, c, engine)))) : [],
        ];
        foreach ((string name, Action<DetectionChecks> run) in all.Where(c => FileSystemName.MatchesSimpleExpression(filter, c.Name)))
            yield return Report(name, run);
    }

    private static ModelResult Report(string name, Action<DetectionChecks> run)
    {
        var checks = new DetectionChecks();
        try
        {
            run(checks);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            checks.Fail("run", $"{e.GetType().Name}: {e.Message}");
        }
        return checks.Failures.Count == 0
            ? new ModelResult(Outcome.Passed, $"{name} ok {checks.Summary}")
            : new ModelResult(Outcome.Failed, $"{name} FAIL {string.Join("; ", checks.Failures.Take(8))}");
    }
}
