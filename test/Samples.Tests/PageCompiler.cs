using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Notebooks;

namespace Samples.Tests;

/// <summary>Compiles the C# blocks of a page as one program, in order: later ones see what earlier ones declare.</summary>
internal static class PageCompiler
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

    /// <summary>The compiler's errors with their lines in the page, or nothing.</summary>
    /// <param name="page">The page's path in the repository.</param>
    public static string Errors(string page)
    {
        var usings = new StringBuilder(string.Concat(s_usings.Select(u => $"using {u};\n")));
        var statements = new StringBuilder(Given).AppendLine();
        var types = new StringBuilder();
        foreach ((int line, string code) in Markdown.CSharpBlocks(Repository.In(page)))
        {
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
        return string.Join('\n', compilation.GetDiagnostics().Where(d => d.Severity == DiagnosticSeverity.Error)
            .Select(d => $"{d.Location.GetMappedLineSpan().Path}({d.Location.GetMappedLineSpan().StartLinePosition.Line + 1}): {d.GetMessage()}"));
    }
}
