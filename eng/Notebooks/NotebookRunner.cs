using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp.Scripting;
using Microsoft.CodeAnalysis.Scripting;

namespace Notebooks;

/// <summary>What a cell can call besides its own code.</summary>
public sealed class CellGlobals
{
    internal List<JsonObject> Outputs { get; } = [];

    internal StringWriter Printed { get; set; } = new();

    /// <summary>Shows a value before the cell ends.</summary>
#pragma warning disable IDE1006 // the notebooks' name
    public void display(object value)
#pragma warning restore IDE1006
    {
        TakePrinted();
        Outputs.Add(CellOutput.Displayed(value));
    }

    internal void TakePrinted()
    {
        if (Printed.GetStringBuilder().Length > 0)
            Outputs.Add(CellOutput.Printed(Printed.ToString()));
        Printed.GetStringBuilder().Clear();
    }
}

/// <summary>A cell did not compile or threw.</summary>
public sealed class CellException(int number, string code, Exception inner) : Exception($"Cell {number} failed: {inner.Message}\n{code}", inner);

/// <summary>Runs a notebook's cells one after another, as .NET Interactive would, and sets their outputs.</summary>
public static partial class NotebookRunner
{
    private static readonly SemaphoreSlim s_console = new(1);
    private static bool s_extended;

    /// <param name="notebook">The notebook.</param>
    /// <param name="folder">The current directory for the cells: the notebook's folder.</param>
    /// <exception cref="CellException">A cell did not compile or threw.</exception>
    public static async Task RunAsync(Notebook notebook, string folder)
    {
        await s_console.WaitAsync();
        (TextWriter console, string directory) = (Console.Out, Environment.CurrentDirectory);
        try
        {
            await ExtendAsync();
            Environment.CurrentDirectory = folder;
            var globals = new CellGlobals();
            Console.SetOut(globals.Printed);
            ScriptState<object> state = await CSharpScript.RunAsync("", CSharpScripts.Options, globals);
            int number = 0;
            foreach (CodeCell cell in notebook.CodeCells)
            {
                globals.Outputs.Clear();
                string code = WithoutPackages(cell.Code);
                try
                {
                    state = await state.ContinueWithAsync(code);
                    globals.TakePrinted();
                    if (state.ReturnValue is { } value)
                        globals.Outputs.Add(CellOutput.Returned(value, number + 1));
                }
                catch (Exception e)
                {
                    throw new CellException(number + 1, code, e);
                }
                cell.SetOutputs(++number, globals.Outputs);
            }
        }
        finally
        {
            Console.SetOut(console);
            Environment.CurrentDirectory = directory;
            s_console.Release();
        }
    }

    /// <summary>Removes <c>#r "nuget: …"</c> lines: what they bring is referenced already, as built here.</summary>
    /// <exception cref="InvalidOperationException">A package is not one of those.</exception>
    private static string WithoutPackages(string code) => PackageReference().Replace(code, match =>
    {
        string package = match.Groups["name"].Value;
        // An assembly of ours is called as its package, but for the prefix that package ids may not have.
        return ((string[])[package, "Microsoft.ML." + package]).Any(n => File.Exists(Path.Combine(AppContext.BaseDirectory, n + ".dll"))) ? ""
            : throw new InvalidOperationException($"The notebook references the package '{package}', which is not built here.");
    });

    /// <summary>Runs the package's extension script, which registers formatters.</summary>
    private static async Task ExtendAsync()
    {
        if (s_extended)
            return;
        using var reader = new StreamReader(typeof(NotebookRunner).Assembly.GetManifestResourceStream("extension.dib")!);
        string script = await reader.ReadToEndAsync();
        await CSharpScript.RunAsync(script.Replace("#!csharp", ""), CSharpScripts.Options);
        s_extended = true;
    }

    [GeneratedRegex("""^#r "nuget: *(?<name>[^",]+)(, *[^"]+)?" *$""", RegexOptions.Multiline)]
    private static partial Regex PackageReference();
}
