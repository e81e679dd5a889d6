using System.CommandLine;
using TimmFeatures.Cli.Options;
using TimmFeatures.Extraction;
using TimmFeatures.Extraction.Images;

namespace TimmFeatures.Cli.Commands;

/// <summary><c>merge</c>: shards into one file.</summary>
internal static class MergeCommand
{
    /// <summary>What was written.</summary>
    public sealed record Merged(string File, string Report, int Shards, int Rows, int Failed);

    public static Command Create(Terminal terminal)
    {
        var shards = new Argument<string[]>("SHARDS") { Description = "Files of all shards, or a pattern; those named after the output unless given.", Arity = ArgumentArity.ZeroOrMore };
        Option<string> output = CommonOptions.Output("The file to write; of another kind than the shards if its name says so.");
        Option<bool> json = CommonOptions.Json();
        var command = new Command("merge", "Joins the files of all shards into the one, byte for byte, that a single machine would have written.") { shards, output, json };
        HelpWithExamples.Add(command, "timm-features merge -o features.parquet", "timm-features merge 'features-*-of-00016.parquet' -o features.npz");
        command.SetAction(result =>
        {
            string file = result.GetValue(output)!;
            string[] given = result.GetValue(shards)!;
            IReadOnlyList<string> files = given.Length == 0 ? ShardMerge.Find(file) : [.. given.SelectMany(Expand)];
            CommonOptions.KeepInputs(output.Name, file, files);
            ExtractionReport report = ShardMerge.Run(files, file, terminal.Cancellation);
            if (result.GetValue(json))
                terminal.Json(new Merged(file, ExtractionReport.PathOf(file), files.Count, report.Rows, report.Failures.Count));
            else
                terminal.Out.WriteLine($"{file}: {report.Rows} rows of {files.Count} shards, {report.Failures.Count} without features.");
            return ExitCode.Success;
        });
        return command;
    }

    private static IEnumerable<string> Expand(string argument)
    {
        if (File.Exists(argument) || !FilePattern.IsPattern(argument))
            return [argument];
        string[] files = [.. FilePattern.Expand(argument).Where(f => !f.EndsWith(".report.json", StringComparison.Ordinal) && !f.EndsWith(".rows.csv", StringComparison.Ordinal))];
        return files.Length > 0 ? files : throw new FileNotFoundException($"No file is like '{argument}'.", argument);
    }
}
