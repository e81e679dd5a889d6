using Spectre.Console;
using TimmFeatures.Extraction;

namespace TimmFeatures.Cli;

/// <summary>
/// Where a command reads and writes. Results go to <see cref="Out"/>, progress and errors to <see cref="Error"/>. Into a file or a pipe goes plain text:
/// no escape codes, no wrapping, tables as lines with tabs.
/// </summary>
/// <param name="output">Standard output.</param>
/// <param name="error">Standard error.</param>
/// <param name="input">Standard input.</param>
/// <param name="cancellation">Cancelled by Ctrl-C and SIGTERM.</param>
internal sealed class Terminal(TextWriter output, TextWriter error, TextReader input, CancellationToken cancellation)
{
    public TextWriter Out => output;

    public TextWriter Error => error;

    public TextReader In => input;

    public CancellationToken Cancellation => cancellation;

    /// <summary>Whether somebody looks at <see cref="Out"/>.</summary>
    public bool IsOutputShown { get; init; }

    /// <summary>Whether somebody looks at <see cref="Error"/>.</summary>
    public bool IsErrorShown { get; init; }

    /// <summary>The process's own streams.</summary>
    public static Terminal OfProcess(CancellationToken cancellation) => new(Console.Out, new ErrorWriter(Console.Error), Console.In, cancellation)
    {
        IsOutputShown = !Console.IsOutputRedirected,
        IsErrorShown = !Console.IsErrorRedirected,
    };

    /// <summary>A value as JSON with timm's kind of names (<c>num_features</c>), the same in every culture.</summary>
    public void Json<T>(T value) => output.WriteLine(SnakeCaseJson.Write(value));

    /// <summary>A table: with borders where somebody looks, otherwise a line of tab-separated cells per row, the headers first.</summary>
    public void Table(IReadOnlyList<string> headers, IEnumerable<IReadOnlyList<string>> rows)
    {
        if (!IsOutputShown)
        {
            foreach (IReadOnlyList<string> row in rows.Prepend(headers))
                output.WriteLine(string.Join('\t', row));
            return;
        }
        Table table = new Table().Border(TableBorder.Rounded);
        foreach (string header in headers)
            table.AddColumn(new TableColumn(header.EscapeMarkup()).NoWrap());
        foreach (IReadOnlyList<string> row in rows)
            table.AddRow([.. row.Select(c => c.EscapeMarkup())]);
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) }).Write(table);
    }
}
