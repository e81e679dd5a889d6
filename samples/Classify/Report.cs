using Microsoft.ML.Data;
using Spectre.Console;

namespace Classify;

/// <summary>The tables at the end: accuracy by class, and where the time went.</summary>
internal static class Report
{
    /// <summary>Into a file or a pipe goes plain text, unbroken.</summary>
    public static void Prepare()
    {
        if (!Console.IsOutputRedirected)
            return;
        AnsiConsole.Profile.Capabilities.Ansi = false;
        AnsiConsole.Profile.Width = 1000;
    }

    public static void Print(JobSettings settings, string[] labels, string[] actual, string[] predicted, MulticlassClassificationMetrics metrics, StageTimes times, int pictures)
    {
        var classes = new Table().Border(TableBorder.Rounded).AddColumn("class").AddColumn(new TableColumn("held out").RightAligned()).AddColumn(new TableColumn("right").RightAligned()).AddColumn(new TableColumn("accuracy").RightAligned());
        foreach (string label in labels)
        {
            int count = actual.Count(a => a == label), right = actual.Zip(predicted).Count(p => p.First == label && p.Second == label);
            classes.AddRow(label.EscapeMarkup(), $"{count}", $"{right}", count == 0 ? "–" : $"{(double)right / count:P0}");
        }
        classes.AddEmptyRow();
        classes.AddRow("[bold]all[/]", $"[bold]{actual.Length}[/]", $"[bold]{actual.Zip(predicted).Count(p => p.First == p.Second)}[/]", $"[bold]{metrics.MicroAccuracy:P1}[/]");
        AnsiConsole.Write(classes);

        var time = new Table().Border(TableBorder.Rounded).AddColumn("stage").AddColumn(new TableColumn("seconds").RightAligned());
        foreach ((string stage, TimeSpan elapsed) in times.All)
            time.AddRow(stage, $"{elapsed.TotalSeconds:0.00}");
        AnsiConsole.Write(time);
        AnsiConsole.MarkupLineInterpolated($"{settings.Featurizer.ModelName}: [bold]{pictures / times.Featurizing.TotalSeconds:0.0}[/] images per second (decoding, transform, features and .NET's first compilation), accuracy [bold]{metrics.MicroAccuracy:P1}[/], log-loss {metrics.LogLoss:0.000}");
    }
}
