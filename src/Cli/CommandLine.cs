using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Registry;
using Backbones.Weights;
using TimmFeatures.Cli.Commands;
using TimmFeatures.Cli.Commands.Cluster;
using TimmFeatures.Cli.Options;
using TimmFeatures.Extraction;

namespace TimmFeatures.Cli;

/// <summary>The command <c>timm-features</c>: its verbs, and what becomes of errors.</summary>
internal static class CommandLine
{
    /// <summary>Arguments that are files.</summary>
    private static readonly string[] s_files = ["FILE", "IMAGE", "IMAGES", "INDEX", "SHARDS"];

    /// <summary>Runs one command.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static int Run(IReadOnlyList<string> arguments, Terminal terminal)
    {
        RootCommand root = Create(terminal);
        // As git, dotnet and others have it.
        if (arguments.FirstOrDefault() == "help")
            arguments = [.. arguments.Where(a => a != "help"), "--help"];
        if (arguments.Count == 0)
        {
            root.Parse(["--help"]).Invoke(new InvocationConfiguration { Output = terminal.Error });
            return ExitCode.Usage;
        }
        // A file name may begin with @: nothing is read in its place.
        ParseResult parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (Problem(arguments, parsed, root) is { } problem)
        {
            terminal.Error.WriteLine($"{problem} See 'timm-features{NameOf(parsed)} --help'.");
            return ExitCode.Usage;
        }
        try
        {
            return parsed.Invoke(new InvocationConfiguration { Output = terminal.Out, Error = terminal.Error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (OperationCanceledException e) when (terminal.Cancellation.IsCancellationRequested)
        {
            terminal.Error.WriteLine(e is InterruptedException ? e.Message : "Interrupted.");
            return ExitCode.Interrupted;
        }
        catch (Exception e) when (CodeOf(e) is { } code)
        {
            terminal.Error.WriteLine(OneLine(e));
            return code;
        }
    }

    /// <summary>What a user can mend is told in a line; anything else is a defect and shows where it happened.</summary>
    private static int? CodeOf(Exception e) => e switch
    {
        UsageException => ExitCode.Usage,
        BadImageException => ExitCode.BadImage,
        IOException or UnauthorizedAccessException or InvalidDataException or ArgumentException or FormatException or NotSupportedException or InvalidOperationException or KeyNotFoundException
            or JsonException or WeightsFormatException or ParameterMismatchException or GraphException or OutOfMemoryException => ExitCode.Failure,
        _ => null,
    };

    /// <summary>.NET adds the parameter's name to the message, which is nothing to a user.</summary>
    private static string OneLine(Exception e)
    {
        string message = e is ArgumentException { ParamName: { } name } ? e.Message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal) : e.Message;
        if (e is UnknownModelException { Suggestions.Count: 0 } && message.StartsWith("Unknown model", StringComparison.Ordinal))
            message += " 'timm-features list' has all names, 'list PART' those with a part in them.";
        return CommandLineWords.Spell(string.Join(" ", message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)));
    }

    internal static RootCommand Create(Terminal terminal)
    {
        var root = new RootCommand("timm's image features: from pictures to files of features, and everything about the models.")
        {
            ListCommand.Create(terminal),
            InfoCommand.Create(terminal),
            NodesCommand.Create(terminal),
            DownloadCommand.Create(terminal),
            ConvertCommand.Create(terminal),
            ExportCommand.Create(terminal),
            ExtractCommand.Create(terminal),
            MergeCommand.Create(terminal),
            SimilarCommand.Create(terminal),
            VisualizeCommand.Create(terminal),
            BenchCommand.Create(terminal),
            ServeCommand.Create(terminal),
            SubmitCommand.Create(terminal),
            JobCommands.CreateStatus(terminal),
            JobCommands.CreateCancel(terminal),
            JobCommands.CreateRetry(terminal),
            WorkerCommand.Create(terminal),
            JobCommands.CreateTables(terminal),
        };
        if (root.Options.OfType<HelpOption>().SingleOrDefault() is { Action: HelpAction help } option)
            option.Action = new HelpWithExamples(help, terminal);
        return root;
    }

    /// <summary>What is wrong with a line; null where nothing is.</summary>
    private static string? Problem(IReadOnlyList<string> arguments, ParseResult parsed, RootCommand root)
    {
        Command command = parsed.CommandResult.Command;
        string[] known = [.. command.Options.Concat(root.Options.Where(o => o.Recursive)).SelectMany(o => o.Aliases.Append(o.Name)).Where(n => n[0] == '-').Distinct()];
        if (parsed.Action is not HelpWithExamples && MistypedOption(arguments, parsed, known) is { } mistyped)
        {
            // Of one letter all others are equally near.
            string nearest = mistyped.Length > 2 ? NearestName.Suggest(mistyped, known) : "";
            string[] others = [.. root.Subcommands.Where(c => c.Options.Any(o => o.Name == mistyped || o.Aliases.Contains(mistyped))).Select(c => $"'{c.Name}'")];
            string elsewhere = others.Length == 0 ? "" : $" {string.Join(", ", others)} {(others.Length == 1 ? "has" : "have")} it.";
            string place = others.Length == 0 && command.Arguments.Any(a => s_files.Contains(a.Name)) ? $" A file of that name is './{mistyped}', or comes behind '--'." : "";
            return $"There is no option '{mistyped}'.{nearest}{elsewhere}{place}";
        }
        if (command == root && parsed.UnmatchedTokens is [var verb, ..])
            return $"There is no command '{verb}'.{NearestName.Suggest(verb, root.Subcommands.Select(c => c.Name).Append("help"))}";
        return parsed.Errors.Count == 0 ? null : string.Join(" ", parsed.Errors.Select(e => WrongValue(e) ?? Surplus(e, parsed) ?? e.Message.ReplaceLineEndings(" ")));
    }

    /// <summary>A word with a dash that is no option of the command: the library takes it for a model or a file, or for the value of the option before it. Behind <c>--</c>, and where there is such a file, it is one.</summary>
    private static string? MistypedOption(IReadOnlyList<string> arguments, ParseResult parsed, string[] known)
    {
        if (arguments.TakeWhile(a => a != "--").Where(a => a.StartsWith("--", StringComparison.Ordinal) && !Path.Exists(a)).Select(a => a.Split('=', ':')[0]).FirstOrDefault(a => !known.Contains(a)) is { } mistyped)
            return mistyped;
        // One dash may also begin a value, such as -1.
        return parsed.Tokens.Any(t => t.Type == TokenType.DoubleDash) ? null
            : parsed.UnmatchedTokens.Concat(parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(a => a.Tokens).Select(t => t.Value))
                .FirstOrDefault(v => v.Length > 1 && v[0] == '-' && !Path.Exists(v));
    }

    /// <summary>What an option with one value expects, where the value is not that; null where it may be any text. The library would name .NET's type, and no option.</summary>
    private static string? WrongValue(ParseError error)
    {
        if (error.SymbolResult is not OptionResult { Option: var option, Tokens: [var token] })
            return null;
        string[] words = [.. option.GetCompletions(CompletionContext.Empty).Select(c => c.Label)];
        if (option.ValueType == typeof(string) && words.Length > 0 && !words.Contains(token.Value))
            return $"{option.Name} '{token.Value}' is not valid; expected {string.Join(", ", words)}.{NearestName.Suggest(token.Value, words)}";
        Type type = Nullable.GetUnderlyingType(option.ValueType) ?? option.ValueType;
        string? expected = type == typeof(int) && !int.TryParse(token.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _) ? "a whole number"
            : type == typeof(double) && !double.TryParse(token.Value, CultureInfo.InvariantCulture, out _) ? "a number" : null;
        return expected is null ? null : $"{option.Name} '{token.Value}' is not valid; expected {expected}.";
    }

    /// <summary>What a command takes, where it is given more than that; null where an error is about something else.</summary>
    private static string? Surplus(ParseError error, ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        if (error.SymbolResult is not CommandResult || parsed.UnmatchedTokens.FirstOrDefault(t => error.Message.Contains($"'{t}'", StringComparison.Ordinal)) is not { } surplus)
            return null;
        string taken = command.Arguments.Count == 0 ? "options alone" : string.Join(" and ", command.Arguments.Select(a => a.Name));
        return $"'{surplus}' is one argument too many; '{command.Name}' takes {taken}.";
    }

    private static string NameOf(ParseResult parsed) => parsed.CommandResult.Command is RootCommand ? "" : $" {parsed.CommandResult.Command.Name}";
}
