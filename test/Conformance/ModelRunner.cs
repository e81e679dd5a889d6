using System.Globalization;
using System.IO.Enumeration;
using System.Text.Json;
using Backbones.Engines;
using Backbones.Models;
using Backbones.Registry;

namespace Backbones.Conformance;

internal enum Outcome
{
    Passed,
    Failed,
    Missing,
}

/// <summary>What a model line came to, and the line to print.</summary>
/// <param name="Outcome">Whether it passed.</param>
/// <param name="Text">The line to print.</param>
/// <param name="Family">timm's file, where the model is known.</param>
/// <param name="Mechanisms">What was compared, such as <c>features_only</c>.</param>
internal sealed record ModelResult(Outcome Outcome, string Text, string Family = "", IReadOnlyCollection<string>? Mechanisms = null);

/// <summary>Runs one reference line against an engine.</summary>
internal static class ModelRunner
{
    /// <summary>Checks a line; null when its name does not match the filter.</summary>
    /// <param name="line">The JSON line.</param>
    /// <param name="filter">Glob over names.</param>
    /// <param name="engine">What runs the graphs; null to compare the structure alone.</param>
    public static ModelResult? Run(string line, string filter, IEngine? engine)
    {
        using JsonDocument document = JsonDocument.Parse(line);
        JsonElement root = document.RootElement;
        string name = root.GetProperty("name").GetString()!;
        string label = root.TryGetProperty("variant", out JsonElement variant) ? $"{name}/{variant.GetString()}" : name;
        if (!FileSystemName.MatchesSimpleExpression(filter, name) && !FileSystemName.MatchesSimpleExpression(filter, label))
            return null;
        if (!ModelCatalog.Contains(name))
            return new ModelResult(Outcome.Missing, $"{label} missing");

        ModelEntry model = ModelCatalog.Find(name);
        return Report(label, ModelNames.ModuleOf(name), new Checks(root, engine), checks =>
        {
            if (root.TryGetProperty("mode", out JsonElement mode))
                VariantChecks.Run(checks, model, mode.GetString()!, engine);
            else
                ModelChecks.Run(checks, model, engine);
        });
    }

    /// <summary>Runs checks and says what they came to.</summary>
    public static ModelResult Report(string label, string family, Checks checks, Action<Checks> run)
    {
        try
        {
            run(checks);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            checks.Fail("run", $"{e.GetType().Name}: {e.Message}");
        }
        return checks.Failures.Count == 0
            ? new ModelResult(Outcome.Passed, $"{label} ok {checks.Worst.ToString("0.0e-0", CultureInfo.InvariantCulture)} ({string.Join(", ", checks.Done)})", family, checks.Mechanisms)
            : new ModelResult(Outcome.Failed, $"{label} FAIL {string.Join("; ", checks.Failures)}", family, checks.Mechanisms);
    }
}
