using Notebooks;

namespace Samples.Tests;

[TestClass]
public sealed class NotebookTests
{
    public static IEnumerable<string[]> Files => Directory.EnumerateFiles(Repository.In("samples", "notebooks"), "*.ipynb").Order(StringComparer.Ordinal)
        .Where(f => Path.GetFileName(f) != "automl.ipynb").Select(f => new[] { Path.GetFileName(f) });

    /// <summary>Every cell compiles and runs, and gives outputs of the kinds that are saved.</summary>
    [TestMethod]
    [DynamicData(nameof(Files))]
    public async Task A_notebook_runs_and_its_saved_outputs_are_those_of_its_cells(string file)
    {
        string folder = Repository.In("samples", "notebooks");
        Notebook notebook = Notebook.Read(Path.Combine(folder, file));
        string[] saved = [.. notebook.CodeCells.Select(c => c.OutputKinds)];
        Assert.Contains("stdout", string.Join(' ', saved), "No outputs are saved.");
        await NotebookRunner.RunAsync(notebook, folder);
        CollectionAssert.AreEqual(saved, notebook.CodeCells.Select(c => c.OutputKinds).ToArray());
    }

    [TestMethod]
    public async Task A_cell_that_fails_is_named()
    {
        string path = Path.Combine(Path.GetTempPath(), $"timm-features-{Guid.NewGuid():N}.ipynb");
        File.WriteAllText(path, """{ "cells": [ { "cell_type": "code", "outputs": [], "source": [ "var x = 1;" ] }, { "cell_type": "code", "outputs": [], "source": [ "x + y" ] } ] }""");
        Notebook notebook = Notebook.Read(path);
        File.Delete(path);
        CellException error = await Assert.ThrowsExactlyAsync<CellException>(() => NotebookRunner.RunAsync(notebook, Path.GetTempPath()));
        Assert.Contains("Cell 2", error.Message);
        Assert.Contains("'y'", error.Message);
    }
}
