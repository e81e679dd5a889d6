using Microsoft.CodeAnalysis.Scripting;

namespace Notebooks;

/// <summary>How C# is compiled outside projects: against everything this program is deployed with.</summary>
public static class CSharpScripts
{
    /// <summary>References, and the namespaces that .NET Interactive 1.0.712001 imports by itself.</summary>
    public static ScriptOptions Options { get; } = ScriptOptions.Default
        .WithReferences(((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Where(File.Exists).Select(p => Microsoft.CodeAnalysis.MetadataReference.CreateFromFile(p)))
        .WithImports("System", "System.Collections", "System.Collections.Generic", "System.Linq", "System.Text", "System.Threading.Tasks");
}
