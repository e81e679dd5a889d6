using System.Text;

namespace Samples.Tests;

/// <summary>The C# in a page: blocks between <c>```csharp</c> and <c>```</c>.</summary>
internal static class Markdown
{
    public static IEnumerable<(int Line, string Code)> CSharpBlocks(string path)
    {
        string[] lines = File.ReadAllLines(path);
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].Trim() != "```csharp")
                continue;
            int first = ++i;
            var code = new StringBuilder();
            for (; i < lines.Length && lines[i].Trim() != "```"; i++)
                code.AppendLine(lines[i]);
            yield return (first + 1, code.ToString());
        }
    }
}
