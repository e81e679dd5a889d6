using System.Globalization;
using System.Text;
using Backbones.Graphs;

namespace Backbones.Weights;

/// <summary>Weights do not fit a model. Everything that is wrong is listed at once.</summary>
public sealed class ParameterMismatchException : Exception
{
    /// <summary>So many lines of each kind go into the message; the lists are complete.</summary>
    private const int Shown = 20;

    internal ParameterMismatchException(string source, IReadOnlyList<string> missing, IReadOnlyList<string> unexpected,
        IReadOnlyList<string> misshaped, IReadOnlyList<string> nonFinite)
        : base(Describe(source, missing, unexpected, misshaped, nonFinite))
    {
        (Missing, Unexpected, Misshaped, NonFinite) = (missing, unexpected, misshaped, nonFinite);
    }

    /// <summary>Keys that the model has and the weights lack.</summary>
    public IReadOnlyList<string> Missing { get; }

    /// <summary>Keys that the weights have and the model lacks.</summary>
    public IReadOnlyList<string> Unexpected { get; }

    /// <summary>Keys whose shape or kind of element differs, each with what the weights have and what the model takes.</summary>
    public IReadOnlyList<string> Misshaped { get; }

    /// <summary>Keys with NaN or infinite values, each with the first position and the count.</summary>
    public IReadOnlyList<string> NonFinite { get; }

    private static string Describe(string source, IReadOnlyList<string> missing, IReadOnlyList<string> unexpected,
        IReadOnlyList<string> misshaped, IReadOnlyList<string> nonFinite)
    {
        StringBuilder text = new($"The weights in {source} do not fit the model: ");
        text.AppendJoin(", ", new (int Count, string What)[]
        {
            (missing.Count, "missing"), (unexpected.Count, "unexpected"), (misshaped.Count, "mis-shaped"), (nonFinite.Count, "with NaN or infinity"),
        }.Where(p => p.Count > 0).Select(p => $"{p.Count} {p.What}")).Append('.');
        Section(text, "missing (in the model, not in the weights)", [.. missing.Take(Shown).Select(k => k + Near(k, unexpected))], missing.Count);
        Section(text, "unexpected (in the weights, not in the model)", unexpected, unexpected.Count);
        Section(text, "mis-shaped", misshaped, misshaped.Count);
        Section(text, "with NaN or infinity", nonFinite, nonFinite.Count);
        return text.ToString();
    }

    private static string Near(string key, IReadOnlyList<string> unexpected)
        => NearestName.Find(key, unexpected, 1) is [string near] ? $" (near it, unexpected: {near})" : "";

    private static void Section(StringBuilder text, string title, IReadOnlyList<string> lines, int count)
    {
        if (count == 0)
        {
            return;
        }
        text.Append('\n').Append(title).Append(':');
        foreach (string line in lines.Take(Shown))
        {
            text.Append("\n  ").Append(line);
        }
        if (count > Shown)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n  … and {count - Shown} more");
        }
    }
}
