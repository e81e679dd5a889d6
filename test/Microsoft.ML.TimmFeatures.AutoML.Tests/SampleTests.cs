using Notebooks;
using Samples.Tests;

namespace Microsoft.ML.TimmFeatures.AutoML.Tests;

/// <summary>The app, the notebook and the page about AutoML.</summary>
[TestClass]
public sealed class SampleTests
{
    [TestMethod]
    public void The_app_finds_a_model_that_saves_and_loads()
        => Assert.Contains("Saved and loaded: the predictions are the same.", global::Samples.Tests.DotNet.Run(Repository.Root, ["run", "-c", "Release", Repository.In("samples", "apps", "automl.cs")]));

    [TestMethod]
    public async Task The_notebook_runs_and_its_saved_outputs_are_those_of_its_cells()
    {
        string folder = Repository.In("samples", "notebooks");
        Notebook notebook = Notebook.Read(Path.Combine(folder, "automl.ipynb"));
        string[] saved = [.. notebook.CodeCells.Select(c => c.OutputKinds)];
        await NotebookRunner.RunAsync(notebook, folder);
        CollectionAssert.AreEqual(saved, notebook.CodeCells.Select(c => c.OutputKinds).ToArray());
    }

    [TestMethod]
    public void The_code_of_the_page_compiles()
        => Assert.AreEqual("", PageCompiler.Errors(Path.Combine("docs", "automl.md")));
}
