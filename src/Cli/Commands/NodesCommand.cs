using System.CommandLine;
using Backbones;
using Backbones.Graphs;
using TimmFeatures.Cli.Options;

namespace TimmFeatures.Cli.Commands;

/// <summary><c>nodes</c>: what <c>--nodes</c> can choose.</summary>
internal static class NodesCommand
{
    /// <summary>A node, and its value's shape for one image.</summary>
    public sealed record Entry(string Name, int[] Shape);

    public static Command Create(Terminal terminal)
    {
        var model = new ModelArguments(downloads: false);
        Option<bool> json = CommonOptions.Json();
        var command = new Command("nodes", "Lists a model's nodes in the order of execution, with the shapes of their values. No weights are downloaded.");
        model.AddTo(command);
        command.Options.Add(json);
        HelpWithExamples.Add(command, "timm-features nodes resnet18", "timm-features nodes torchvision/resnet50 --json");
        command.SetAction(result =>
        {
            string name = result.GetValue(model.Model)!;
            BackboneOptions options = model.Read(result, terminal);
            Graph graph = Backbone.Outline(Backbone.FindConfig(name, options), FeatureSelection.Logits, options).Backbone.Graph;
            Entry[] nodes = [.. graph.Nodes.Where(n => n.IsNamed).Select(n => new Entry(n.Name, [.. n.Shape]))];
            if (result.GetValue(json))
                terminal.Json(nodes);
            else
                terminal.Table(["node", "shape"], nodes.Select(n => (string[])[n.Name, Shape.Create(n.Shape).ToString()]));
            return ExitCode.Success;
        });
        return command;
    }
}
