using System.CommandLine;

namespace TimmFeatures.Cli.Options;

/// <summary>Options that several commands have in the same words.</summary>
internal static class CommonOptions
{
    public static Option<bool> Json() => new("--json") { Description = "The result as JSON on standard output." };

    /// <summary>A path that something is written to.</summary>
    public static Option<string> Output(string description, string helpName = "FILE") => new("--output", "-o") { Description = description, HelpName = helpName, Required = true };

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
