using System.Text.Json.Nodes;
using Notebooks;

// Runs notebooks: dotnet run -c Release --project eng/Notebooks -- samples/notebooks/NAME.ipynb… [--save]
// The files stay as they are, but for --save, which keeps the outputs of this run in them.
string[] unknown = [.. args.Where(a => a.StartsWith('-') && a != "--save")], paths = [.. args.Where(a => !a.StartsWith('-')).Select(Path.GetFullPath)];
if (unknown.Length > 0 || paths.Length == 0)
{
    Console.Error.WriteLine(unknown.Length > 0 ? $"Unknown option '{unknown[0]}'; there is --save." : "Which notebooks? Paths of .ipynb files are needed.");
    return 2;
}
bool save = args.Contains("--save");
foreach (string path in paths)
{
    Notebook notebook = Notebook.Read(path);
    JsonArray[] saved = [.. notebook.CodeCells.Select(c => c.Outputs.DeepClone().AsArray())];
    try
    {
        await NotebookRunner.RunAsync(notebook, Path.GetDirectoryName(path)!);
    }
    catch (Exception e) when (e is CellException or InvalidOperationException)
    {
        Console.Error.WriteLine($"{Path.GetFileName(path)}: {e.Message}");
        return 1;
    }
    int[] others = [.. notebook.CodeCells.Select((cell, i) => (cell.Outputs, Number: i + 1)).Where(c => !JsonNode.DeepEquals(c.Outputs, saved[c.Number - 1])).Select(c => c.Number)];
    if (save && others.Length > 0)
        notebook.Write(path);
    Console.WriteLine($"{Path.GetFileName(path)}: {saved.Length} code cells run; "
        + (others.Length == 0 ? "their outputs are the saved ones." : $"other outputs than saved in {string.Join(", ", others)}{(save ? ", now saved" : " (--save keeps them)")}."));
}
return 0;
