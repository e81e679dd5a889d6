using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Notebooks;

namespace Samples.Tests;

/// <summary>Every C# block of a page compiles. The blocks of a page are one program, in order: later ones see what earlier ones declare.</summary>
[TestClass]
public sealed class DocsTests
{
    /// <summary>What the reader has.</summary>
    private const string Given = """
        var mlContext = new Microsoft.ML.MLContext();
        Microsoft.ML.IDataView data = null!;
        string folder = "";
        IReadOnlyList<Backbones.ImagePixels> images = null!;
        """;

    private static readonly string[] s_usings =
    [
        "System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Threading", "System.Threading.Tasks",
        "Backbones", "Backbones.Graphs", "Backbones.Imaging", "Backbones.Registry", "Microsoft.ML", "Microsoft.ML.Data", "Microsoft.ML.TimmFeatures",
    ];

    public static IEnumerable<string[]> Pages => Directory.EnumerateFiles(Repository.In("docs"), "*.md").Append(Repository.In("README.md"))
        .Where(p => Markdown.CSharpBlocks(p).Any()).Order(StringComparer.Ordinal).Select(p => new[] { Path.GetRelativePath(Repository.Root, p) });

    [TestMethod]
    [DynamicData(nameof(Pages))]
    public void The_code_of_a_page_compiles(string page)
    {
        var usings = new StringBuilder(string.Concat(s_usings.Select(u => $"using {u};\n")));
        var statements = new StringBuilder(Given).AppendLine();
        var types = new StringBuilder();
        foreach ((int line, string code) in Markdown.CSharpBlocks(Repository.In(page)))
        {
            if (Repository.Companions == "false" && code.Contains(".Auto()") || Repository.Stack == "embedded" && code.Contains(".ToModule("))
                continue;
            CompilationUnitSyntax unit = SyntaxFactory.ParseCompilationUnit(code);
            foreach (UsingDirectiveSyntax directive in unit.Usings)
                usings.Append(directive.ToFullString());
            foreach (MemberDeclarationSyntax member in unit.Members)
            {
                int memberLine = line + member.GetLocation().GetLineSpan().StartLinePosition.Line;
                (member is GlobalStatementSyntax ? statements : types).Append($"#line {memberLine} \"{page}\"\n").AppendLine(member.ToString());
            }
        }
        CSharpCompilation compilation = CSharpCompilation.Create("Page", [CSharpSyntaxTree.ParseText(usings.ToString() + statements + types)], CSharpScripts.Options.MetadataReferences,
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable));
        string errors = string.Join('\n', compilation.GetDiagnostics().Where(d => d.Severity == DiagnosticSeverity.Error)
            .Select(d => $"{d.Location.GetMappedLineSpan().Path}({d.Location.GetMappedLineSpan().StartLinePosition.Line + 1}): {d.GetMessage()}"));
        Assert.AreEqual("", errors);
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
