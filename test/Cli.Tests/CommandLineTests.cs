using System.CommandLine;

namespace TimmFeatures.Cli.Tests;

/// <summary>What is the same for all commands.</summary>
[TestClass]
public sealed class CommandLineTests
{
    private static RootCommand Root { get; } = CommandLine.Create(new Terminal(TextWriter.Null, TextWriter.Null, TextReader.Null, CancellationToken.None));

    public static IEnumerable<string> Commands => Root.Subcommands.Select(c => c.Name);

    /// <summary>Neither an image where images are expected, nor the value of the option before it.</summary>
    [TestMethod]
    [DynamicData(nameof(Commands))]
    public void An_option_that_a_command_does_not_have_is_an_error_with_the_nearest_one(string name)
    {
        string problem = "There is no option '--nonsense'.", help = $"See 'timm-features {name} --help'.";
        Tool.Fail(ExitCode.Usage, [name, "--nonsense"], problem, help);
        Tool.Fail(ExitCode.Usage, [name, "a", "b", "--nonsense=3", "c"], problem, help);
        Command command = Root.Subcommands.Single(c => c.Name == name);
        foreach (Option option in command.Options)
        {
            Tool.Fail(ExitCode.Usage, [name, "a", "b", $"{option.Name}x"], $"There is no option '{option.Name}x'. Did you mean '", $"'{option.Name}'");
            if (option.Arity.MaximumNumberOfValues > 0)
                Tool.Fail(ExitCode.Usage, [name, "a", "b", option.Name, "--nonsense"], problem);
        }
    }

    [TestMethod]
    public void An_option_of_other_commands_is_told_of_as_theirs()
    {
        Tool.Fail(ExitCode.Usage, ["extract", "resnet18", "photos", "--top", "3"], "There is no option '--top'. 'similar' has it. See 'timm-features extract --help'.");
        Tool.Fail(ExitCode.Usage, ["list", "-o", "x"], "There is no option '-o'. 'convert', 'extract', ", " have it.");
        Tool.Fail(ExitCode.Usage, ["info", "resnet18", "--nonsense"], "There is no option '--nonsense'. See");
    }

    [TestMethod]
    public void Arguments_that_are_too_many_are_told_of_with_those_there_are()
    {
        Tool.Fail(ExitCode.Usage, ["info", "resnet18", "resnet50"], "'resnet50' is one argument too many; 'info' takes MODEL.");
        Tool.Fail(ExitCode.Usage, ["similar", "f.npy", "a.jpg", "b.jpg"], "'b.jpg' is one argument too many; 'similar' takes INDEX and IMAGE.");
        Tool.Fail(ExitCode.Usage, ["serve", "resnet18"], "'resnet18' is one argument too many; 'serve' takes options alone.");
    }

    [TestMethod]
    public void An_option_without_a_command_is_an_error()
    {
        Tool.Fail(ExitCode.Usage, ["--versoin"], "There is no option '--versoin'. Did you mean '--version'?");
        Tool.Fail(ExitCode.Usage, ["--nonsense", "list"], "There is no option '--nonsense'.", "'timm-features list --help'");
    }

    /// <summary>Whoever types the name alone sees what can follow it; a script that does has made a mistake, and gets nothing where it expects a result.</summary>
    [TestMethod]
    public void Without_a_command_all_commands_are_listed()
    {
        Tool run = Tool.Run();
        Assert.AreEqual((ExitCode.Usage, ""), (run.ExitCode, run.Out));
        foreach (Command command in Root.Subcommands)
            Assert.Contains(command.Description!.Split('.', ',', ':')[0], run.Error);
        Assert.AreEqual(Tool.Succeed("--help").Out, run.Error);
    }

    [TestMethod]
    public void Help_is_also_a_command()
    {
        Assert.AreEqual(Tool.Succeed("--help").Out, Tool.Succeed("help").Out);
        Assert.AreEqual(Tool.Succeed("--help").Out, Tool.Succeed("help", "help").Out);
        Assert.AreEqual(Tool.Succeed("extract", "--help").Out, Tool.Succeed("help", "extract").Out);
        Tool.Fail(ExitCode.Usage, ["help", "exract"], "There is no command 'exract'. Did you mean 'extract'");
        Tool.Fail(ExitCode.Usage, ["exract", "--help"], "There is no command 'exract'. Did you mean 'extract'");
    }

    [TestMethod]
    public void A_file_whose_name_begins_with_two_dashes_is_given_behind_two_dashes_or_by_its_folder()
    {
        string[] common = ["extract", "test_resnet", "--random-weights", "-o", "never.csv"];
        Tool.Fail(ExitCode.Failure, [.. common, "--", "--json"], "'--json'");
        Tool.Fail(ExitCode.Failure, [.. common, "./--json"], "'./--json'");
        Tool.Fail(ExitCode.Usage, [.. common, "--photo.jpg"], "There is no option '--photo.jpg'.", "A file of that name is './--photo.jpg', or comes behind '--'.");
    }
}
