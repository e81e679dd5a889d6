using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Runtime.CompilerServices;

namespace TimmFeatures.Cli;

/// <summary>The usual help of a command, and below it its examples.</summary>
internal sealed class HelpWithExamples(HelpAction help, Terminal terminal) : SynchronousCommandLineAction
{
    private static readonly ConditionalWeakTable<Command, string[]> s_examples = [];

    /// <summary>Gives a command examples, each as it is typed.</summary>
    public static void Add(Command command, params string[] examples) => s_examples.Add(command, examples);

    /// <summary>Who asks for help has not written the whole line yet.</summary>
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        if (!terminal.IsOutputShown)
            help.MaxWidth = int.MaxValue;
        help.Invoke(parseResult);
        string[] examples = s_examples.TryGetValue(parseResult.CommandResult.Command, out string[]? own) ? own : ["timm-features COMMAND --help"];
        TextWriter output = parseResult.InvocationConfiguration.Output;
        output.WriteLine("Examples:");
        foreach (string example in examples)
            output.WriteLine($"  {example}");
        output.WriteLine();
        return ExitCode.Success;
    }
}
