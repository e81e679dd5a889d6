using System.CommandLine;
using Backbones.Graphs;
using Backbones.Registry;
using TimmFeatures.Cli.Options;

namespace TimmFeatures.Cli.Commands;

/// <summary><c>list</c>: the models there are.</summary>
internal static class ListCommand
{
    /// <summary>One line of the list.</summary>
    public sealed record Entry(string Name, string Family, bool Pretrained, string? License, int[] InputSize);

    public static Command Create(Terminal terminal)
    {
        var filter = new Argument<string?>("FILTER") { Description = "Part of a name, or a pattern with *, ? and [a-z]; all models without it.", Arity = ArgumentArity.ZeroOrOne };
        var pretrained = new Option<bool>("--pretrained") { Description = "Every set of published weights by its full name (architecture.tag)." };
        var family = new Option<string[]>("--family") { Description = "Families (timm's files, such as vision_transformer; torchvision for its own models). May be given several times.", HelpName = "NAME" };
        Option<bool> json = CommonOptions.Json();
        var command = new Command("list", "Lists models by name.") { filter, pretrained, family, json };
        HelpWithExamples.Add(command, "timm-features list resnet", "timm-features list 'convnext_*' --pretrained", "timm-features list --family vision_transformer --json");
        command.SetAction(result => Run(terminal, result.GetValue(filter), result.GetValue(pretrained), result.GetValue(family), result.GetValue(json)));
        return command;
    }

    private static int Run(Terminal terminal, string? filter, bool pretrained, string[]? families, bool json)
    {
        string[]? filters = filter is null ? null : [filter.AsSpan().ContainsAny("*?[") ? filter : $"*{filter}*"];
        IReadOnlyList<string> names = ModelNames.List(filters, families is { Length: > 0 } ? families : null, pretrained);
        if (json)
        {
            terminal.Json(names.Select(n => Describe(n)));
        }
        else
        {
            foreach (string name in names)
                terminal.Out.WriteLine(name);
        }
        if (names.Count == 0)
            terminal.Error.WriteLine($"No model {(filter is null ? "is like that." : $"has a name like '{filter}'.{NearestName.Suggest(filter, ModelNames.List())}")}");
        return names.Count > 0 ? ExitCode.Success : ExitCode.Failure;
    }

    private static Entry Describe(string name)
    {
        PretrainedConfig config = ModelNames.GetConfig(name);
        return new Entry(name, ModelNames.ModuleOf(config.Architecture), config.HasWeights, config.License, [.. config.InputSize]);
    }
}
