using Notebooks;

// Runs notebooks and saves their outputs: dotnet run -c Release --project eng/Notebooks -- samples/notebooks/NAME.ipynb…
if (args.Length == 0)
{
    Console.Error.WriteLine("Which notebooks? Paths of .ipynb files are needed.");
    return 2;
}
foreach (string path in args.Select(Path.GetFullPath))
{
    Notebook notebook = Notebook.Read(path);
    await NotebookRunner.RunAsync(notebook, Path.GetDirectoryName(path)!);
    notebook.Write(path);
    Console.WriteLine($"{Path.GetFileName(path)}: {notebook.CodeCells.Count()} code cells run, outputs saved.");
}
return 0;
