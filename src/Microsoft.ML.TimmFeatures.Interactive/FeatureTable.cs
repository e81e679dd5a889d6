using System.Collections.Immutable;
using System.Net;
using System.Text;
using Backbones;
using Microsoft.ML.TimmFeatures.Interactive.Notebooks;

namespace Microsoft.ML.TimmFeatures.Interactive;

/// <summary>A backbone's levels or a selection's outputs as a table: HTML in notebooks, plain text elsewhere.</summary>
[TypeFormatterSource(typeof(FormatterSource), PreferredMimeTypes = ["text/html"])]
public sealed class FeatureTable : INotebookOutput
{
    private readonly ImmutableArray<string> _columns;
    private readonly ImmutableArray<ImmutableArray<string>> _rows;

    private FeatureTable(ImmutableArray<string> columns, IEnumerable<ImmutableArray<string>> rows)
    {
        _columns = columns;
        _rows = [.. rows];
    }

    /// <summary>Channels, reduction and module of levels (timm's <c>feature_info</c>).</summary>
    public static FeatureTable Of(IEnumerable<FeatureInfo> levels)
        => new(["index", "channels", "reduction", "module"], levels.Select(l => (ImmutableArray<string>)[$"{l.Index}", $"{l.Channels}", $"{l.Reduction}", l.Module]));

    /// <summary>Names and shapes of a selection's outputs.</summary>
    public static FeatureTable Of(IEnumerable<FeatureOutput> outputs)
        => new(["output", "shape", "reduction", "module"], outputs.Select(o => (ImmutableArray<string>)[o.Name, $"{o.Shape}", $"{o.Level?.Reduction}", o.Level?.Module ?? ""]));

    /// <summary>A <c>table</c> element.</summary>
    public string ToHtml()
    {
        var html = new StringBuilder("<table><thead><tr>");
        foreach (string column in _columns)
            html.Append("<th>").Append(column).Append("</th>");
        html.Append("</tr></thead><tbody>");
        foreach (ImmutableArray<string> row in _rows)
        {
            html.Append("<tr>");
            foreach (string cell in row)
                html.Append("<td>").Append(WebUtility.HtmlEncode(cell)).Append("</td>");
            html.Append("</tr>");
        }
        return html.Append("</tbody></table>").ToString();
    }

    /// <summary>Columns in line, a row per line.</summary>
    public override string ToString()
    {
        int[] widths = [.. _columns.Select((c, i) => _rows.Select(r => r[i].Length).Append(c.Length).Max())];
        return string.Join('\n', _rows.Prepend(_columns).Select(r => string.Join("  ", r.Select((cell, i) => cell.PadRight(widths[i]))).TrimEnd()));
    }
}
