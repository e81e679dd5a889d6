using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Notebooks;

namespace Samples.Tests;

/// <summary>Compiles the C# blocks of a page as one program, in order: later ones see what earlier ones declare.</summary>
internal static class PageCompiler
{
    /// <summary>What the reader has, unless the page makes it.</summary>
    private static readonly (string Name, string Declaration)[] s_given =
    [
        ("mlContext", "var mlContext = new Microsoft.ML.MLContext();"), ("data", "Microsoft.ML.IDataView data = null!;"), ("folder", "string folder = \"\";"),
        ("images", "IReadOnlyList<Backbones.ImagePixels> images = null!;"),
    ];

    /// <summary>The SDK's, and those that the first block of the first page has for all.</summary>
    private static readonly string[] s_usings =
    [
        .. ((string[])["System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Threading", "System.Threading.Tasks"]).Select(u => $"using {u};\n"),
        .. SyntaxFactory.ParseCompilationUnit(Markdown.CSharpBlocks(Repository.In("docs", "getting-started.md")).First().Code).Usings.Select(u => u.ToFullString()),
    ];

    /// <summary>The compiler's errors with their lines in the page, or nothing.</summary>
    /// <param name="page">The page's path in the repository.</param>
    public static string Errors(string page)
    {
        var usings = new StringBuilder(string.Concat(s_usings));
        (int Line, CompilationUnitSyntax Unit)[] blocks = [.. Markdown.CSharpBlocks(Repository.In(page)).Select(b => (b.Line, SyntaxFactory.ParseCompilationUnit(b.Code)))];
        HashSet<string> made = [.. blocks.SelectMany(b => b.Unit.Members.OfType<GlobalStatementSyntax>()).Select(m => m.Statement).OfType<LocalDeclarationStatementSyntax>()
            .SelectMany(s => s.Declaration.Variables).Select(v => v.Identifier.Text)];
        var statements = new StringBuilder(string.Concat(s_given.Where(g => !made.Contains(g.Name)).Select(g => g.Declaration + "\n")));
        var types = new StringBuilder();
        foreach ((int line, CompilationUnitSyntax unit) in blocks)
        {
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
        return string.Join('\n', compilation.GetDiagnostics().Where(d => d.Severity == DiagnosticSeverity.Error)
            .Select(d => $"{d.Location.GetMappedLineSpan().Path}({d.Location.GetMappedLineSpan().StartLinePosition.Line + 1}): {d.GetMessage()}"));
    }
}
