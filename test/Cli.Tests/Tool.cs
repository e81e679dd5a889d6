using System.Text.Json;

namespace TimmFeatures.Cli.Tests;

/// <summary>Runs the command in this process, and gives back what it wrote.</summary>
internal sealed record Tool(int ExitCode, string Out, string Error)
{
    /// <summary>The repository's demo weights.</summary>
    public const string DemoModel = "test_resnet.textures16";

    public static string Root { get; } = FindRoot();

    public static string DemoWeights { get; } = Path.Combine(Root, "samples", "weights", DemoModel);

    public static string Textures { get; } = Path.Combine(Root, "samples", "textures");

    public static Tool Run(params string[] arguments) => Run(arguments, "");

    public static Tool Run(string[] arguments, string input = "", CancellationToken cancellation = default)
    {
        StringWriter output = new() { NewLine = "\n" }, error = new() { NewLine = "\n" };
        int code = CommandLine.Run(arguments, new Terminal(output, error, new StringReader(input), cancellation));
        return new Tool(code, output.ToString(), error.ToString());
    }

    /// <summary>The same for a command that has to succeed.</summary>
    public static Tool Succeed(params string[] arguments)
    {
        Tool run = Run(arguments);
        Assert.AreEqual(0, run.ExitCode, $"{string.Join(' ', arguments)}: {run.Error}");
        return run;
    }

    /// <summary>The result as JSON.</summary>
    public static JsonElement Json(params string[] arguments) => JsonDocument.Parse(Succeed([.. arguments, "--json"]).Out).RootElement;

    /// <summary>The same for a command that has to fail, with one line that has all of these texts.</summary>
    public static void Fail(int code, string[] arguments, params string[] texts)
    {
        Tool run = Run(arguments);
        Assert.AreEqual(code, run.ExitCode, $"{string.Join(' ', arguments)}: {run.Out}{run.Error}");
        Assert.AreEqual("", run.Out);
        Assert.AreEqual(run.Error.Length - 1, run.Error.IndexOf('\n'), $"One line is wanted, received: {run.Error}");
        foreach (string text in texts)
            Assert.Contains(text, run.Error);
    }

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "TimmFeatures.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new DirectoryNotFoundException($"There is no TimmFeatures.sln above {AppContext.BaseDirectory}.");
    }
}
