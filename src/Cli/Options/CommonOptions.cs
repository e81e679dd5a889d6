using System.CommandLine;
using TimmFeatures.Extraction;

namespace TimmFeatures.Cli.Options;

/// <summary>Options that several commands have in the same words.</summary>
internal static class CommonOptions
{
    /// <summary>Images that are computed together, at most.</summary>
    public const int MaxBatch = 4096;

    public static Option<bool> Json() => new("--json") { Description = "The result as JSON on standard output." };

    /// <summary>A path that something is written to.</summary>
    /// <param name="description">What is written.</param>
    /// <param name="helpName">What the help calls it.</param>
    /// <param name="ending">How its name ends where only one kind of file is written: under another a file would be taken for what it is not.</param>
    /// <param name="withStorages">Whether it may be an object of a storage, too.</param>
    public static Option<string> Output(string description, string helpName = "FILE", string? ending = null, bool withStorages = false)
    {
        var option = new Option<string>("--output", "-o") { Description = description, HelpName = helpName, Required = true };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: "" }])
                result.AddError($"--output '' is not valid; expected a {helpName}.");
            else if (!withStorages && result.Tokens is [var address] && address.Value.Contains("://", StringComparison.Ordinal))
                result.AddError($"--output '{address.Value.Split("://")[0]}://…' is not valid; expected a path: 'submit' alone writes to storages.");
            else if (ending is not null && result.Tokens is [var path] && !path.Value.EndsWith(ending, StringComparison.OrdinalIgnoreCase))
                result.AddError($"--output '{path.Value}' is not valid; expected a name that ends in {ending}, which is what is written.");
        });
        return option;
    }

    /// <summary>Where downloads are kept.</summary>
    public static Option<string?> CacheDir()
    {
        var option = new Option<string?>("--cache-dir") { Description = "Folder where downloads are kept and looked for, instead of the caches that timm and torch use too.", HelpName = "FOLDER" };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var folder] && string.IsNullOrWhiteSpace(folder.Value))
                result.AddError($"{option.Name} '{folder.Value}' is not valid; expected a folder.");
        });
        return option;
    }

    /// <summary>Refuses to write over what is read.</summary>
    /// <param name="option">The option that names the file to write.</param>
    /// <param name="output">That file; null for none.</param>
    /// <param name="inputs">What is read; nulls are none.</param>
    /// <exception cref="UsageException">The file is one of them.</exception>
    public static void KeepInputs(string option, string? output, params IEnumerable<string?> inputs)
    {
        if (output is not null && File.Exists(output) && inputs.OfType<string>().Any(i => File.Exists(i) && RealPath(i) == RealPath(output)))
            throw new UsageException($"{option} '{output}' is what is read, and would be overwritten; expected another file.");
    }

    private static string RealPath(string file) => new FileInfo(file).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? Path.GetFullPath(file);

    /// <summary>A whole number of 1 or more.</summary>
    public static Option<int?> Count(string name, string description, string helpName = "N", int most = int.MaxValue)
    {
        var option = new Option<int?>(name) { Description = description, HelpName = helpName };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out int value) && (value < 1 || value > most))
                result.AddError($"{name} {value} is not valid; expected {(most == int.MaxValue ? "1 or more" : $"1 to {most}")}.");
        });
        return option;
    }
}
