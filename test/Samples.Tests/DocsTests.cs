namespace Samples.Tests;

/// <summary>The pages of the documentation. The one about AutoML is tested with its package, in the solution that has it.</summary>
[TestClass]
public sealed class DocsTests
{
    public static IEnumerable<string[]> Pages => Directory.EnumerateFiles(Repository.In("docs"), "*.md").Append(Repository.In("README.md"))
        .Where(p => Path.GetFileName(p) != "automl.md" && Markdown.CSharpBlocks(p).Any()).Order(StringComparer.Ordinal).Select(p => new[] { Path.GetRelativePath(Repository.Root, p) });

    [TestMethod]
    [DynamicData(nameof(Pages))]
    public void The_code_of_a_page_compiles(string page)
        => Assert.AreEqual("", PageCompiler.Errors(page));

    [TestMethod]
    public void Every_option_is_on_the_page_of_options()
    {
        string page = File.ReadAllText(Repository.In("docs", "options.md"));
        string[] missing = [.. ((Type[])[typeof(Microsoft.ML.TimmFeatures.FeaturizerOptions), typeof(Backbones.BackboneOptions)]).SelectMany(t => t.GetProperties())
            .Select(p => p.Name).Where(name => !page.Contains($"`{name}`"))];
        Assert.AreEqual("", string.Join(", ", missing));
    }

    /// <summary>Links between pages lead somewhere.</summary>
    [TestMethod]
    public void Pages_link_to_files_that_are_there()
    {
        string[] missing = [.. from page in Directory.EnumerateFiles(Repository.In("docs"), "*.md").Append(Repository.In("README.md"))
                               from link in System.Text.RegularExpressions.Regex.Matches(File.ReadAllText(page), @"\]\((?!http|#)([^)#]+)[^)]*\)").Select(m => m.Groups[1].Value)
                               where !Path.Exists(Path.Combine(Path.GetDirectoryName(page)!, link))
                               select $"{Path.GetRelativePath(Repository.Root, page)}: {link}"];
        Assert.AreEqual("", string.Join('\n', missing));
    }
}
